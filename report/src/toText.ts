import { visible, largest } from '@quantsmith/schemas';
import {
  cellParts,
  plainSpan,
  spansOf,
  verdictLine,
  type Block,
  type Cell,
  type Document,
  type Facts,
  type Span,
  type Table,
  type Text,
} from './document.js';

/** Colours of a terminal; each wraps a text in escapes that take no room. */
export interface Paint {
  readonly strong: (text: string) => string;
  readonly good: (text: string) => string;
  readonly bad: (text: string) => string;
  readonly quiet: (text: string) => string;
}

const same = (text: string) => text;
/** No colours: for pipes and files. */
export const PLAIN: Paint = { strong: same, good: same, bad: same, quiet: same };

/** Characters of the longest bar. */
const BAR_WIDTH = 12;

/** A document for a terminal: aligned columns, no lines drawn, one row of a table on one line. */
export function toText({ title, subtitle, blocks }: Document, paint: Paint = PLAIN): string {
  const head = `${paint.strong(visible(title))}\n${paint.quiet(visible(subtitle))}`;
  return [head, ...blocks.map((block) => blockText(block, paint))].filter((part) => part !== '').join('\n\n');
}

/** Labels and values in two columns. */
export function factsText({ rows }: Facts, paint: Paint = PLAIN): string {
  const labels = rows.map(([label]) => visible(label));
  const width = Math.max(0, largest(labels.map(widthOf)));
  return rows
    .map(
      ([, value], index) => `${paint.strong(padded(labels[index]!, width, false))}  ${painted(value, paint)}`,
    )
    .join('\n');
}

function blockText(block: Block, paint: Paint): string {
  switch (block.kind) {
    case 'section': {
      const parts = block.blocks.map((inner) => blockText(inner, paint)).filter((part) => part !== '');
      return `${paint.strong(visible(block.title))}\n${parts.join('\n\n')}`;
    }

    case 'verdict': {
      const { text, tone } = block.headline;
      const figures = verdictLine(block);
      return `${paint[tone](visible(text))}${figures === '' ? '' : `: ${visible(figures)}`}`;
    }

    case 'facts':
      return factsText(block, paint);
    case 'table':
      return tableText(block, paint);
    case 'list':
      return block.items.map((item) => `- ${painted(item, paint)}`).join('\n');
    case 'paragraph':
      return painted(block.text, paint);
    case 'buttons':
      return '';
    case 'figure':
      return block.chart.summary === '' ? '' : paint.quiet(visible(block.chart.summary));
  }
}

function tableText({ caption, columns, rows }: Table, paint: Paint): string {
  const cells = rows.map((row) => row.map(plainCell));
  const widths = columns.map(({ title }, column) =>
    cells.reduce((width, row) => Math.max(width, widthOf(row[column] ?? '')), widthOf(visible(title))),
  );

  const line = (parts: readonly string[]) => parts.join('  ').trimEnd();
  const pad = (text: string, column: number) =>
    padded(text, widths[column]!, columns[column]!.numeric === true);

  return [
    paint.quiet(visible(caption)),
    paint.strong(line(columns.map(({ title }, column) => pad(visible(title), column)))),
    // Colours come after padding: they take no room.
    ...rows.map((row, index) =>
      line(
        row.map((cell, column) => {
          const text = pad(cells[index]![column]!, column);
          const tone = toneOf(cell);
          return tone === null ? text : paint[tone](text);
        }),
      ),
    ),
  ].join('\n');
}

/** The one tone of a cell; cells of several spans stay plain. */
function toneOf(cell: Cell) {
  const [span, ...others] = spansOf(cellParts(cell).text);
  return others.length === 0 && typeof span === 'object' && 'tone' in span ? span.tone : null;
}

function plainCell(cell: Cell): string {
  const { text, bar } = cellParts(cell);
  const plain = spansOf(text).map(shownSpan).join('');
  if (bar === null) return plain;
  return `${plain.padStart(8)} ${(bar.float ? '░' : '█').repeat(Math.round(bar.share * BAR_WIDTH)).padEnd(BAR_WIDTH)}`;
}

function painted(text: Text, paint: Paint): string {
  return spansOf(text)
    .map((span) => {
      const plain = shownSpan(span);
      return typeof span === 'object' && 'tone' in span ? paint[span.tone](plain) : plain;
    })
    .join('');
}

const shownSpan = (span: Span) => visible(plainSpan(span));

/** Code points; characters of double width are rare in names of layers. */
const widthOf = (text: string) => Array.from(text).length;

function padded(text: string, width: number, right: boolean): string {
  const space = ' '.repeat(Math.max(0, width - widthOf(text)));
  return right ? space + text : text + space;
}
