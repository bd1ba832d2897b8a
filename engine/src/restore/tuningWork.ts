import type { Remedy } from '@quantsmith/schemas';
import { accurateSamples } from '../corrections/accurateBias.js';

/** What the work of a search is counted by, so that the same config and data always try the same. */
export interface WorkFacts {
  /** Samples that are calibrated on, and validated on. */
  readonly calibration: number;
  readonly validation: number;
  /** Samples that judge a setting at most. */
  readonly deciding: number;
  /** Layers with weights. */
  readonly layers: number;
}

/** So many times the inferences of a search without other settings, which takes one calibration and two validations at least. */
const BUDGET = 3;

/** Inferences in float that other settings may take, so that a run with them takes at most about five times the plain one. */
export const tuningBudget = ({ calibration, validation }: WorkFacts): number =>
  BUDGET * (calibration + 2 * validation);

/** A pass that takes whole tensors out of the runtime to find quantiles is so many times as long as one that does not. */
const OUTSIDE = 6;
/** Each layer's model is loaded again. */
const LOADING = 8;
const QUANTILES: ReadonlySet<unknown> = new Set(['mean_quantile', 'histogram']);

/** About how many inferences it takes to try a setting: statistics, corrections, and the samples that judge it. */
export function workOf({ setting, value }: Remedy, facts: WorkFacts): number {
  const { calibration, deciding, layers, validation } = facts;
  const judged = Math.min(deciding, validation);
  if (setting === 'fast_bias_correction' && value === false) {
    // Layer after layer the model runs as far as the layer: half of it on average, weights in codes.
    return judged + layers * (accurateSamples(calibration) + LOADING);
  }

  const pass = QUANTILES.has(value) ? OUTSIDE * calibration : calibration;
  return judged + pass;
}
