import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { drop as dropIn, type DropType, EQUAL_SQNR_DB } from '@quantsmith/schemas';
import { dropInterval } from '../src/metrics/drop.js';
import { worstSamples } from '../src/metrics/evaluate.js';
import type { Outputs } from '../src/metrics/metric.js';
import { openMetric } from '../src/metrics/open.js';
import { NO_TASK } from '../src/tasks/task.js';
import { vectors } from './vectors.js';

const accuracyDrop = (baseline: number, value: number, dropType: DropType, higherIsBetter: boolean) =>
  dropIn(value, { baseline, higherIsBetter, dropType });

const outputs = (...values: number[]): Outputs => ({
  y: { type: 'float32', dims: [1, values.length], data: Float32Array.from(values) },
});
const sampleContext = { name: 's', feeds: {}, image: null, task: NO_TASK };
const context = { baseDir: '.', allowModules: false };

async function value(name: string, pairs: [Outputs, number | null, Outputs?][]): Promise<number> {
  const metric = await openMetric(name, context);
  const states = await Promise.all(
    pairs.map(([out, label, reference]) => metric.accumulate(out, label, reference ?? null, sampleContext)),
  );
  return metric.result(states);
}

describe('metrics', () => {
  it('counts the label among the k largest outputs; ties go to the lower class, NaN never counts', async () => {
    expect(
      await value('top1', [
        [outputs(1, 3, 2), 1],
        [outputs(1, 3, 2), 2],
      ]),
    ).toBe(0.5);
    expect(
      await value('top1', [
        [outputs(2, 2), 0],
        [outputs(2, 2), 1],
      ]),
    ).toBe(0.5);
    expect(
      await value('top5', [
        [outputs(6, 5, 4, 3, 2, 1), 4],
        [outputs(6, 5, 4, 3, 2, 1), 5],
      ]),
    ).toBe(0.5);
    expect(await value('top1', [[outputs(Number.NaN, 1), 0]])).toBe(0);
  });
  it('averages F1 over classes', async () => {
    // Class 0: one hit, no other; class 1: one hit, one predicted wrongly; class 2: one missed. F1 = 1, 2/3, 0.
    const pairs: [Outputs, number][] = [
      [outputs(1, 0, 0), 0],
      [outputs(0, 1, 0), 1],
      [outputs(0, 1, 0), 2],
    ];
    expect(await value('f1', pairs)).toBeCloseTo((1 + 2 / 3 + 0) / 3, 12);
  });
  it('measures differences from the float outputs', async () => {
    const [a, b] = [outputs(1, 2), outputs(1, 4)];
    expect(await value('mse', [[a, null, b]])).toBe(2);
    expect(await value('mae', [[a, null, b]])).toBe(1);
    expect(await value('cosine', [[a, null, b]])).toBeCloseTo(9 / Math.sqrt(5 * 17), 12);
    expect(await value('sqnr', [[a, null, b]])).toBeCloseTo(10 * Math.log10(17 / 4), 12);
    expect(await value('sqnr', [[a, null, a]])).toBe(EQUAL_SQNR_DB);
  });
  it('refuses a label that the model has no class for, naming the sample', async () => {
    await expect(value('top1', [[outputs(1, 2), 7]])).rejects.toThrow(
      /"s" has the label 7, but the model has only 2 classes/,
    );
  });
  it('does not run a module without permission', async () => {
    await expect(openMetric('./metric.mjs', context)).rejects.toThrow(/modules are allowed/);
  });
});

describe('accuracy drop', () => {
  interface Case {
    initial: number;
    quantized: number;
    drop_type: 'absolute' | 'relative';
    drop: number | null;
  }
  it('agrees with the reference', () => {
    for (const c of vectors<{ cases: Case[] }>('accuracy_drop_testfile').cases) {
      const drop = accuracyDrop(c.initial, c.quantized, c.drop_type, true)!;
      // The reference gives no relative drop for a better model; here it is negative.
      if (c.drop === null) expect(drop).toBeLessThan(0);
      else expect(drop).toBeCloseTo(c.drop, 6);
    }
  });
  it('works from zero and in the other direction', () => {
    expect(accuracyDrop(0, 0, 'absolute', true)).toBe(0);
    expect(accuracyDrop(0, -0.5, 'absolute', true)).toBe(0.5);
    expect(accuracyDrop(0, -0.5, 'relative', true)).toBeNull();
    expect(accuracyDrop(2, 3, 'absolute', false)).toBe(1);
  });
  it('has an interval that contains it and is the same every time', async () => {
    const metric = await openMetric('top1', context);
    const before = Array.from({ length: 200 }, () => [1]);
    const after = before.map((_, i) => [i % 10 === 0 ? 0 : 1]);
    const [low, high] = dropInterval(metric, before, after, 'absolute')!;
    expect(low).toBeLessThan(0.1);
    expect(high).toBeGreaterThan(0.1);
    // Standard error √(0.1·0.9/200) = 0.0212, so ±1.96 of it.
    expect(high - low).toBeGreaterThan(0.06);
    expect(high - low).toBeLessThan(0.11);
    expect(dropInterval(metric, before, after, 'absolute')).toEqual([low, high]);
  });
});

describe('ranking samples', () => {
  interface Case {
    errors: number[];
    subset_size: number;
    indices: number[];
  }
  it('agree with the reference', () => {
    for (const c of vectors<{ subset_indices: Case[] }>('ranking_testfile').subset_indices) {
      expect(worstSamples(c.errors, c.subset_size)).toEqual(c.indices);
    }
  });
  it('are the largest errors', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ noNaN: true, min: -5, max: 5 }), { minLength: 1 }),
        fc.nat(20),
        (errors, size) => {
          const chosen = worstSamples(errors, size);
          const rest = errors.filter((_, index) => !chosen.includes(index));
          expect(chosen.length).toBe(Math.min(size, errors.length));
          for (const index of chosen)
            for (const other of rest) expect(errors[index]!).toBeGreaterThanOrEqual(other);
        },
      ),
    );
  });
});
