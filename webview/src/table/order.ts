import { compareKeys } from '@quantsmith/report/page';

/** A column of a table: what a cell shows, and what it is sorted by where that is not its text. */
export interface Column<R> {
  readonly title: string;
  readonly numeric?: boolean;
  /** Share of the table's width: of all columns together, about 100. */
  readonly width: number;
  readonly text: (row: R) => string;
  /** null: not known, and last in either direction. */
  readonly value?: (row: R) => number | null;
}

export interface Sorting {
  readonly column: number;
  readonly descending: boolean;
}

/** The sorting after a click on a heading: figures start with the largest, texts with the first; again turns it round. */
export function sortedBy<R>(columns: readonly Column<R>[], column: number, before: Sorting | null): Sorting {
  const starts = columns[column]?.numeric === true;
  return { column, descending: before?.column === column ? !before.descending : starts };
}

/** The rows in order; those that are equal stay in the order of the file. */
export function sorted<R>(rows: readonly R[], columns: readonly Column<R>[], sorting: Sorting | null): R[] {
  const column = sorting === null ? undefined : columns[sorting.column];
  if (sorting === null || column === undefined) return [...rows];
  const turn = sorting.descending ? -1 : 1;
  const key = column.value ?? column.text;

  return rows
    .map((row) => ({ row, key: key(row) }))
    .sort((a, b) => {
      // What is missing comes last, whichever way round.
      const isMissing = a.key === null || b.key === null;
      return (isMissing ? 1 : turn) * compareKeys(a.key, b.key);
    })
    .map(({ row }) => row);
}

/** Whether every word of a search occurs in a text, in any case. */
export function matcher(search: string): (text: string) => boolean {
  const words = search
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== '');
  return (text) => {
    const folded = text.toLowerCase();
    return words.every((word) => folded.includes(word));
  };
}

/** The rows that a view of some height shows, with a few around them: [first, end). */
export function windowOf(
  count: number,
  { top, height, rowHeight }: { readonly top: number; readonly height: number; readonly rowHeight: number },
): readonly [first: number, end: number] {
  const first = Math.max(0, Math.min(count, Math.floor(top / rowHeight)) - MARGIN);
  return [first, Math.min(count, Math.ceil((top + height) / rowHeight) + MARGIN)];
}

/** Rows beyond the edges of the view: scrolling a little shows no gap. */
const MARGIN = 8;
