import { compareKeys, sortKey } from './sortKey.js';

/** A column and its direction; null: the order that the document gave. */
export type Sorting = { readonly column: number; readonly descending: boolean } | null;

/** Tables of fewer rows need no sorting. */
const MIN_ROWS = 3;

/**
 * Makes the heads of all tables buttons that sort: up, down, and back to the order of the document. `onSort` is told of each
 * with the table's number on the page.
 */
export function sortTables(
  root: ParentNode,
  onSort: (table: number, sorting: Sorting) => void = () => {},
): void {
  for (const [index, table] of tablesOf(root).entries()) {
    if ((table.tBodies[0]?.rows.length ?? 0) < MIN_ROWS) continue;
    for (const [column, head] of headsOf(table).entries()) {
      const title = head.textContent;
      if (title === '') continue;
      const button = document.createElement('button');
      button.type = 'button';
      button.className = 'sort';
      button.textContent = title;
      button.addEventListener('click', () => {
        const sorting = next(head.ariaSort, column);
        sortTable(table, sorting);
        onSort(index, sorting);
      });
      head.replaceChildren(button);
    }
  }
}

export const tablesOf = (root: ParentNode): HTMLTableElement[] => [
  ...root.querySelectorAll<HTMLTableElement>('table:not(.facts)'),
];

/** Sorts the rows of a table; rows that belong to one above them stay with it. */
export function sortTable(table: HTMLTableElement, sorting: Sorting): void {
  const [body] = table.tBodies;
  const head = sorting === null ? undefined : headsOf(table)[sorting.column];
  if (body === undefined) return;
  const groups = groupsOf(body);
  const keyOf = keyReader(head, sorting);
  const keyed = groups.map((rows, position) => ({
    rows,
    position: placeOf(rows, position),
    key: keyOf(rows),
  }));
  const turn = sorting?.descending === true ? -1 : 1;
  keyed.sort((a, b) => {
    // What is missing comes last, whichever way round.
    const missing = a.key === null || b.key === null;
    return (missing ? 1 : turn) * compareKeys(a.key, b.key) || a.position - b.position;
  });
  const sorted = document.createDocumentFragment();
  for (const { rows } of keyed) sorted.append(...rows);
  body.append(sorted);
  for (const other of headsOf(table)) other.removeAttribute('aria-sort');
  if (head !== undefined) head.ariaSort = sorting?.descending === true ? 'descending' : 'ascending';
  table.dispatchEvent(new Event(SORTED));
}

const SORTED = 'sorted';

/** Calls back whenever a table has been sorted. */
export const onSorted = (table: HTMLTableElement, callback: () => void): void =>
  table.addEventListener(SORTED, callback);

const headsOf = (table: HTMLTableElement) => [...table.querySelectorAll<HTMLTableCellElement>('thead th')];

function next(current: string | null, column: number): Sorting {
  if (current === 'descending') return null;
  return { column, descending: current === 'ascending' };
}

/** Rows with the details that were opened below them. */
function groupsOf(body: HTMLTableSectionElement): HTMLTableRowElement[][] {
  const groups: HTMLTableRowElement[][] = [];
  for (const row of body.rows)
    if (row.classList.contains('detail')) groups.at(-1)?.push(row);
    else groups.push([row]);

  return groups;
}

/** The place that the document gave a row. */
function placeOf([row]: readonly HTMLTableRowElement[], position: number): number {
  if (row === undefined) return position;
  row.dataset['place'] ??= String(position);
  return Number(row.dataset['place']);
}

type Key = number | string | null;

/** Rows of layers sort by their first column in the order of the graph. */
function keyReader(head: HTMLTableCellElement | undefined, sorting: Sorting) {
  const isNumber = head?.classList.contains('number') === true;
  return ([row]: readonly HTMLTableRowElement[]): Key => {
    const text = sorting === null ? undefined : row?.cells[sorting.column]?.textContent;
    if (text === undefined) return null;
    const layer = sorting?.column === 0 ? row?.dataset['layer'] : undefined;
    if (layer !== undefined) return Number(layer);
    return isNumber ? sortKey(text) : text;
  };
}
