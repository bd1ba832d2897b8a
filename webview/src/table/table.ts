import { element } from '../dom.js';
import { sorted, sortedBy, windowOf, type Column, type Sorting } from './order.js';
import { ROW_HEIGHT, rowId, rowOf, spacer } from './rows.js';

/** The least width of a column, for each point of its share: a table of many columns scrolls. */
const REM_OF_SHARE = 0.6;

export interface Table<R> {
  /** Shows other rows, in the order that was chosen. */
  readonly show: (rows: readonly R[]) => void;
  /** Selects a row and brings it into view; false: it is not among those that are shown. */
  readonly select: (row: R) => boolean;
}

export interface TableParts<R> {
  readonly label: string;
  readonly columns: readonly Column<R>[];
  /** The order to begin with; null: that of the rows. */
  readonly sorting: Sorting | null;
  /** Gets each row that a person selects. */
  readonly onSelect: (row: R) => void;
  readonly onSort: (sorting: Sorting) => void;
}

/** A table in its place, and what a person has made of it so far. */
interface View<R> {
  readonly parts: TableParts<R>;
  readonly place: HTMLElement;
  readonly table: HTMLTableElement;
  readonly body: HTMLElement;
  readonly headings: readonly HTMLTableCellElement[];
  rows: readonly R[];
  ordered: readonly R[];
  sorting: Sorting | null;
  /** Which of `ordered` is selected; -1: none. */
  active: number;
}

/**
 * A table that draws only the rows in view, sorts by its headings and is used by keyboard as a grid: arrows, pages, Home and
 * End move the selection.
 */
export function createTable<R>(place: HTMLElement, parts: TableParts<R>): Table<R> {
  const { columns, label, sorting } = parts;
  const body = element('tbody');
  const headings = columns.map((column, index) => heading(column, () => sort(view, index)));
  const table = element(
    'table',
    { role: 'grid', tabindex: '0', 'aria-label': label, class: 'grid-table' },
    element('colgroup', {}, ...columns.map(columnOf)),
    element('thead', {}, element('tr', { 'aria-rowindex': '1' }, ...headings)),
    body,
  );
  table.style.minWidth = `${REM_OF_SHARE * columns.reduce((sum, { width }) => sum + width, 0)}rem`;
  place.replaceChildren(table);
  const view: View<R> = { parts, place, table, body, headings, rows: [], ordered: [], sorting, active: -1 };
  markSorting(view);
  listen(view);

  return {
    show(rows) {
      view.rows = rows;
      order(view);
    },
    select(row) {
      const index = view.ordered.indexOf(row);
      if (index === -1) return false;
      mark(view, index);
      return true;
    },
  };
}

function listen<R>(view: View<R>): void {
  const { place, table, body } = view;
  place.addEventListener('scroll', () => draw(view));
  new ResizeObserver(() => draw(view)).observe(place);
  body.addEventListener('click', ({ target }) => {
    const row = target instanceof Element ? target.closest('tr') : null;
    if (row?.dataset['index'] !== undefined) activate(view, Number(row.dataset['index']));
  });
  table.addEventListener('keydown', (event) => {
    const page = Math.max(1, Math.floor(place.clientHeight / ROW_HEIGHT) - 2);
    const step = stepOf(event.key, page, view.ordered.length);
    if (event.target !== table || step === null) return;
    event.preventDefault();
    activate(view, view.active + step);
  });
}

function draw<R>({ parts: { columns }, place, table, body, ordered, active }: View<R>): void {
  const visible = { top: place.scrollTop, height: place.clientHeight, rowHeight: ROW_HEIGHT };
  const [first, end] = windowOf(ordered.length, visible);
  const drawn = ordered.slice(first, end).map((row, index) => rowOf(columns, row, first + index, active));
  body.replaceChildren(spacer(first, columns), ...drawn, spacer(ordered.length - end, columns));
  table.setAttribute('aria-rowcount', String(ordered.length + 1));
  if (active < first || active >= end) table.removeAttribute('aria-activedescendant');
  else table.setAttribute('aria-activedescendant', rowId(active));
}

/** Puts the rows in order; the one that is selected stays it. */
function order<R>(view: View<R>): void {
  const selected = view.ordered[view.active];
  view.ordered = sorted(view.rows, view.parts.columns, view.sorting);
  view.active = selected === undefined ? -1 : view.ordered.indexOf(selected);
  draw(view);
}

function sort<R>(view: View<R>, column: number): void {
  view.sorting = sortedBy(view.parts.columns, column, view.sorting);
  markSorting(view);
  view.place.scrollTop = 0;
  order(view);
  view.parts.onSort(view.sorting);
}

function markSorting<R>({ headings, sorting }: View<R>): void {
  for (const [index, cell] of headings.entries())
    if (index === sorting?.column)
      cell.setAttribute('aria-sort', sorting.descending ? 'descending' : 'ascending');
    else cell.removeAttribute('aria-sort');
}

/** Selects the row at a place, or the nearest there is, and tells so. */
function activate<R>(view: View<R>, index: number): void {
  const nearest = Math.max(0, Math.min(view.ordered.length - 1, index));
  const row = view.ordered[nearest];
  if (row === undefined) return;
  mark(view, nearest);
  view.parts.onSelect(row);
}

function mark<R>(view: View<R>, index: number): void {
  const { place } = view;
  view.active = index;
  const top = index * ROW_HEIGHT;
  const room = place.clientHeight - 2 * ROW_HEIGHT;
  if (top < place.scrollTop) place.scrollTop = top;
  else if (top > place.scrollTop + room) place.scrollTop = top - room;
  draw(view);
}

function heading<R>({ title, numeric }: Column<R>, sortBy: () => void): HTMLTableCellElement {
  const sorter = element('button', { type: 'button' }, title);
  sorter.addEventListener('click', sortBy);
  return element('th', { scope: 'col', title, ...(numeric === true ? { class: 'number' } : {}) }, sorter);
}

function columnOf<R>({ width }: Column<R>): HTMLElement {
  const column = element('col');
  column.style.width = `${width}%`;
  return column;
}

/** How far a key moves the selection; null: it does not. */
function stepOf(key: string, page: number, count: number): number | null {
  const steps: Readonly<Record<string, number>> = {
    ...{ ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -count, End: count },
  };
  return Object.hasOwn(steps, key) ? (steps[key] ?? null) : null;
}
