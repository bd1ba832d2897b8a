import { describe, expect, it } from 'vitest';
import { compareKeys, sortKey } from '../page/sortKey.js';

describe('figures of tables as numbers', () => {
  it.each([
    ['12.3 dB', 12.3],
    ['-0.50 points', -0.5],
    ['1,234', 1234],
    ['+1.54 kB', 1540],
    ['2.00 MB', 2e6],
    ['1.2 s', 1200],
    ['980 ms', 980],
    ['< 0.001 %', 0.001],
    ['7 of 10', 7],
    ['–', null],
    ['', null],
    ['undefined', null],
  ])('%s', (text, number) => {
    expect(sortKey(text)).toBe(number);
  });
});

it('sorts names with their numbers by size, and what is missing last', () => {
  expect(['/l/10', null, '/l/9', '/a'].sort(compareKeys)).toEqual(['/a', '/l/9', '/l/10', null]);
  expect([3, null, -1].sort(compareKeys)).toEqual([-1, 3, null]);
});
