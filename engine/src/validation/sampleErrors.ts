import type { Metric, SampleState } from '../metrics/metric.js';

/** Digits that a sample's error keeps: what differs behind them is rounding. */
const ERROR_DIGITS = 6;

/** Of metrics without single answers the error of each sample, by which two runs are compared. */
export function sampleErrors(
  metric: Metric,
  states: readonly SampleState[],
): { readonly sample_errors?: number[] } {
  if (metric.answer !== undefined || metric.comparesSamples === false) return {};
  const errors = states.map((state) => Number(metric.sampleError(state).toPrecision(ERROR_DIGITS)));

  return errors.every(Number.isFinite) ? { sample_errors: errors } : {};
}
