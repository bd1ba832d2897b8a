import type { HostTensor } from '@quantsmith/model/arrays';
import type { Results } from '../runtime/batch.js';

/** Measures how far a model's results are from the float model's, on the same samples in the same order. */
export interface OutputNoise {
  readonly add: (results: Results) => void;
  /** Signal-to-quantization-noise ratio in dB: the mean over tensors and their channels. */
  readonly sqnr: () => number;
}

/** One tensor's channels: element i belongs to channel ⌊i / inner⌋ mod count. */
interface Channels {
  readonly name: string;
  readonly count: number;
  readonly inner: number;
  /** Variance of each channel over elements and samples, raised to the floor. */
  readonly signal: Float64Array;
  readonly elements: number;
}

const MAX_CHANNELS = 256;
/** Fewer values do not tell a channel's variance. */
const MIN_VALUES = 16;
/** Channels weaker than this share of the median one count as that strong: their noise decides nothing. */
const FLOOR = 1e-3;
/** Noise beyond these shares of the signal is not told apart. */
const LIMITS = { low: 1e-10, high: 1e2 };

/**
 * A measure for the tensors of the float model's results that vary: a constant one tells nothing. Each is measured channel by
 * channel along the axis whose channels differ most in strength, so that boxes in pixels do not hide scores below one.
 * null: no tensor varies.
 */
export function outputNoise(references: readonly Results[]): (() => OutputNoise) | null {
  const names = Object.keys(references[0] ?? {});
  const tensors = names.flatMap((name) => channelsOf(name, references) ?? []);
  return tensors.length === 0 ? null : () => startMeasure(tensors, references);
}

function startMeasure(tensors: readonly Channels[], references: readonly Results[]): OutputNoise {
  const noise = tensors.map(({ count }) => new Float64Array(count));
  let sample = 0;
  return {
    add(results) {
      const reference = references[sample++]!;
      tensors.forEach(({ name, count, inner }, index) => {
        const [expected, actual] = [floatsOf(reference[name])!, floatsOf(results[name])];
        const sums = noise[index]!;
        for (let i = 0; i < expected.length; i++) {
          const error = expected[i]! - (actual?.[i] ?? Number.NaN);
          const channel = Math.floor(i / inner) % count;
          sums[channel] = sums[channel]! + error * error;
        }
      });
    },
    sqnr: () => mean(tensors.map((tensor, index) => meanRatio(tensor, noise[index]!))),
  };
}

/** Mean over the channels of 10·log10(signal / noise). */
function meanRatio({ count, signal, elements }: Channels, noise: Float64Array): number {
  const ratios = Array.from(signal, (strength, channel) => {
    const ratio = (noise[channel]! * count) / elements / strength;
    // NaN is as bad as can be.
    return -10 * Math.log10(ratio <= LIMITS.high ? Math.max(ratio, LIMITS.low) : LIMITS.high);
  });

  return mean(ratios);
}

function channelsOf(name: string, references: readonly Results[]): Channels | null {
  const tensors = references.map((results) => results[name]);
  const dims = tensors[0]?.dims ?? [];
  if (!tensors.every((tensor) => floatsOf(tensor) !== undefined)) return null;
  const elements = tensors.reduce((sum, tensor) => sum + floatsOf(tensor)!.length, 0);
  const axes = dims.flatMap((count, axis) =>
    axis > 0 && count > 1 && count <= MAX_CHANNELS && elements / count >= MIN_VALUES
      ? [{ count, inner: dims.slice(axis + 1).reduce((product, dim) => product * dim, 1) }]
      : [],
  );
  const splits = [{ count: 1, inner: 1 }, ...axes].map((split) => ({
    ...split,
    signal: variances(
      tensors.map((tensor) => floatsOf(tensor)!),
      split,
      elements,
    ),
  }));

  const whole = splits[0]!.signal[0]!;
  if (!(whole > 0)) return null;
  const unevenness = ({ signal }: { signal: Float64Array }) =>
    mean(Array.from(signal, (strength) => Math.log(strength / whole + FLOOR ** 3)));

  const chosen = splits.reduce((best, split) => (unevenness(split) < unevenness(best) ? split : best));
  const sorted = chosen.signal.slice().sort();
  const floor = FLOOR * (sorted[(sorted.length - 1) >> 1]! || whole);

  return { name, ...chosen, signal: chosen.signal.map((strength) => Math.max(strength, floor)), elements };
}

function variances(
  tensors: readonly Float32Array[],
  { count, inner }: { readonly count: number; readonly inner: number },
  elements: number,
): Float64Array {
  const sums = new Float64Array(count);
  const squares = new Float64Array(count);
  for (const values of tensors) {
    for (let i = 0; i < values.length; i++) {
      const channel = Math.floor(i / inner) % count;
      sums[channel] = sums[channel]! + values[i]!;
      squares[channel] = squares[channel]! + values[i]! * values[i]!;
    }
  }

  const each = elements / count;

  return squares.map((square, channel) => Math.max(0, square / each - (sums[channel]! / each) ** 2));
}

const floatsOf = (tensor: HostTensor | undefined): Float32Array | undefined =>
  tensor?.data instanceof Float32Array ? tensor.data : undefined;

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
