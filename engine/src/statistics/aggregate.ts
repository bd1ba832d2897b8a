import type { AggregatorType } from '../ranges/estimator.js';
import { quantileOf } from '../ranges/reduce.js';
import { median } from '../ranges/median.js';

/** Folds the samples' statistics, one vector (a value per channel) at a time, into one vector. */
export interface Aggregator {
  readonly add: (statistic: ArrayLike<number>) => void;
  readonly result: () => Float64Array;
}

/**
 * min, max and mean keep no samples; the others keep one vector per sample (scalars, never activations).
 * `histogram` is not made of per-sample statistics: see `histogram.ts`.
 */
export function createAggregator(
  type: Exclude<AggregatorType, 'histogram'>,
  outlierProbability: number,
): Aggregator {
  switch (type) {
    case 'min':
      return online((state, value) => (value < state ? value : state), Number.POSITIVE_INFINITY);
    case 'max':
      return online((state, value) => (value > state ? value : state), Number.NEGATIVE_INFINITY);
    case 'mean':
      return meanAggregator();
    case 'median':
      return storing((values) => median(values));
    case 'mean_no_outliers':
      return storing((values) => mean(withoutOutliers(values, outlierProbability)));
    case 'median_no_outliers':
      return storing((values) => {
        const kept = withoutOutliers(values, outlierProbability);
        return median(kept);
      });
  }
}

function online(fold: (state: number, value: number) => number, start: number): Aggregator {
  let state: Float64Array | null = null;
  return {
    add(statistic) {
      state ??= new Float64Array(statistic.length).fill(start);
      for (let c = 0; c < state.length; c++) state[c] = fold(state[c]!, statistic[c]!);
    },
    result: () => state ?? new Float64Array(0),
  };
}

function meanAggregator(): Aggregator {
  let sum: Float64Array | null = null;
  let count = 0;
  return {
    add(statistic) {
      sum ??= new Float64Array(statistic.length);
      for (let c = 0; c < sum.length; c++) sum[c] = sum[c]! + statistic[c]!;
      count++;
    },
    result: () => (sum ?? new Float64Array(0)).map((total) => total / count),
  };
}

function storing(combine: (values: Float64Array) => number): Aggregator {
  const samples: Float64Array[] = [];
  return {
    add: (statistic) => void samples.push(new Float64Array(statistic)),
    result() {
      const channels = samples[0]?.length ?? 0;
      return Float64Array.from({ length: channels }, (_, c) =>
        combine(Float64Array.from(samples, (sample) => sample[c]!)),
      );
    },
  };
}

/**
 * The values within the p- and (1 − p)-quantile of the samples. With so few samples that nothing would be left, all are
 * kept (the peer returns 0 then, which is never a sensible range).
 */
function withoutOutliers(values: Float64Array, fraction: number): Float64Array {
  const low = quantileOf(values.slice(), fraction);
  const high = quantileOf(values.slice(), 1 - fraction);
  const kept = values.filter((value) => value >= low && value <= high);
  return kept.length === 0 ? values : kept;
}

function mean(values: Float64Array): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
