// @vitest-environment happy-dom
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { createTable, type Table } from '../src/table/table.js';
import type { Column, Sorting } from '../src/table/order.js';
import { act, buttonOf, playCanvas, query, SIZE } from './browser.js';

interface Row {
  readonly name: string;
  readonly size: number;
}

const COLUMNS: readonly Column<Row>[] = [
  { title: 'Name', width: 60, text: ({ name }) => name },
  { title: 'Size', width: 40, numeric: true, text: ({ size }) => String(size), value: ({ size }) => size },
];
const ROWS: readonly Row[] = Array.from({ length: 1000 }, (_, index) => ({
  name: `layer${index}`,
  size: (index * 7) % 1000,
}));
function rowOf(index: number): Row {
  const row = ROWS[index];
  if (row === undefined) throw new Error(`There is no row ${index}.`);
  return row;
}

let place: HTMLElement;
let selected: Row[] = [];
let sortings: Sorting[] = [];
beforeEach(() => {
  playCanvas();
  document.body.innerHTML = '<div></div>';
  place = query('div');
  selected = [];
  sortings = [];
});
afterEach(() => void vi.restoreAllMocks());

function made(sorting: Sorting | null = null): Table<Row> {
  const table = createTable(place, {
    ...{ label: 'Rows', columns: COLUMNS, sorting },
    onSelect: (row) => selected.push(row),
    onSort: (order) => sortings.push(order),
  });
  table.show(ROWS);
  return table;
}

const rows = () => [...place.querySelectorAll<HTMLElement>('tr[data-index]')];
const names = () => rows().map((row) => row.querySelector('td')?.textContent);
const press = (key: string) => act(query('table'), 'keydown', { key });
const active = () => query('[aria-selected=true] td').textContent;

it('draws the rows in view alone, and room for the others', () => {
  made();
  expect(names().slice(0, 2)).toEqual(['layer0', 'layer1']);
  expect(rows().length).toBeLessThan(SIZE.height / 26 + 20);
  expect(query('table').getAttribute('aria-rowcount')).toBe('1001');
  place.scrollTop = 500 * 26;
  act(place, 'scroll');
  expect(names()).toContain('layer500');
  expect(names()).not.toContain('layer0');
  const [above, below] = [...place.querySelectorAll<HTMLElement>('.spacer td')];
  const room = Number.parseFloat(above?.style.height ?? '') + Number.parseFloat(below?.style.height ?? '');
  expect(room).toBe((1000 - rows().length) * 26);
});

it('is walked through by keys, at its ends too', () => {
  made();
  expect(press('ArrowDown').defaultPrevented).toBe(true);
  expect(active()).toBe('layer0');
  press('End');
  expect(active()).toBe('layer999');
  press('ArrowDown');
  expect(active()).toBe('layer999');
  press('PageUp');
  expect(active()).toBe('layer978');
  press('Home');
  press('ArrowUp');
  press('PageDown');
  expect(active()).toBe('layer21');
  expect(query('table').getAttribute('aria-activedescendant')).toBe('row-21');
  expect(press('x').defaultPrevented).toBe(false);
  expect(press('toString').defaultPrevented).toBe(false);
  expect(selected.map(({ name }) => name)).toEqual([
    ...['layer0', 'layer999', 'layer999', 'layer978', 'layer0', 'layer0', 'layer21'],
  ]);
});

it('selects by a click, and what is scrolled away is no active descendant', () => {
  made();
  act(query('tr[data-index="3"] td'), 'click');
  expect(selected).toEqual([rowOf(3)]);
  act(query('.spacer td'), 'click');
  expect(selected).toHaveLength(1);
  place.scrollTop = 20_000;
  act(place, 'scroll');
  expect(query('table').hasAttribute('aria-activedescendant')).toBe(false);
});

it('sorts by its headings and keeps the selection', () => {
  const table = made();
  expect(table.select(rowOf(5))).toBe(true);
  buttonOf('Size', place).click();
  expect(query('th[aria-sort]').getAttribute('aria-sort')).toBe('descending');
  expect(names()[0]).toBe('layer857');
  expect(table.select(rowOf(5))).toBe(true);
  expect(active()).toBe('layer5');
  buttonOf('Size', place).click();
  expect(query('th[aria-sort]').getAttribute('aria-sort')).toBe('ascending');
  expect(sortings).toEqual([
    { column: 1, descending: true },
    { column: 1, descending: false },
  ]);
  expect(selected).toEqual([]);
});

it('begins with an order, and knows which rows it shows', () => {
  const table = made({ column: 1, descending: true });
  expect(query('th[aria-sort]').textContent).toBe('Size');
  expect(names()[0]).toBe('layer857');
  table.show(ROWS.slice(0, 3));
  expect(table.select(rowOf(5))).toBe(false);
  table.show([]);
  press('ArrowDown');
  expect(selected).toEqual([]);
});
