import type { Limits } from '@quantsmith/api';
import { InvalidArgumentError } from 'commander';

type Limit = NonNullable<Limits['maxSize']>;

/** A share or a plain number: `0.01`, `1%`. */
export function parseDrop(text: string): number {
  const [, digits, percent] =
    /^(\d+(?:\.\d+)?)\s*(%?)$/.exec(text) ?? refuse('a number or a percentage, e.g. 0.01 or 1%');

  return Number(digits) / (percent === '%' ? 100 : 1);
}

/** Milliseconds, or multiples of the first: `3ms`, `3`, `1.1x`. */
export function parseLatency(text: string): Limit {
  return parseLimit(text, { '': 1, ms: 1, s: 1000, us: 0.001, µs: 0.001 }, '3ms or 1.1x');
}

/** Bytes, or multiples of the first: `4MB`, `500kB`, `0.3x`. */
export function parseSize(text: string): Limit {
  return parseLimit(
    text,
    { '': 1, b: 1, kb: 1e3, mb: 1e6, gb: 1e9, kib: 2 ** 10, mib: 2 ** 20, gib: 2 ** 30 },
    '4MB or 0.3x',
  );
}

/** Whole or broken seconds: `60`, `0.5`. */
export function parseSeconds(text: string): number {
  const seconds = Number(text);
  return text.trim() !== '' && seconds >= 0 ? seconds : refuse('a number of seconds, e.g. 60');
}

/** A number of threads: `4`. */
export function parseThreads(text: string): number {
  const threads = Number(text);
  return Number.isInteger(threads) && threads >= 1 && threads <= 1024
    ? threads
    : refuse('a number of threads from 1 to 1024');
}

function parseLimit(text: string, units: Readonly<Record<string, number>>, example: string): Limit {
  const [, digits, unit = ''] = /^(\d+(?:\.\d+)?)\s*([a-zµ]*)$/i.exec(text) ?? refuse(`e.g. ${example}`);
  if (unit.toLowerCase() === 'x') return { times: Number(digits) };
  const factor = units[unit.toLowerCase()] ?? refuse(`e.g. ${example}`);
  return { absolute: Number(digits) * factor };
}

function refuse(what: string): never {
  throw new InvalidArgumentError(`It must be ${what}.`);
}
