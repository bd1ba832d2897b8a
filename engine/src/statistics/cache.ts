import type { Problem } from '@quantsmith/schemas';
import { keepEntry, readEntry, type Cache } from '../cache/entries.js';
import type { Collected } from './collect.js';

/** What was collected before under the same key, or null. */
export async function readStatistics(cache: Cache, key: string): Promise<Collected | null> {
  const value = await readEntry(cache, key);
  if (!isEntry(value)) return null;

  return {
    samples: value.samples,
    ranges: new Map(
      value.ranges.map(([id, min, max]) => [
        id,
        { min: Float32Array.from(min), max: Float32Array.from(max) },
      ]),
    ),
    channelMeans: new Map(value.channelMeans.map(([tensor, means]) => [tensor, Float64Array.from(means)])),
  };
}

/** Keeps what was collected, for later runs; returns what is to be said where that is refused. */
export function keepStatistics(cache: Cache, key: string, collected: Collected): Promise<Problem[]> {
  return keepEntry(cache, key, { value: encode(collected), what: 'Calibration statistics' });
}

interface Entry {
  readonly samples: number;
  readonly ranges: readonly (readonly [id: string, min: readonly number[], max: readonly number[]])[];
  readonly channelMeans: readonly (readonly [tensor: string, means: readonly number[]])[];
}

/** Numbers survive JSON to the last bit: it writes the shortest text that reads as the same double. */
function encode({ samples, ranges, channelMeans }: Collected): Entry {
  return {
    samples,
    ranges: [...ranges].map(([id, { min, max }]) => [id, [...min], [...max]]),
    channelMeans: [...channelMeans].map(([tensor, means]) => [tensor, [...means]]),
  };
}

function isEntry(value: unknown): value is Entry {
  const { samples, ranges, channelMeans } = (value ?? {}) as Partial<Record<keyof Entry, unknown>>;
  const numbers = (list: unknown) => Array.isArray(list) && list.every((item) => typeof item === 'number');
  const rows = (list: unknown, vectors: number) =>
    Array.isArray(list) &&
    list.every(
      (row: unknown) =>
        Array.isArray(row) &&
        row.length === vectors + 1 &&
        typeof row[0] === 'string' &&
        row.slice(1).every(numbers),
    );

  return typeof samples === 'number' && rows(ranges, 2) && rows(channelMeans, 1);
}
