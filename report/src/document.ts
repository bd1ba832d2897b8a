import type { LayerMessage, PageMessage } from './messages.js';

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

export type Block = Section | Verdict | Facts | Table | List | Paragraph | Figure | Buttons;

/** Blocks under a heading. `aside` marks what a reader of a pull request unfolds when it matters. */
export interface Section {
  readonly kind: 'section';
  readonly title: string;
  readonly aside?: boolean;
  readonly blocks: readonly Block[];
}

/** What decides, in a few words: the headline, and the figures behind it. */
export interface Verdict {
  readonly kind: 'verdict';
  readonly headline: { readonly text: string; readonly tone: 'good' | 'bad' | 'quiet' };
  readonly figures: readonly {
    readonly label: string;
    readonly value: string;
    /** What it comes from; empty: nothing more to say. */
    readonly note: string;
  }[];
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
  /** What a page can do with the rows beyond sorting; other renderers leave it out. */
  readonly live?: LiveRows;
}

/** Rows that are layers: a page searches and filters them, and offers actions on each. */
export interface LiveRows {
  /** Of each row in its order: the layer's place in the graph, and the marks by which it is filtered. */
  readonly layers: readonly { readonly index: number; readonly marks: readonly string[] }[];
  readonly filters: readonly { readonly title: string; readonly mark: string }[];
  /** What a row offers where the page has a host that does it; `mark`: only rows that have it. */
  readonly actions: readonly {
    readonly title: string;
    readonly send: LayerMessage;
    readonly mark: string;
  }[];
}

interface Column {
  readonly title: string;
  readonly numeric?: boolean;
}

interface List {
  readonly kind: 'list';
  readonly items: readonly Text[];
}

/** What a page's host can do with the whole document; other renderers leave it out. */
interface Buttons {
  readonly kind: 'buttons';
  readonly buttons: readonly { readonly text: string; readonly send: PageMessage }[];
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
  /** A word that must not be missed among others. */
  | { readonly mark: string }
  /** A button, in pages whose host takes the message only. */
  | { readonly text: string; readonly send: PageMessage }
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
    /** Its number among the states of the search, -1 for all in int8; not there: it is none. */
    readonly state?: number;
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
  /** Empty: where it is not drawn, its table says all that it does. */
  readonly summary: '';
  readonly xLabel: string;
  readonly yLabel: string;
  readonly points: readonly {
    readonly x: number;
    readonly y: number;
    /** What was spread about the two, from and to; null or left out: not known. */
    readonly xSpread?: readonly [number, number] | null;
    readonly ySpread?: readonly [number, number] | null;
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

/** What a span says, without how it looks. */
export function plainSpan(span: Span): string {
  if (typeof span === 'string') return span;
  if ('code' in span) return span.code;
  return 'mark' in span ? span.mark : span.text;
}

/** A verdict in one line, for readers of plain text: the headline, then what decides. */
export function verdictLine({ figures }: Verdict): string {
  return figures.map(({ label, value }) => `${label} ${value}`).join(', ');
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
