import type { StatisticsType } from './estimator.js';

/**
 * The statistic of the values `[offset + k·…]` that make up each channel. `dims` is the tensor's shape; with `axis`
 * null all values form one channel. Returns one entry per channel. NaN in the input gives NaN.
 */
export function reduceTensor(
  values: Float32Array,
  dims: readonly number[],
  channelAxis: number | null,
  statistic: StatisticsType,
  probability: number,
  clip: { readonly low: number; readonly high: number },
): Float64Array {
  const axis = channelAxis === -1 ? dims.length - 1 : channelAxis;
  const channels = axis === null ? 1 : (dims[axis] ?? 1);
  const inner =
    axis === null ? values.length : dims.slice(axis + 1).reduce((product, dim) => product * dim, 1);

  const result = new Float64Array(channels);
  if (statistic === 'quantile' || statistic === 'abs_quantile') {
    for (let c = 0; c < channels; c++) {
      const own = clippedChannel(values, channels, inner, c, clip, statistic === 'abs_quantile');
      result[c] = quantileOf(own, probability);
    }

    return result;
  }

  result.fill(
    statistic === 'mean' ? 0 : statistic === 'min' ? Number.POSITIVE_INFINITY : Number.NEGATIVE_INFINITY,
  );

  for (let start = 0, c = 0; start < values.length; start += inner, c = (c + 1) % channels) {
    result[c] = reduceRun(values, start, start + inner, statistic, result[c]!, clip);
  }

  if (statistic === 'mean') {
    const count = values.length / channels;
    for (let c = 0; c < channels; c++) result[c] = result[c]! / count;
  }

  return result;
}

function reduceRun(
  values: Float32Array,
  from: number,
  to: number,
  statistic: StatisticsType,
  start: number,
  { low, high }: { readonly low: number; readonly high: number },
): number {
  let state = start;
  for (let i = from; i < to; i++) {
    let value = values[i]!;
    if (value < low) value = low;
    else if (value > high) value = high;
    if (statistic === 'mean') state += value;
    else if (statistic === 'min') state = value < state ? value : value === value ? state : Number.NaN;
    else {
      const magnitude = statistic === 'abs_max' && value < 0 ? -value : value;
      state = magnitude > state ? magnitude : magnitude === magnitude ? state : Number.NaN;
    }
  }

  return state;
}

function clippedChannel(
  values: Float32Array,
  channels: number,
  inner: number,
  channel: number,
  { low, high }: { readonly low: number; readonly high: number },
  absolute: boolean,
): Float32Array {
  const own = new Float32Array(values.length / channels);
  let write = 0;
  for (let start = channel * inner; start < values.length; start += inner * channels) {
    for (let i = start; i < start + inner; i++) {
      const value = Math.min(high, Math.max(low, values[i]!));
      own[write++] = absolute ? Math.abs(value) : value;
    }
  }

  return own;
}

/** The p-quantile with linear interpolation between order statistics (numpy's default). Sorts its argument. */
export function quantileOf(values: Float32Array | Float64Array, p: number): number {
  values.sort();
  const position = p * (values.length - 1);
  const below = Math.floor(position);
  const above = Math.min(values.length - 1, below + 1);
  const share = position - below;
  return values[below]! + (values[above]! - values[below]!) * share;
}
