import { markdownCellCode, markdownText } from '@quantsmith/schemas';
import {
  cellParts,
  plainSpan,
  spansOf,
  verdictLine,
  type Block,
  type Cell,
  type Document,
  type Span,
  type Text,
} from './document.js';

/**
 * A document in GitHub-flavoured Markdown, fit for a pull request: what decides is open, asides are folded. Charts are
 * left to HTML; their tables stay.
 */
export function toMarkdown({ title, subtitle, blocks }: Document): string {
  const parts = [
    `## ${markdownText(title)}`,
    line(markdownText(subtitle)),
    ...blocks.map((block) => blockMarkdown(block, 3)),
  ];

  return `${parts.filter((part) => part !== '').join('\n\n')}\n`;
}

function blockMarkdown(block: Block, level: number): string {
  switch (block.kind) {
    case 'section': {
      const body = block.blocks.map((inner) => blockMarkdown(inner, level + 1)).filter((part) => part !== '');
      const title = markdownText(block.title);
      return block.aside === true
        ? ['<details>', `<summary>${title}</summary>`, '', body.join('\n\n'), '', '</details>'].join('\n')
        : [`${'#'.repeat(level)} ${title}`, ...body].join('\n\n');
    }

    case 'verdict': {
      const figures = verdictLine(block);
      return `**${markdownText(block.headline.text)}**${figures === '' ? '' : `: ${markdownText(figures)}`}`;
    }

    case 'facts':
      return tableMarkdown(
        ['', ''],
        ['---', '---'],
        block.rows.map(([label, value]) => [`**${markdownText(label)}**`, inline(value)]),
      );
    case 'table': {
      const rows = block.rows.map((row) => row.map(cellMarkdown));
      const rules = block.columns.map(({ numeric }) => (numeric === true ? '---:' : '---'));
      const titles = block.columns.map((column) => markdownText(column.title));
      return `${line(markdownText(block.caption))}\n\n${tableMarkdown(titles, rules, rows)}`;
    }

    case 'list':
      return block.items.map((item) => `- ${line(inline(item))}`).join('\n');
    case 'paragraph':
      return line(inline(block.text));
    case 'buttons':
      return '';
    case 'figure':
      return line(markdownText(block.chart.summary));
  }
}

/** A line outside a table: it must not start a list, an underline or indented code. */
function line(markdown: string): string {
  return markdown.trim().replace(/^[-+=]|(?<=^\d{1,9})[.)](?=\s|$)/, (char) => `&#${char.charCodeAt(0)};`);
}

function tableMarkdown(
  titles: readonly string[],
  rules: readonly string[],
  rows: readonly (readonly string[])[],
): string {
  return [titles, rules, ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

const cellMarkdown = (cell: Cell) => inline(cellParts(cell).text);

function inline(text: Text): string {
  return spansOf(text).map(spanMarkdown).join('');
}

/** A link, encoded already, without what would end it: encodeURIComponent leaves brackets as they are. */
const linkTarget = (href: string) =>
  href.replaceAll(
    /[()<>\s]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`,
  );

function spanMarkdown(span: Span): string {
  if (typeof span === 'string') return markdownText(span);
  if ('code' in span) return markdownCellCode(span.code);
  if ('href' in span) return `[${markdownText(span.text)}](${linkTarget(span.href)})`;
  if (!('tone' in span)) return markdownText(plainSpan(span));
  return span.tone === 'quiet' || span.text.trim() !== span.text
    ? markdownText(span.text)
    : `**${markdownText(span.text)}**`;
}
