import { expect, it } from 'vitest';
import { matcher, sorted, sortedBy, windowOf, type Column } from '../src/table/order.js';

interface Row {
  readonly name: string;
  readonly noise: number | null;
}

const COLUMNS: readonly Column<Row>[] = [
  { title: 'Name', width: 50, text: ({ name }) => name },
  {
    title: 'SQNR',
    width: 50,
    numeric: true,
    text: ({ noise }) => String(noise),
    value: ({ noise }) => noise,
  },
];
const ROWS: readonly Row[] = [
  { name: 'conv10', noise: 20 },
  { name: 'conv2', noise: null },
  { name: 'add', noise: 31 },
];
const names = (column: number, descending: boolean) =>
  sorted(ROWS, COLUMNS, { column, descending }).map(({ name }) => name);

it('orders texts with the numbers in them, and figures with the unknown ones last', () => {
  expect(names(0, false)).toEqual(['add', 'conv2', 'conv10']);
  expect(names(0, true)).toEqual(['conv10', 'conv2', 'add']);
  expect(names(1, false)).toEqual(['conv10', 'add', 'conv2']);
  expect(names(1, true)).toEqual(['add', 'conv10', 'conv2']);
  expect(sorted(ROWS, COLUMNS, null)).toEqual(ROWS);
});

it('starts figures with the largest, and turns round', () => {
  const first = sortedBy(COLUMNS, 1, null);
  expect(first).toEqual({ column: 1, descending: true });
  expect(sortedBy(COLUMNS, 1, first)).toEqual({ column: 1, descending: false });
  expect(sortedBy(COLUMNS, 0, first)).toEqual({ column: 0, descending: false });
});

it('finds all words of a search in any order and case', () => {
  expect(matcher('CONV  stem')('/stem/Conv')).toBe(true);
  expect(matcher('conv head')('/stem/Conv')).toBe(false);
  expect(matcher(' ')('anything')).toBe(true);
});

it('draws the rows in view and a few around them', () => {
  expect(windowOf(10_000, { top: 2600, height: 260, rowHeight: 26 })).toEqual([92, 118]);
  expect(windowOf(5, { top: 0, height: 260, rowHeight: 26 })).toEqual([0, 5]);
  expect(windowOf(0, { top: 500, height: 260, rowHeight: 26 })).toEqual([0, 0]);
});
