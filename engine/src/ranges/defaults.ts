import type { RangeEstimator, SideEstimator } from './estimator.js';

/** What a user may set of a range estimator: any of its fields. */
export interface EstimatorOverrides {
  readonly min: Partial<SideEstimator>;
  readonly max: Partial<SideEstimator>;
}

const COMMON = { clipping_value: null, quantile_outlier_prob: 1e-4 };

/** Per-tensor activations: averages of the samples' extremes. */
const MEAN_MINMAX: RangeEstimator = {
  min: { statistics_type: 'min', aggregator_type: 'mean', ...COMMON },
  max: { statistics_type: 'max', aggregator_type: 'mean', ...COMMON },
};
/** Weights and per-channel quantizers: the extremes themselves. */
const MINMAX: RangeEstimator = {
  min: { statistics_type: 'min', aggregator_type: 'min', ...COMMON },
  max: { statistics_type: 'max', aggregator_type: 'max', ...COMMON },
};

/** The estimator of a quantizer's kind with the user's settings over it, field by field. */
export function activationEstimator(overrides: EstimatorOverrides, wholeRange: boolean): RangeEstimator {
  return merge(wholeRange ? MINMAX : MEAN_MINMAX, overrides);
}

export function weightEstimator(overrides: EstimatorOverrides): RangeEstimator {
  return merge(MINMAX, overrides);
}

function merge(base: RangeEstimator, { min, max }: EstimatorOverrides): RangeEstimator {
  return { min: { ...base.min, ...min }, max: { ...base.max, ...max } };
}
