import { largest as largestOf, smallest as smallestOf } from '@quantsmith/schemas';
import { asFloat32, type HostTensor } from '@quantsmith/model/arrays';
import { roundHalfEven, type QuantizerParameters } from '../ranges/parameters.js';
import { decibelsOf } from './tensors.js';

/** How a quantizer's range fits the values that the float model has there. */
export interface RangeUse {
  readonly tensor: string;
  readonly low: number;
  readonly high: number;
  /** Fraction of the range between the smallest and the largest value inside it, 0 … 1. */
  readonly used: number;
  /** Fraction of the values outside it, 0 … 1. */
  readonly clipped: number;
  /** 10·log10(Σx² / Σ(what was cut off)²); null: nothing was. */
  readonly clippingDb: number | null;
  /** 10·log10(Σx² / Σ(x − x̂)²) of rounding to the codes, clipping included; null where that is no error at all. */
  readonly roundingDb: number | null;
  /**
   * Largest absolute value of the loudest channel over that of the median one, at least 1: what one scale for all channels
   * leaves to most of them. null: there are fewer than two channels.
   */
  readonly channelSpread: number | null;
}

/** Values of one tensor that are looked at in each sample, evenly spread. */
const MAX_VALUES = 1 << 15;

/** Collects, sample by sample, how one quantizer's range is used. `axis`: the channels of the tensor. */
export function rangeUse(tensor: string, parameters: QuantizerParameters, axis: number) {
  const sums = { values: 0, clipped: 0, signal: 0, cut: 0, rounding: 0 };
  let [smallest, largest] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  const loudest: number[] = [];

  return {
    add(value: HostTensor): void {
      const { dims } = value;
      const data = asFloat32(value).data as Float32Array;
      const [channels, inner] = channelsOf(dims, axis);
      const step = stepFor(data.length, channels * inner);
      const isPerChannel = parameters.scale.length > 1;
      const loud = new Float64Array(channels);
      let { index, scale, zeroPoint, codeLow, codeHigh, low, high } = codesOf(parameters, 0);
      // Added up in variables of its own, and places counted instead of divided: a hundred tensors of many values pass through here.
      let [values, clipped, signal, cut, rounding] = [0, 0, 0, 0, 0];
      let [lowest, highest] = [smallest, largest];
      const [channelStep, restStep] = [Math.floor(step / inner) % channels, step % inner];
      let [channel, rest] = [0, 0];
      for (let i = 0; i < data.length; i += step) {
        if (isPerChannel && channel !== index)
          ({ index, scale, zeroPoint, codeLow, codeHigh, low, high } = codesOf(parameters, channel));
        const x = data[i]!;
        const code = Math.min(codeHigh, Math.max(codeLow, roundHalfEven(x / scale) + zeroPoint));
        const error = x - (code - zeroPoint) * scale;
        const inside = Math.min(high, Math.max(low, x));
        const outside = x - inside;
        // Half a step beyond the border is still rounded to it.
        if (Math.abs(outside) > scale / 2) clipped++;
        values++;
        signal += x * x;
        cut += outside * outside;
        rounding += error * error;
        lowest = Math.min(lowest, inside);
        highest = Math.max(highest, inside);
        loud[channel] = Math.max(loud[channel]!, Math.abs(x));
        channel += channelStep;
        rest += restStep;
        if (rest >= inner) {
          rest -= inner;
          channel++;
        }

        if (channel >= channels) channel -= channels;
      }

      sums.values += values;
      sums.clipped += clipped;
      sums.signal += signal;
      sums.cut += cut;
      sums.rounding += rounding;
      [smallest, largest] = [lowest, highest];
      loud.forEach((value, channel) => (loudest[channel] = Math.max(loudest[channel] ?? 0, value)));
    },
    result(): RangeUse {
      const [low, high] = [smallestOf(parameters.low), largestOf(parameters.high)];
      return {
        ...{ tensor, low, high },
        used: largest >= smallest && high > low ? (largest - smallest) / (high - low) : 0,
        clipped: sums.values === 0 ? 0 : sums.clipped / sums.values,
        clippingDb: sums.cut === 0 ? null : decibelsOf({ signal: sums.signal, noise: sums.cut }),
        roundingDb: sums.rounding === 0 ? null : decibelsOf({ signal: sums.signal, noise: sums.rounding }),
        channelSpread: spreadOf(loudest),
      };
    },
  };
}

/** How one channel is rounded to codes. */
interface Codes {
  readonly index: number;
  readonly scale: number;
  readonly zeroPoint: number;
  readonly codeLow: number;
  readonly codeHigh: number;
  readonly low: number;
  readonly high: number;
}

const codesOf = (
  { scale, zeroPoint, codeLow, codeHigh, low, high }: QuantizerParameters,
  index: number,
): Codes => ({
  ...{ index, codeLow, codeHigh },
  ...{ scale: scale[index]!, zeroPoint: zeroPoint[index]!, low: low[index]!, high: high[index]! },
});

/** Number of channels, and values that lie between one channel and the next. */
function channelsOf(dims: readonly number[], axis: number): [number, number] {
  const position = axis < 0 ? dims.length + axis : axis;
  if (position < 0 || position >= dims.length) return [1, 1];
  const inner = dims.slice(position + 1).reduce((product, size) => product * size, 1);
  return [Math.max(1, dims[position]!), Math.max(1, inner)];
}

/** A step that shares no factor with the channels' lay-out, so that all of them are met. */
function stepFor(length: number, period: number): number {
  let step = Math.max(1, Math.ceil(length / MAX_VALUES));
  while (step > 1 && greatestDivisor(step, period) > 1) step++;
  return step;
}

const greatestDivisor = (a: number, b: number): number => (b === 0 ? a : greatestDivisor(b, a % b));

/** Loudest over median channel; silent ones do not count: every scale has a code for zero. Null: fewer than two that do. */
export function spreadOf(loudest: readonly number[]): number | null {
  const sorted = loudest.filter((value) => value > 0).sort((a, b) => a - b);
  return sorted.length < 2 ? null : sorted.at(-1)! / sorted[sorted.length >> 1]!;
}
