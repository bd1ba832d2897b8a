import { createHash } from 'node:crypto';
import { chartSvg } from './charts.js';
import {
  cellParts,
  spansOf,
  type Block,
  type Cell,
  type Document,
  type Facts,
  type Span,
  type Table,
  type Text,
} from './document.js';
import { markup, NOTHING, type Markup } from './markup.js';
import { STYLE } from './style.js';

/**
 * A document as one HTML file that needs nothing else: no network, style and charts inside, no script but the host's. The
 * content security policy allows the one style element and that script, by their hashes. Headings, captions and scopes
 * are there for screen readers; charts have their text and a table beside them. What is too wide scrolls, by the keyboard too.
 */
export function toHtml({ title, subtitle, blocks }: Document, script?: string): string {
  const policy = [
    "default-src 'none'",
    `style-src '${hashOf(STYLE)}'`,
    ...(script === undefined ? [] : [`script-src '${hashOf(script)}'`]),
  ].join('; ');

  return markup`<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="UTF-8">
<meta http-equiv="Content-Security-Policy" content="${{ html: policy }}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}: ${subtitle}</title>
<style>${{ html: STYLE }}</style>
</head>
<body>
<main>
<h1>${title}</h1>
<p class="quiet">${subtitle}</p>
${blocks.map((block, index) => blockHtml(block, 2, `part-${index + 1}`))}</main>
${script === undefined ? NOTHING : markup`<script>${{ html: script }}</script>`}</body>
</html>
`.html;
}

const hashOf = (text: string) => `sha256-${createHash('sha256').update(text).digest('base64')}`;

/** `id` is unique on the page: headings and charts are named by it. */
function blockHtml(block: Block, level: number, id: string): Markup {
  switch (block.kind) {
    case 'section': {
      const inner = block.blocks.map((part, index) => blockHtml(part, level + 1, `${id}-${index + 1}`));
      return markup`<section aria-labelledby="${id}">
<h${level} id="${id}">${block.title}</h${level}>
${inner}</section>
`;
    }
    case 'facts':
      return factsHtml(block);
    case 'table':
      return tableHtml(block);
    case 'list':
      return markup`<ul>
${block.items.map(
  (item) => markup`<li>${textHtml(item)}</li>
`,
)}</ul>
`;
    case 'paragraph':
      return markup`<p>${textHtml(block.text)}</p>
`;
    case 'figure':
      return chartSvg(block.chart, id);
  }
}

function factsHtml({ caption, rows }: Facts): Markup {
  const body = rows.map(
    ([label, value]) => markup`<tr><th scope="row">${label}</th><td>${textHtml(value)}</td></tr>
`,
  );

  return markup`<div class="scroll" tabindex="0" role="group" aria-label="${caption}"><table class="facts"><caption>${caption}</caption><tbody>
${body}</tbody></table></div>
`;
}

function tableHtml({ caption, columns, rows }: Table): Markup {
  const numberClass = (column: number) =>
    columns[column]?.numeric === true ? markup` class="number"` : NOTHING;
  const heads = columns.map(({ title }, index) => {
    const barred = rows.some((row) => cellParts(row[index] ?? '').bar !== null);
    return markup`<th scope="col"${barred ? markup` class="number barred"` : numberClass(index)}>${title}</th>`;
  });
  const body = rows.map(([first, ...others]) => {
    const cells = others.map((cell, index) => markup`<td${numberClass(index + 1)}>${cellHtml(cell)}</td>`);
    return markup`<tr><th scope="row">${cellHtml(first ?? '')}</th>${cells}</tr>
`;
  });

  return markup`<div class="scroll" tabindex="0" role="group" aria-label="${caption}"><table><caption>${caption}</caption><thead><tr>${heads}</tr></thead><tbody>
${body}</tbody></table></div>
`;
}

/** Units of the longest bar beside a figure. */
const BAR_WIDTH = 140;

function cellHtml(cell: Cell): Markup {
  const { text, bar } = cellParts(cell);
  if (bar === null) return textHtml(text);
  return markup`${textHtml(text)}<svg class="bar" width="${BAR_WIDTH}" height="11" aria-hidden="true">${barRect(bar)}</svg>`;
}

function barRect({ share, float }: { share: number; float: boolean }): Markup {
  if (share === 0) return NOTHING;
  return markup`<rect class="${float ? 'float' : 'int8'}" x="1" y="1" width="${share * (BAR_WIDTH - 2)}" height="9"/>`;
}

function textHtml(text: Text): Markup {
  return markup`${spansOf(text).map(spanHtml)}`;
}

function spanHtml(span: Span): Markup {
  if (typeof span === 'string') return markup`${span}`;
  if ('code' in span) return markup`<code>${span.code}</code>`;
  if ('href' in span) return markup`<a href="${span.href}">${span.text}</a>`;
  return markup`<span class="${span.tone}">${span.text}</span>`;
}
