import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { MetricName } from '@quantsmith/schemas';
import { BUILT_IN } from '../src/metrics/builtIn.js';
import { CASES, judgedImages, precisionOf, statesOf } from './oracleCases.js';

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
  it('none is without figures', () => {
    const measured = columns.map(([, name]) => name);
    // The figures of detections are by area: those over all areas are the metrics.
    const detections = Object.keys(figures('detections').values);
    expect(detections).toEqual(expect.arrayContaining(['map_all', 'map50_all']));
    expect([...measured, 'map', 'map50'].sort()).toEqual(Object.keys(BUILT_IN).sort());
  });

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
      const found = precisionOf(column, judgedImages(column, seed));
      return apart(found, expected) <= TOLERANCE ? [] : [{ seed, found, expected }];
    });
    expect(off).toEqual([]);
  });
});

/** What several sessions have measured, each its samples in its own order, back in the samples' places as a journal keeps it. */
function merged<T>(measured: readonly T[], sessions: Iterable<number>): T[] {
  const bySession = new Map<number, [number, T][]>();
  const session = sessions[Symbol.iterator]();
  measured.forEach((state, index) => {
    const name = session.next().value as number;
    bySession.set(name, [[index, state], ...(bySession.get(name) ?? [])]);
  });
  const places = new Array<T>(measured.length);
  for (const part of bySession.values())
    for (const [index, state] of part) places[index] = JSON.parse(JSON.stringify(state)) as T;
  return places;
}

const SPLITS = [fc.nat(999), fc.infiniteStream(fc.nat(3))] as const;

describe('however samples are split', () => {
  it.each(columns)('%s: %s is the same to the bit, and survives the journal', (group, name) => {
    fc.assert(
      fc.property(...SPLITS, (seed, sessions) => {
        const whole = statesOf(name, CASES[group]!(seed));
        // Each sample is measured alone: what a metric keeps of it does not follow from those before.
        const { samples, ...rest } = CASES[group]!(seed);
        const alone = samples.toReversed().map((sample) => statesOf(name, { ...rest, samples: [sample] })[0]);
        const parts = merged(alone.toReversed(), sessions);
        expect(BUILT_IN[name].result(parts)).toBe(BUILT_IN[name].result(whole));
      }),
      { numRuns: 30 },
    );
  });

  it.each(Object.keys(figures('detections').values))('detections: %s is the same to the bit', (column) => {
    fc.assert(
      fc.property(...SPLITS, (seed, sessions) => {
        const whole = judgedImages(column, seed);
        expect(precisionOf(column, merged(judgedImages(column, seed), sessions))).toBe(
          precisionOf(column, whole),
        );
      }),
      { numRuns: 30 },
    );
  });
});
