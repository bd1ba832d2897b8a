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
      const clipped = clippedChannel(values, channels, inner, c, clip, statistic === 'abs_quantile');
      result[c] = quantileOf(clipped, probability);
    }

    return result;
  }

  const isMean = statistic === 'mean';
  result.fill(isMean ? 0 : statistic === 'min' ? Number.POSITIVE_INFINITY : Number.NEGATIVE_INFINITY);
  const reduceRun = runReduction(statistic, clip);
  for (let start = 0, c = 0; start < values.length; start += inner, c = (c + 1) % channels) {
    result[c] = reduceRun(values, start, start + inner, result[c]!);
  }

  if (isMean) {
    const count = values.length / channels;
    for (let c = 0; c < channels; c++) result[c] = result[c]! / count;
  }

  return result;
}

/** Goes on with a statistic (`state` so far) over the values of a run. */
type RunReduction = (values: Float32Array, from: number, to: number, state: number) => number;

/** The loops see every weight of a model: without bounds they are several times faster. */
function runReduction(statistic: StatisticsType, clip: { readonly low: number; readonly high: number }) {
  const isCut = clip.low !== Number.NEGATIVE_INFINITY || clip.high !== Number.POSITIVE_INFINITY;
  if (isCut) return cutRun(statistic, clip);
  if (statistic === 'mean') return sumOfRun;
  return statistic === 'min' ? minOfRun : maxOfRun(statistic === 'abs_max');
}

const sumOfRun: RunReduction = (values, from, to, state) => {
  for (let i = from; i < to; i++) state += values[i]!;
  return state;
};

// These keep a NaN.
const minOfRun: RunReduction = (values, from, to, state) => {
  for (let i = from; i < to; i++) state = Math.min(state, values[i]!);
  return state;
};

const maxOfRun =
  (absolute: boolean): RunReduction =>
  (values, from, to, state) => {
    for (let i = from; i < to; i++) {
      const value = values[i]!;
      state = Math.max(state, absolute ? Math.abs(value) : value);
    }

    return state;
  };

function cutRun(
  statistic: StatisticsType,
  { low, high }: { readonly low: number; readonly high: number },
): RunReduction {
  return (values, from, to, start) => {
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
  };
}

function clippedChannel(
  values: Float32Array,
  channels: number,
  inner: number,
  channel: number,
  { low, high }: { readonly low: number; readonly high: number },
  absolute: boolean,
): Float32Array {
  const ofChannel = new Float32Array(values.length / channels);
  let write = 0;
  for (let start = channel * inner; start < values.length; start += inner * channels) {
    for (let i = start; i < start + inner; i++) {
      const value = Math.min(high, Math.max(low, values[i]!));
      ofChannel[write++] = absolute ? Math.abs(value) : value;
    }
  }

  return ofChannel;
}

/** A quantile (`fraction` from 0 to 1) with linear interpolation between order statistics (numpy's default). Reorders its argument; NaN counts as largest. */
export function quantileOf(values: Float32Array | Float64Array, fraction: number): number {
  const position = fraction * (values.length - 1);
  const below = Math.floor(position);
  const share = position - below;
  const numbers = numbersFirst(values);
  if (below < 0 || below >= numbers) return Number.NaN;
  select(values, below, 0, numbers - 1);
  if (below + 1 >= values.length || share === 0) return values[below]!;
  let above = below + 1 < numbers ? Number.POSITIVE_INFINITY : Number.NaN;
  for (let i = below + 1; i < numbers; i++) if (values[i]! < above) above = values[i]!;

  return values[below]! + (above - values[below]!) * share;
}

/** Moves NaN behind all numbers; returns how many numbers there are. */
function numbersFirst(values: Float32Array | Float64Array): number {
  let count = 0;
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    if (Number.isNaN(value)) continue;
    values[i] = values[count]!;
    values[count++] = value;
  }

  return count;
}

/** Below so many values the pivot is not looked for in a sample of them. */
const SAMPLED_FROM = 600;

/**
 * Puts the value of rank k between `left` and `right` into its place: none before it is larger, none behind it smaller. Linear in
 * time, where sorting is not. Source: Floyd and Rivest, Algorithm 489: SELECT (1975).
 */
function select(values: Float32Array | Float64Array, k: number, left: number, right: number): void {
  while (right > left) {
    if (right - left > SAMPLED_FROM) {
      const count = right - left + 1;
      const rank = k - left + 1;
      const log = Math.log(count);
      const size = 0.5 * Math.exp((2 * log) / 3);
      const spread = 0.5 * Math.sqrt((log * size * (count - size)) / count) * Math.sign(rank - count / 2);
      const low = Math.max(left, Math.floor(k - (rank * size) / count + spread));
      const high = Math.min(right, Math.floor(k + ((count - rank) * size) / count + spread));
      select(values, k, low, high);
    }

    [left, right] = partition(values, k, left, right);
  }
}

/** One step of a selection: what is left to look at, once around the value at k smaller and larger ones are parted. */
function partition(
  values: Float32Array | Float64Array,
  k: number,
  left: number,
  right: number,
): [number, number] {
  const pivot = values[k]!;
  let [i, j] = [left, right];
  swap(values, left, k);
  if (values[right]! > pivot) swap(values, left, right);
  while (i < j) {
    swap(values, i, j);
    i++;
    j--;
    while (values[i]! < pivot) i++;
    while (values[j]! > pivot) j--;
  }

  if (values[left] === pivot) swap(values, left, j);
  else swap(values, ++j, right);

  return [j <= k ? j + 1 : left, k <= j ? j - 1 : right];
}

function swap(values: Float32Array | Float64Array, i: number, j: number): void {
  const value = values[i]!;
  values[i] = values[j]!;
  values[j] = value;
}
