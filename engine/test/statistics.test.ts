import { describe, expect, it } from 'vitest';
import { createAggregator } from '@quantsmith/engine/statistics/aggregate';
import { effectiveStatistic } from '@quantsmith/engine/statistics/estimator';
import { createHistogram } from '@quantsmith/engine/statistics/histogram';
import { reduceTensor } from '@quantsmith/engine/statistics/reduce';
import { haveVectors, vectors } from './vectors.js';

const NO_CLIP = { low: Number.NEGATIVE_INFINITY, high: Number.POSITIVE_INFINITY };
type Statistic = 'min' | 'max' | 'abs_max' | 'mean' | 'quantile' | 'abs_quantile';
const reduce = (values: Float32Array, dims: number[], axis: number | null, type: Statistic, p = 0) =>
  Array.from(reduceTensor(values, dims, axis, type, p, NO_CLIP));

describe('reductions of a sample', () => {
  const values = Float32Array.from({ length: 36 }, (_, i) => i - 26);
  it.skipIf(!haveVectors)('agree with the reference', () => {
    const v = vectors<{
      reduce_axes_1_2: Record<Statistic, number[]>;
      reduce_all: Record<Statistic, number>;
    }>('reducers_testfile');
    for (const type of ['min', 'max', 'abs_max', 'mean'] as const) {
      expect(reduce(values, [4, 3, 3], 0, type)).toEqual(v.reduce_axes_1_2[type]);
      expect(reduce(values, [4, 3, 3], null, type)).toEqual([v.reduce_all[type]]);
    }
  });
  it('take channels from any axis', () => {
    const tensor = Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8);
    expect(reduce(tensor, [2, 2, 2], 1, 'max')).toEqual([6, 8]);
    expect(reduce(tensor, [2, 2, 2], 2, 'min')).toEqual([1, 2]);
  });
  it('interpolate quantiles between order statistics', () => {
    expect(reduce(Float32Array.of(4, 1, 3, 2), [4], null, 'quantile', 0.5)).toEqual([2.5]);
    expect(reduce(Float32Array.of(-4, 1, 3, 2), [4], null, 'abs_quantile', 1)).toEqual([4]);
  });
  it('cut values beyond the limit first', () => {
    const cut = reduceTensor(Float32Array.of(-9, 2, 9), [3], null, 'mean', 0, { low: -1, high: 5 });
    expect(cut[0]).toBe(2);
  });
  it('keep NaN visible', () => {
    expect(reduce(Float32Array.of(1, Number.NaN, 2), [3], null, 'max')).toEqual([Number.NaN]);
  });
});

describe('aggregation over samples', () => {
  const fold = (type: Parameters<typeof createAggregator>[0], samples: number[][], p = 0.1) => {
    const aggregator = createAggregator(type, p);
    for (const sample of samples) aggregator.add(sample);
    return Array.from(aggregator.result());
  };
  it('follows the definitions', () => {
    const samples = [
      [1, 10],
      [2, 20],
      [6, 0],
    ];
    expect(fold('min', samples)).toEqual([1, 0]);
    expect(fold('max', samples)).toEqual([6, 20]);
    expect(fold('mean', samples)).toEqual([3, 10]);
    expect(fold('median', samples)).toEqual([2, 10]);
  });
  it.skipIf(!haveVectors)('agrees with the reference with and without outliers', () => {
    interface V {
      'aggregators_q0.1': { axis0: Record<'mean_no_outliers' | 'median_no_outliers' | 'median', number[]> };
    }
    const expected = vectors<V>('reducers_testfile')['aggregators_q0.1'].axis0;
    const x = [1, 2, 3, 4, 5, 6, 7, 8, 9];
    const times = (factor: number) => x.map((value) => value * factor);
    const outliers = [1e5, -1e5, 2e5, -2e5, 3e5, -3e5, 4e5, -4e5, 5e5];
    const main = [1, 2, 3, 4, 5, 10].map(times);
    const forMedian = [...main, outliers, outliers];
    const forMean = [...main, outliers.map((o) => -o), outliers.map((o) => 1.2 * o)];
    fold('median', forMedian).forEach((got, i) => expect(got).toBeCloseTo(expected.median[i]!, 6));
    fold('median_no_outliers', forMedian).forEach((got, i) =>
      expect(got).toBeCloseTo(expected.median_no_outliers[i]!, 6),
    );
    fold('mean_no_outliers', forMean).forEach((got, i) =>
      expect(got).toBeCloseTo(expected.mean_no_outliers[i]!, 6),
    );
  });
  it('keeps all samples where masking would leave none', () => {
    expect(fold('mean_no_outliers', [[2], [4]])).toEqual([3]);
  });
});

describe('the symmetric upper side', () => {
  it('looks at absolute values', () => {
    const estimator = {
      statistics_type: 'max',
      aggregator_type: 'mean',
      clipping_value: null,
      quantile_outlier_prob: 1e-4,
    } as const;
    expect(effectiveStatistic('max', estimator, true)).toBe('abs_max');
    expect(effectiveStatistic('max', estimator, false)).toBe('max');
    expect(effectiveStatistic('min', { ...estimator, statistics_type: 'min' }, true)).toBe('min');
  });
});

describe('histogram', () => {
  it('keeps the whole range of even values and cuts outliers that cost more than they carry', () => {
    const even = createHistogram({ symmetric: false });
    even.add(Float32Array.from({ length: 10_000 }, (_, i) => i / 10_000));
    expect(even.range().min[0]).toBeCloseTo(0, 2);
    expect(even.range().max[0]).toBeCloseTo(1, 2);
    const outlier = createHistogram({ symmetric: false });
    outlier.add(Float32Array.from({ length: 1_000_000 }, (_, i) => (i < 2 ? 50 : (i / 1_000_000) * 2 - 1)));
    expect(outlier.range().max[0]!).toBeLessThan(25);
  });
  it('does not depend on how the values are split into samples', () => {
    const values = Float32Array.from({ length: 5000 }, (_, i) => Math.sin(i) * (i / 5000));
    const once = createHistogram({ symmetric: true });
    once.add(values);
    const often = createHistogram({ symmetric: true });
    for (let i = 0; i < 5; i++) often.add(values.subarray(i * 1000, (i + 1) * 1000));
    expect(often.range().max[0]!).toBeCloseTo(once.range().max[0]!, 1);
  });
});
