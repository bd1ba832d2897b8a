import {
  cellParts,
  spansOf,
  visible,
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
    `## ${escaped(title)}`,
    line(escaped(subtitle)),
    ...blocks.map((block) => blockMarkdown(block, 3)),
  ];

  return `${parts.filter((part) => part !== '').join('\n\n')}\n`;
}

function blockMarkdown(block: Block, level: number): string {
  switch (block.kind) {
    case 'section': {
      const body = block.blocks.map((inner) => blockMarkdown(inner, level + 1)).filter((part) => part !== '');
      const title = escaped(block.title);
      return block.aside === true
        ? ['<details>', `<summary>${title}</summary>`, '', body.join('\n\n'), '', '</details>'].join('\n')
        : [`${'#'.repeat(level)} ${title}`, ...body].join('\n\n');
    }
    case 'facts':
      return tableMarkdown(
        ['', ''],
        ['---', '---'],
        block.rows.map(([label, value]) => [`**${escaped(label)}**`, inline(value)]),
      );
    case 'table': {
      const rows = block.rows.map((row) => row.map(cellMarkdown));
      const rules = block.columns.map(({ numeric }) => (numeric === true ? '---:' : '---'));
      const titles = block.columns.map((column) => escaped(column.title));
      return `${line(escaped(block.caption))}\n\n${tableMarkdown(titles, rules, rows)}`;
    }
    case 'list':
      return block.items.map((item) => `- ${line(inline(item))}`).join('\n');
    case 'paragraph':
      return line(inline(block.text));
    case 'figure':
      return line(escaped(block.chart.summary));
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

function spanMarkdown(span: Span): string {
  if (typeof span === 'string') return escaped(span);
  if ('code' in span) return codeMarkdown(visible(span.code));
  if ('href' in span)
    return `[${escaped(span.text)}](${encodeURI(span.href).replaceAll(/[()]/g, encodeURIComponent)})`;
  return span.tone === 'quiet' || span.text.trim() !== span.text
    ? escaped(span.text)
    : `**${escaped(span.text)}**`;
}

/** A code span where nothing in it can end it or the table's cell; else the element with every special escaped. */
function codeMarkdown(text: string): string {
  return /^[^`|\\\s](?:[^`|\\]*[^`|\\\s])?$/.test(text) ? `\`${text}\`` : `<code>${escaped(text)}</code>`;
}

/**
 * Text in which nothing is Markdown: specials become character references, which are never syntax, not even for the
 * cells of a table. A space of no width keeps `@name` from calling somebody to the pull request.
 */
function escaped(text: string): string {
  return visible(text)
    .replace(/[\\`*_{}[\]<>|&~#$]/g, (char) => `&#${char.charCodeAt(0)};`)
    .replace(/@(?=\w)/g, '@&#8203;');
}
