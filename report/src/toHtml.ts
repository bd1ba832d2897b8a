import { chartSvg } from './chart.js';
import {
  cellParts,
  spansOf,
  type Block,
  type Cell,
  type Document,
  type Facts,
  type LiveRows,
  type Span,
  type Table,
  type Text,
  type Verdict,
} from './document.js';
import { markup, NOTHING, type Markup } from './markup.js';
import { page, type PageHost } from './page.js';
import { ROWS_AT_ONCE } from './style.js';

/**
 * A document as one HTML page: style, script and charts inside, no network. Headings, captions and scopes are there for screen
 * readers; charts have their text and a table beside them. What is too wide scrolls, by the keyboard too. `host`: the panel
 * that shows it; without one it is a file, without buttons.
 */
export function toHtml({ title, subtitle, blocks }: Document, host?: PageHost): string {
  return page({ title, subtitle, body: blocksHtml(blocks), ...(host === undefined ? {} : { host }) });
}

/** The blocks of a document, for pages that have more than it. */
export const blocksHtml = (blocks: readonly Block[]): Markup =>
  markup`${blocks.map((block, index) => blockHtml(block, 2, `part-${index + 1}`))}`;

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

    case 'verdict':
      return verdictHtml(block);
    case 'facts':
      return factsHtml(block);
    case 'table':
      return tableHtml(block, id);
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
    case 'buttons':
      return markup`<div class="toolbar">${block.buttons.map((button) => markup`${spanHtml(button)} `)}</div>
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

function verdictHtml({ headline, figures }: Verdict): Markup {
  const parts = figures.map(
    ({ label, value, note }) =>
      markup`<div><dt>${label}</dt><dd>${value}</dd>${note === '' ? NOTHING : markup`<dd class="quiet">${note}</dd>`}</div>
`,
  );

  return markup`<p class="verdict ${headline.tone}">${headline.text}</p>
<dl class="verdict">
${parts}</dl>
`;
}

function tableHtml({ caption, columns, rows, live }: Table, id: string): Markup {
  const numberClass = (column: number) =>
    columns[column]?.numeric === true ? markup` class="number"` : NOTHING;
  const heads = columns.map(({ title }, index) => {
    const barred = rows.some((row) => cellParts(row[index] ?? '').bar !== null);
    return markup`<th scope="col"${barred ? markup` class="number barred"` : numberClass(index)}>${title}</th>`;
  });
  const body = rows.map(([first, ...others], index) => {
    const cells = others.map((cell, column) => markup`<td${numberClass(column + 1)}>${cellHtml(cell)}</td>`);
    const layer = live?.layers[index];
    const marks =
      layer === undefined
        ? NOTHING
        : markup` data-layer="${layer.index}" data-marks="${layer.marks.join(' ')}"`;

    return markup`<tr${marks}><th scope="row">${cellHtml(first ?? '')}</th>${cells}</tr>
`;
  });

  const attributes =
    live === undefined
      ? NOTHING
      : markup` id="${id}-table" data-actions="${JSON.stringify(live.actions)}" data-window="${ROWS_AT_ONCE}"`;

  return markup`${live === undefined ? NOTHING : toolsHtml(live, rows.length, `${id}-table`)}<div class="scroll" tabindex="0" role="group" aria-label="${caption}"><table${attributes}><caption>${caption}</caption><thead><tr>${heads}</tr></thead><tbody>
${body}</tbody></table></div>
`;
}

/** Search and filter; hidden until the script that works them shows them. */
function toolsHtml({ filters, layers }: LiveRows, count: number, table: string): Markup {
  const used = filters.filter(({ mark }) => layers.some(({ marks }) => marks.includes(mark)));
  const options = [{ title: 'all layers', mark: '' }, ...used].map(
    ({ title, mark }) => markup`<option value="${mark}">${title}</option>`,
  );

  return markup`<form class="tools" data-table="${table}" hidden><label>Search <input type="search"></label> <label>Show <select>${options}</select></label> <output>${count} of ${count}</output></form>
`;
}

function cellHtml(cell: Cell): Markup {
  const { text, bar } = cellParts(cell);
  if (bar === null) return textHtml(text);
  return markup`${textHtml(text)}<svg class="bar" height="11" aria-hidden="true">${barRect(bar)}</svg>`;
}

function barRect({ share, float }: { share: number; float: boolean }): Markup {
  if (share === 0) return NOTHING;
  return markup`<rect class="${float ? 'float' : 'int8'}" x="1" y="1" width="${`${(98 * share).toFixed(1)}%`}" height="9"/>`;
}

function textHtml(text: Text): Markup {
  return markup`${spansOf(text).map(spanHtml)}`;
}

function spanHtml(span: Span): Markup {
  if (typeof span === 'string') return markup`${span}`;
  if ('code' in span) return markup`<code>${span.code}</code>`;
  if ('href' in span) return markup`<a href="${span.href}">${span.text}</a>`;
  if ('mark' in span) return markup`<span class="mark">${span.mark}</span>`;
  if ('send' in span)
    return markup`<button type="button" data-send="${JSON.stringify(span.send)}">${span.text}</button>`;
  return markup`<span class="${span.tone}">${span.text}</span>`;
}
