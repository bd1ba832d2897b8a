import type { QuantizerConfig } from '../placement/types.js';
import { quantizerParameters, type QuantizerParameters } from '../ranges/parameters.js';
import { effectiveStatistic, type RangeEstimator, type SideEstimator } from '../ranges/estimator.js';
import { reduceTensor } from '../ranges/reduce.js';

export interface QuantizedWeights {
  /** One code per value, in the order of the values. */
  readonly codes: Int8Array | Uint8Array | Int16Array | Uint16Array;
  readonly parameters: QuantizerParameters;
}

/**
 * Quantizes a constant: its range by the estimator (there is one sample, so aggregators do not matter), its codes by
 * round(x / scale) + zero point, half to even, saturated to the quantizer's levels.
 */
export function quantizeWeights(
  values: Float32Array,
  dims: readonly number[],
  axis: number | null,
  config: QuantizerConfig,
  halfRange: boolean,
  estimator: RangeEstimator,
  anyWidth = false,
): QuantizedWeights {
  const symmetric = config.mode === 'symmetric';
  const range = {
    min: sideOf('min', values, dims, axis, estimator.min, symmetric),
    max: sideOf('max', values, dims, axis, estimator.max, symmetric),
  };

  const parameters = quantizerParameters(range, config, { group: 'weights', halfRange, anyWidth });

  return { codes: encode(values, dims, axis, parameters), parameters };
}

function sideOf(
  side: 'min' | 'max',
  values: Float32Array,
  dims: readonly number[],
  axis: number | null,
  estimator: SideEstimator,
  symmetric: boolean,
): Float32Array {
  const statistic = effectiveStatistic(side, estimator, symmetric);
  const probability = side === 'min' ? estimator.quantile_outlier_prob : 1 - estimator.quantile_outlier_prob;
  return Float32Array.from(
    reduceTensor(values, dims, axis, statistic, probability, clipOf(side, estimator, symmetric)),
  );
}

/** `clipping_value` is a lower bound on the min side and an upper one on the max side (both ways when symmetric). */
export function clipOf(
  side: 'min' | 'max',
  estimator: SideEstimator,
  symmetric: boolean,
): { low: number; high: number } {
  const bound = estimator.clipping_value;
  if (bound === null) return { low: Number.NEGATIVE_INFINITY, high: Number.POSITIVE_INFINITY };
  if (side === 'min') return { low: bound, high: Number.POSITIVE_INFINITY };
  return { low: symmetric ? -Math.abs(bound) : Number.NEGATIVE_INFINITY, high: bound };
}

const STORAGE_ARRAY = { int8: Int8Array, uint8: Uint8Array, int16: Int16Array, uint16: Uint16Array } as const;

/** The codes of all values. */
export function encode(
  values: Float32Array,
  dims: readonly number[],
  axis: number | null,
  parameters: QuantizerParameters,
): QuantizedWeights['codes'] {
  const codes = new STORAGE_ARRAY[parameters.storage](values.length);
  const channels = axis === null ? 1 : (dims[axis] ?? 1);
  const inner =
    axis === null ? values.length : dims.slice(axis + 1).reduce((product, dim) => product * dim, 1);

  const { codeLow, codeHigh } = parameters;
  // Adding and subtracting 1.5·2^52 rounds a double to an integer, half to even, without a branch.
  const MAGIC = 6755399441055744;
  for (
    let start = 0, channel = 0;
    start < values.length;
    start += inner, channel = (channel + 1) % channels
  ) {
    const scale = parameters.scale[channel]!;
    const zero = parameters.zeroPoint[channel]!;
    for (let i = start; i < start + inner; i++) {
      const code = Math.fround(values[i]! / scale) + MAGIC - MAGIC + zero;
      codes[i] = code < codeLow ? codeLow : code > codeHigh ? codeHigh : code;
    }
  }

  return codes;
}

/** The real values that the codes stand for. */
export function dequantize(
  weights: QuantizedWeights,
  dims: readonly number[],
  axis: number | null,
): Float32Array {
  const { codes, parameters } = weights;
  const values = new Float32Array(codes.length);
  const channels = axis === null ? 1 : (dims[axis] ?? 1);
  const inner =
    axis === null ? codes.length : dims.slice(axis + 1).reduce((product, dim) => product * dim, 1);

  for (let start = 0, channel = 0; start < codes.length; start += inner, channel = (channel + 1) % channels) {
    const scale = parameters.scale[channel]!;
    const zero = parameters.zeroPoint[channel]!;
    for (let i = start; i < start + inner; i++) values[i] = (codes[i]! - zero) * scale;
  }

  return values;
}
