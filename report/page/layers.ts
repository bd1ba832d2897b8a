import type { Host } from './host.js';
import { windowRows } from './rowWindow.js';
import { onSorted } from './sortTables.js';

/** The table of layers: it is searched and filtered, and each layer offers what can be done about it. */
export function startLayers(host: Host | null): void {
  for (const tools of document.querySelectorAll<HTMLFormElement>('form.tools')) {
    const table = document.getElementById(tools.dataset['table'] ?? '');
    if (!(table instanceof HTMLTableElement)) continue;
    const offerActions = host === null ? () => undefined : startActions(table, host);
    const draw = windowRows(table, offerActions);
    onSorted(table, draw);
    startTools(tools, table, host, draw);
  }
}

/** `draw` is called whenever other rows are wanted. */
function startTools(
  tools: HTMLFormElement,
  table: HTMLTableElement,
  host: Host | null,
  draw: () => void,
): void {
  const search = tools.querySelector('input');
  const filter = tools.querySelector('select');
  const status = tools.querySelector('output');
  if (search === null || filter === null || status === null) return;
  const rows = [...(table.tBodies[0]?.rows ?? [])];
  const textOf = lowerText();
  const show = () => {
    const words = search.value
      .toLowerCase()
      .split(/\s+/)
      .filter((word) => word !== '');
    let count = 0;
    for (const row of rows) {
      const isShown = hasMark(row, filter.value) && words.every((word) => textOf(row).includes(word));
      // Written only where it changes: each write costs a layout of the table.
      if (row.hidden === isShown) row.hidden = !isShown;
      if (isShown) count++;
    }

    for (const detail of table.querySelectorAll<HTMLElement>('tr.detail'))
      detail.hidden = (detail.previousElementSibling as HTMLElement | null)?.hidden === true;
    status.textContent = `${count.toLocaleString('en')} of ${rows.length.toLocaleString('en')}`;
    draw();
  };

  const kept = host?.kept['filter'] as { search?: unknown; mark?: unknown } | undefined;
  if (typeof kept?.search === 'string') search.value = kept.search;
  if (typeof kept?.mark === 'string') filter.value = kept.mark;
  if (filter.selectedIndex === -1) filter.selectedIndex = 0;
  tools.addEventListener('input', () => {
    show();
    host?.keep({ filter: { search: search.value, mark: filter.value } });
  });
  tools.addEventListener('submit', (event) => event.preventDefault());
  tools.hidden = false;
  show();
}

/** What the cells of a row say, a line each, read when it is first searched. */
function lowerText(): (row: HTMLTableRowElement) => string {
  const texts = new Map<HTMLTableRowElement, string>();
  return (row) => {
    const text = texts.get(row) ?? Array.from(row.cells, cellText).join('\n').toLowerCase();
    texts.set(row, text);
    return text;
  };
}

const cellText = (cell: HTMLTableCellElement) => cell.textContent ?? '';

const hasMark = (row: HTMLElement, mark: string) =>
  mark === '' || (row.dataset['marks'] ?? '').split(' ').includes(mark);

interface Action {
  readonly title: string;
  readonly send: object;
  /** The mark of rows that it is for; empty: all. */
  readonly mark: string;
}

/** The name of a layer opens what can be done about it, below its row; a row gets that when it is first shown. */
function startActions(table: HTMLTableElement, host: Host): (row: HTMLTableRowElement) => void {
  const actions = JSON.parse(table.dataset['actions'] ?? '[]') as readonly Action[];
  const done = new Set<HTMLTableRowElement>();
  return (row) => {
    const name = row.cells[0];
    if (actions.length === 0 || name === undefined || done.has(row)) return;
    done.add(row);
    const button = document.createElement('button');
    button.type = 'button';
    button.className = 'open';
    button.ariaExpanded = 'false';
    button.append(...name.childNodes);
    name.append(button);
    button.addEventListener('click', () => toggle(row, button, actions, host));
  };
}

function toggle(row: HTMLTableRowElement, button: HTMLElement, actions: readonly Action[], host: Host): void {
  const isOpen = button.ariaExpanded === 'true';
  button.ariaExpanded = String(!isOpen);
  if (isOpen) {
    row.nextElementSibling?.remove();
    return;
  }

  const detail = document.createElement('tr');
  detail.className = 'detail';
  const cell = detail.insertCell();
  cell.colSpan = row.cells.length;
  for (const { title, send, mark } of actions) {
    if (!hasMark(row, mark)) continue;
    const action = document.createElement('button');
    action.type = 'button';
    action.textContent = title;
    action.addEventListener('click', () => host.post({ ...send, layer: Number(row.dataset['layer']) }));
    cell.append(action);
  }

  row.after(detail);
}
