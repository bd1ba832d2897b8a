import { element } from '../dom.js';
import { sorted, sortedBy, windowOf, type Column, type Sorting } from './order.js';

/** Pixels of a row: all are alike, so that any place of a long table is known without drawing what is above it. */
const ROW_HEIGHT = 26;
/** The least width of a column, for each point of its share: a table of many columns scrolls. */
const REM_OF_SHARE = 0.6;

export interface Table<R> {
  /** Shows other rows, in the order that was chosen. */
  readonly show: (rows: readonly R[]) => void;
  /** Selects a row and brings it into view; false: it is not among those that are shown. */
  readonly select: (row: R) => boolean;
}

/**
 * A table that draws only the rows in view, sorts by its headings and is used by keyboard as a grid: arrows, pages, Home and
 * End move the selection. `onSelect` gets each row that is selected.
 */
export function createTable<R>(
  place: HTMLElement,
  label: string,
  columns: readonly Column<R>[],
  onSelect: (row: R) => void,
): Table<R> {
  let rows: readonly R[] = [];
  let ordered: readonly R[] = [];
  let sorting: Sorting | null = null;
  let active = -1;

  const body = element('tbody');
  const headings = columns.map((column, index) => heading(column, () => sort(index)));
  const table = element(
    'table',
    { role: 'grid', tabindex: '0', 'aria-label': label, class: 'grid-table' },
    element('colgroup', {}, ...columns.map(columnOf)),
    element('thead', {}, element('tr', { 'aria-rowindex': '1' }, ...headings)),
    body,
  );
  table.style.minWidth = `${REM_OF_SHARE * columns.reduce((sum, { width }) => sum + width, 0)}rem`;
  place.replaceChildren(table);

  const draw = () => {
    const view = { top: place.scrollTop, height: place.clientHeight, rowHeight: ROW_HEIGHT };
    const [first, end] = windowOf(ordered.length, view);
    const drawn = ordered.slice(first, end).map((row, index) => rowOf(columns, row, first + index, active));
    body.replaceChildren(spacer(first, columns), ...drawn, spacer(ordered.length - end, columns));
    table.setAttribute('aria-rowcount', String(ordered.length + 1));
    if (active < first || active >= end) table.removeAttribute('aria-activedescendant');
    else table.setAttribute('aria-activedescendant', rowId(active));
  };
  const order = () => {
    const selected = ordered[active];
    ordered = sorted(rows, columns, sorting);
    active = selected === undefined ? -1 : ordered.indexOf(selected);
    draw();
  };
  const sort = (column: number) => {
    sorting = sortedBy(columns, column, sorting);
    for (const [index, cell] of headings.entries())
      if (index === column) cell.setAttribute('aria-sort', sorting.descending ? 'descending' : 'ascending');
      else cell.removeAttribute('aria-sort');
    place.scrollTop = 0;
    order();
  };
  const activate = (index: number) => {
    const row = ordered[Math.max(0, Math.min(ordered.length - 1, index))];
    if (row === undefined) return;
    active = ordered.indexOf(row);
    bringIntoView(place, active);
    draw();
    onSelect(row);
  };

  place.addEventListener('scroll', draw);
  new ResizeObserver(draw).observe(place);
  body.addEventListener('click', ({ target }) => {
    const row = target instanceof Element ? target.closest('tr') : null;
    if (row?.dataset['index'] !== undefined) activate(Number(row.dataset['index']));
  });
  table.addEventListener('keydown', (event) => {
    const page = Math.max(1, Math.floor(place.clientHeight / ROW_HEIGHT) - 2);
    const step = stepOf(event.key, page, ordered.length);
    if (event.target !== table || step === null) return;
    event.preventDefault();
    activate(active + step);
  });

  return {
    show(given) {
      rows = given;
      order();
    },
    select(row) {
      const index = ordered.indexOf(row);
      if (index === -1) return false;
      active = index;
      bringIntoView(place, active);
      draw();
      return true;
    },
  };
}

function heading<R>({ title, numeric }: Column<R>, sort: () => void): HTMLTableCellElement {
  const sorter = element('button', { type: 'button' }, title);
  sorter.addEventListener('click', sort);
  return element('th', { scope: 'col', title, ...(numeric === true ? { class: 'number' } : {}) }, sorter);
}

function columnOf<R>({ width }: Column<R>): HTMLElement {
  const column = element('col');
  column.style.width = `${width}%`;
  return column;
}

const rowId = (index: number) => `row-${index}`;

function rowOf<R>(columns: readonly Column<R>[], row: R, index: number, active: number): HTMLElement {
  const cells = columns.map(({ text, numeric }) => {
    const shown = text(row);
    return element('td', { title: shown, ...(numeric === true ? { class: 'number' } : {}) }, shown);
  });

  const made = element(
    'tr',
    { id: rowId(index), 'aria-rowindex': String(index + 2), 'aria-selected': String(index === active) },
    ...cells,
  );
  made.dataset['index'] = String(index);

  return made;
}

/** Stands for rows that are not drawn. */
function spacer<R>(count: number, columns: readonly Column<R>[]): HTMLElement {
  const cell = element('td', { colspan: String(columns.length) });
  cell.style.height = `${count * ROW_HEIGHT}px`;
  const made = element('tr', { 'aria-hidden': 'true', class: 'spacer' }, cell);
  made.hidden = count === 0;
  return made;
}

function bringIntoView(place: HTMLElement, index: number): void {
  const top = index * ROW_HEIGHT;
  const room = place.clientHeight - 2 * ROW_HEIGHT;
  if (top < place.scrollTop) place.scrollTop = top;
  else if (top > place.scrollTop + room) place.scrollTop = top - room;
}

/** How far a key moves the selection; null: it does not. */
function stepOf(key: string, page: number, count: number): number | null {
  const steps: Readonly<Record<string, number>> = {
    ...{ ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -count, End: count },
  };
  return Object.hasOwn(steps, key) ? (steps[key] ?? null) : null;
}
