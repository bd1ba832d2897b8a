import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { MetricName } from '@quantsmith/schemas';
import { BUILT_IN } from '../src/metrics/builtIn.js';
import { CASES, precisionOf, statesOf } from './oracleCases.js';

interface Figures {
  readonly cases: number;
  readonly values: Readonly<Record<string, readonly number[]>>;
}

const figures = (group: string) =>
  JSON.parse(
    readFileSync(new URL(`../../test/oracles/metrics/${group}.json`, import.meta.url), 'utf8'),
  ) as Figures;

/** How far two values are apart, in units of the larger where that is more than 1. */
const apart = (a: number, b: number) => Math.abs(a - b) / Math.max(1, Math.abs(a), Math.abs(b));
const TOLERANCE = 1e-6;

const columns = Object.keys(CASES).flatMap((group) =>
  Object.keys(figures(group).values).map((name) => [group, name as MetricName] as const),
);

describe('each metric is its reference implementation', () => {
  it.each(columns)('%s: %s', (group, name) => {
    const { cases, values } = figures(group);
    expect(cases).toBeGreaterThanOrEqual(1000);
    const off = values[name]!.flatMap((expected, seed) => {
      const found = BUILT_IN[name].result(statesOf(name, CASES[group]!(seed)));
      return apart(found, expected) <= TOLERANCE ? [] : [{ seed, found, expected }];
    });
    expect(off).toEqual([]);
  });
  it.each(Object.keys(figures('detections').values))('detections: %s', (column) => {
    const off = figures('detections').values[column]!.flatMap((expected, seed) => {
      const found = precisionOf(column, seed);
      return apart(found, expected) <= TOLERANCE ? [] : [{ seed, found, expected }];
    });
    expect(off).toEqual([]);
  });
});

describe('however samples are split', () => {
  it.each(columns)('%s: %s is the same to the bit, and survives the journal', (group, name) => {
    fc.assert(
      fc.property(fc.nat(999), fc.infiniteStream(fc.nat(3)), (seed, workers) => {
        const whole = statesOf(name, CASES[group]!(seed));
        // Each worker measures its samples in its own order; states go back to the samples' places.
        const merged = new Array<unknown>(whole.length);
        const byWorker = new Map<number, number[]>();
        whole.forEach((_, index) => {
          const worker = workers.next().value as number;
          byWorker.set(worker, [index, ...(byWorker.get(worker) ?? [])]);
        });
        for (const indices of byWorker.values()) {
          const measured = statesOf(name, {
            ...CASES[group]!(seed),
            samples: indices.map((index) => CASES[group]!(seed).samples[index]!),
          });
          indices.forEach((index, i) => (merged[index] = JSON.parse(JSON.stringify(measured[i])) as unknown));
        }
        expect(BUILT_IN[name].result(merged)).toBe(BUILT_IN[name].result(whole));
      }),
      { numRuns: 30 },
    );
  });
});
