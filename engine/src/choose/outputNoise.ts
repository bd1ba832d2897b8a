import type { HostTensor } from '@quantsmith/model/arrays';
import type { Results } from '../runtime/batch.js';

/** How close a model's results are to the float model's: signal-to-quantization-noise ratios in dB. */
export interface OutputScore {
  /** Mean over the outputs. */
  readonly mean: number;
  /** Of each output: the mean over its tensors and their channels. */
  readonly outputs: readonly number[];
  /** The same over the even and over the odd samples alone. */
  readonly halves: readonly [readonly number[], readonly number[]];
}

/** Measures how far a model's results are from the float model's, on the same samples in the same order. */
export interface OutputNoise {
  /** The tensors that results must hold. */
  readonly tensors: readonly string[];
  readonly add: (results: Results) => void;
  readonly score: () => OutputScore;
}

/** What stands for an output of the model. */
export interface ObservedOutput {
  readonly tensors: readonly string[];
  /** In the place of those, where none of them varies. */
  readonly instead: readonly string[];
}

/** One tensor's channels: element i belongs to channel ⌊i / inner⌋ mod count. */
interface Channels {
  readonly name: string;
  readonly count: number;
  readonly inner: number;
  /** Variance of each channel over elements and samples, raised to the floor. */
  readonly signal: Float64Array;
  /** Of the even and of the odd samples. */
  readonly elements: readonly [number, number];
}

const MAX_CHANNELS = 256;
/** Fewer values do not tell a channel's variance. */
const MIN_VALUES = 16;
/** Channels weaker than this share of the median one count as that strong: their noise decides nothing. */
const FLOOR = 1e-3;
/** Noise beyond these shares of the signal is not told apart. */
const LIMITS = { low: 1e-10, high: 1e2 };

/**
 * A measure for the outputs whose float results vary: a constant one tells nothing. Tensors are measured channel by channel
 * along the axis whose channels differ most in strength, so that boxes in pixels do not hide scores below one, against their
 * variance over all samples, so that a sample with nothing in it counts little.
 * null: no output varies.
 */
export function outputNoise(
  references: readonly Results[],
  observed: readonly ObservedOutput[],
): (() => OutputNoise) | null {
  const varying = (names: readonly string[]) => names.flatMap((name) => channelsOf(name, references) ?? []);
  const outputs = observed.flatMap(({ tensors, instead }) => {
    const channels = varying(tensors);
    const group = channels.length > 0 ? channels : varying(instead);
    return group.length > 0 ? [group] : [];
  });

  return outputs.length === 0 ? null : () => startMeasure(outputs, references);
}

function startMeasure(
  outputs: readonly (readonly Channels[])[],
  references: readonly Results[],
): OutputNoise {
  const all = [...new Map(outputs.flat().map((tensor) => [tensor.name, tensor])).values()];
  const noise = [0, 1].map(
    () => new Map(all.map(({ name, count }) => [name, new Float64Array(count)] as const)),
  );
  let sample = 0;
  const ratios = (halves: readonly number[]) =>
    outputs.map((group) => mean(group.map((tensor) => meanRatio(tensor, noise, halves))));

  return {
    tensors: all.map(({ name }) => name),
    add(results) {
      const half = sample % 2;
      const reference = references[sample++]!;
      for (const { name, count, inner } of all) {
        const expected = floatsOf(reference[name])!;
        const computed = floatsOf(results[name]);
        const actual = computed?.length === expected.length ? computed : nothingOf(expected);
        const sums = noise[half]!.get(name)!;
        for (let start = 0; start < expected.length; start += inner) {
          const channel = (start / inner) % count;
          let sum = sums[channel]!;
          const end = Math.min(start + inner, expected.length);
          for (let i = start; i < end; i++) {
            const error = expected[i]! - actual[i]!;
            sum += error * error;
          }

          sums[channel] = sum;
        }
      }
    },
    score() {
      const outputs = ratios([0, 1]);
      const even = ratios([0]);
      return { mean: mean(outputs), outputs, halves: [even, sample < 2 ? even : ratios([1])] };
    },
  };
}

/** Mean over the channels of 10·log10(signal / noise). */
function meanRatio(
  { name, count, signal, elements }: Channels,
  noise: readonly ReadonlyMap<string, Float64Array>[],
  halves: readonly number[],
): number {
  const perChannel = halves.reduce((sum, half) => sum + elements[half]!, 0) / count;
  const ratios = Array.from(signal, (strength, channel) => {
    const ratio =
      halves.reduce((sum, half) => sum + noise[half]!.get(name)![channel]!, 0) / perChannel / strength;
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
  const splits = [{ count: 1, inner: Infinity }, ...axes].map((split) => ({
    ...split,
    signal: variances(
      tensors.map((tensor) => floatsOf(tensor)!),
      split,
      elements,
    ),
  }));

  const wholeSignal = splits[0]!.signal[0]!;
  if (!(wholeSignal > 0)) return null;
  const unevenness = ({ signal }: { signal: Float64Array }) =>
    mean(Array.from(signal, (strength) => Math.log(strength / wholeSignal + FLOOR ** 3)));

  const chosen = splits.reduce((best, split) => (unevenness(split) < unevenness(best) ? split : best));
  const sorted = chosen.signal.slice().sort();
  const floor = FLOOR * (sorted[(sorted.length - 1) >> 1]! || wholeSignal);

  const odd = tensors.reduce((sum, tensor, index) => sum + (index % 2) * floatsOf(tensor)!.length, 0);

  return {
    ...{ name, ...chosen },
    signal: chosen.signal.map((strength) => Math.max(strength, floor)),
    elements: [elements - odd, odd],
  };
}

function variances(
  tensors: readonly Float32Array[],
  { count, inner }: { readonly count: number; readonly inner: number },
  elements: number,
): Float64Array {
  const sums = new Float64Array(count);
  const squares = new Float64Array(count);
  for (const values of tensors) {
    for (let start = 0; start < values.length; start += inner) {
      const channel = (start / inner) % count;
      let [sum, square] = [sums[channel]!, squares[channel]!];
      const end = Math.min(start + inner, values.length);
      for (let i = start; i < end; i++) {
        const value = values[i]!;
        sum += value;
        square += value * value;
      }

      sums[channel] = sum;
      squares[channel] = square;
    }
  }

  const perChannel = elements / count;

  return squares.map((square, channel) =>
    Math.max(0, square / perChannel - (sums[channel]! / perChannel) ** 2),
  );
}

/** What a result is taken for that is not there, or of another size: nothing of it is right. */
const nothingOf = ({ length }: Float32Array) => new Float32Array(length).fill(Number.NaN);

const floatsOf = (tensor: HostTensor | undefined): Float32Array | undefined =>
  tensor?.data instanceof Float32Array ? tensor.data : undefined;

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
