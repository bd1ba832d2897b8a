/**
 * What a report says, without how it looks: `reportDocument` and `comparisonDocument` write it once, `toText`,
 * `toMarkdown` and `toHtml` render it. Every string in here is plain text from anywhere, model files included; markup
 * exists in renderers only, so escaping has one place for each format.
 */
export interface Document {
  readonly title: string;
  readonly subtitle: string;
  readonly blocks: readonly Block[];
}

export type Block = Section | Facts | Table | List | Paragraph | Figure;

/** Blocks under a heading. `aside` marks what a reader of a pull request unfolds when it matters. */
export interface Section {
  readonly kind: 'section';
  readonly title: string;
  readonly aside?: boolean;
  readonly blocks: readonly Block[];
}

/** Labels and values. */
export interface Facts {
  readonly kind: 'facts';
  readonly caption: string;
  readonly rows: readonly (readonly [label: string, value: Text])[];
}

/** The first column names the row. */
export interface Table {
  readonly kind: 'table';
  readonly caption: string;
  readonly columns: readonly Column[];
  readonly rows: readonly (readonly Cell[])[];
}

interface Column {
  readonly title: string;
  readonly numeric?: boolean;
}

interface List {
  readonly kind: 'list';
  readonly items: readonly Text[];
}

interface Paragraph {
  readonly kind: 'paragraph';
  readonly text: Text;
}

/** A chart for renderers that can draw; the tables around it carry the same figures. */
export interface Figure {
  readonly kind: 'figure';
  readonly chart: Chart;
}

export type Text = Span | readonly Span[];
export type Span =
  | string
  | { readonly code: string }
  | { readonly text: string; readonly tone: 'good' | 'bad' | 'quiet' }
  /** Followed where a page can; text elsewhere. */
  | { readonly text: string; readonly href: string };

/** A cell, with a bar beside its text where one helps: `share` from 0 to 1 of the longest bar. */
export type Cell =
  Text | { readonly text: Text; readonly bar: { readonly share: number; readonly float: boolean } };

export type Chart = DropChart | NoiseChart | ScatterChart;

/** Accuracy drop against the number of operators in float. */
export interface DropChart {
  readonly type: 'drop';
  readonly title: string;
  readonly summary: string;
  readonly xLabel: string;
  readonly yLabel: string;
  readonly points: readonly {
    readonly count: number;
    readonly drop: number;
    readonly label: string;
    /** Measured on all validation samples; others are estimates of the search. */
    readonly validated: boolean;
  }[];
  /** The model that was written, with the interval of its drop. */
  readonly final: {
    readonly count: number;
    readonly drop: number;
    readonly interval: readonly [number, number];
  };
  /** The drop that is allowed; null: none was set. */
  readonly target: number | null;
  readonly tick: (drop: number) => string;
}

/** SQNR of each layer in the order of the graph. */
export interface NoiseChart {
  readonly type: 'noise';
  readonly title: string;
  readonly summary: string;
  readonly bars: readonly {
    readonly decibels: number | null;
    readonly float: boolean;
    readonly label: string;
  }[];
}

/** Results against what they cost, a point each. */
export interface ScatterChart {
  readonly type: 'scatter';
  readonly title: string;
  readonly summary: string;
  readonly xLabel: string;
  readonly yLabel: string;
  readonly points: readonly {
    readonly x: number;
    readonly y: number;
    readonly label: string;
    /** Where the point leads; null: nowhere. */
    readonly href: string | null;
    /** Whether no other point is at least as good in both directions. */
    readonly best: boolean;
  }[];
  /** No y is larger: 1 of a share; null: there is no such bound. */
  readonly yMost: number | null;
  readonly xTick: (value: number) => string;
  readonly yTick: (value: number) => string;
}

/** The spans of a text. */
export function spansOf(text: Text): readonly Span[] {
  return Array.isArray(text) ? (text as readonly Span[]) : [text as Span];
}

/** The text of a cell, and its bar if it has one. */
export function cellParts(cell: Cell): { text: Text; bar: { share: number; float: boolean } | null } {
  if (typeof cell === 'object' && 'bar' in cell) return { text: cell.text, bar: cell.bar };
  return { text: cell, bar: null };
}

/** Names in one cell or line; the tables of layers have them all. */
const MAX_NAMES = 8;

/** Names as code with commas between them, each after its sign if it has one; of many the first and how many more. */
export function names(list: readonly string[], sign: (index: number) => string = () => ''): Span[] {
  const shown = list.slice(0, MAX_NAMES);
  const more = list.length - shown.length;
  const spans = shown.flatMap((code, index): Span[] => [
    `${index === 0 ? '' : ', '}${sign(index)}`,
    { code },
  ]);

  return more === 0 ? spans : [...spans, ` and ${more} more`];
}
