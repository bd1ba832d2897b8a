import { worstSamples } from '../metrics/evaluate.js';
import type { Metric, SampleState } from '../metrics/metric.js';

/** Beyond so many standard deviations of what quantization does to the margins a sample's answer is taken as settled. */
const SETTLED = 3;
const FEWEST = 16;

/**
 * The samples that decide: those whose answer may change when operators go back to float. With margins: the ones near
 * the border, measured by what quantization did to all margins; else those on which the quantized model errs most. At
 * most `limit`. Indices in ascending order.
 */
export function decidingSamples(
  metric: Metric,
  float: readonly SampleState[],
  quantized: readonly SampleState[],
  limit: number,
): number[] {
  const { margin } = metric;
  if (margin === undefined) return worstSamples(errorGrowth(metric, float, quantized), limit);
  const margins = quantized.map((state) => margin.of(state));
  const shifts = margins.map((value, index) => value - margin.of(float[index]));
  const deviation = Math.sqrt(shifts.reduce((sum, shift) => sum + shift * shift, 0) / shifts.length);
  const near = nearestBorder(
    metric,
    quantized,
    quantized.map((_, index) => index),
  );

  const unsettled = near.filter((index) => Math.abs(margins[index]!) <= SETTLED * deviation).length;

  return near.slice(0, Math.min(limit, Math.max(FEWEST, unsettled))).sort((a, b) => a - b);
}

/** The samples ordered by how near they are to being judged otherwise; for metrics with margins. */
export function nearestBorder(
  { margin }: Metric,
  states: readonly SampleState[],
  indices: readonly number[],
): number[] {
  const distance = (index: number) => Math.abs(margin?.of(states[index]) ?? 0);
  return [...indices].sort((a, b) => distance(a) - distance(b) || a - b);
}

/** A few samples to compare outputs on: those that suffered most. */
export function screeningSamples(
  metric: Metric,
  float: readonly SampleState[],
  quantized: readonly SampleState[],
  count: number,
): number[] {
  const { margin } = metric;
  const suffering =
    margin === undefined
      ? errorGrowth(metric, float, quantized)
      : quantized.map((state, index) => margin.of(float[index]) - margin.of(state));

  return worstSamples(suffering, count);
}

function errorGrowth(
  metric: Metric,
  float: readonly SampleState[],
  quantized: readonly SampleState[],
): number[] {
  return quantized.map((state, index) => metric.sampleError(state) - metric.sampleError(float[index]));
}
