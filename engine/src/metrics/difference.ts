import { EQUAL_SQNR_DB } from '@quantsmith/schemas';
import { average, total, type Metric, type Outputs, type Sums } from './metric.js';

interface Difference {
  readonly name: string;
  readonly higherIsBetter: boolean;
  /** The sums before the first pair. */
  readonly start: Sums;
  /** Adds one pair of values to the sums. */
  readonly add: (sums: number[], actual: number, expected: number) => void;
  /** A sample's value from its sums. */
  readonly value: (sums: Sums) => number;
  /** The value over all samples; default: the average of the samples' values. */
  readonly overall?: (states: readonly Sums[]) => number;
  readonly error: (value: number) => number;
}

/** A metric on the difference between the quantized and the float model's outputs. State: [value, ...sums]. */
function difference(spec: Difference): Metric<Sums> {
  return {
    name: spec.name,
    higherIsBetter: spec.higherIsBetter,
    needsLabels: false,
    needsReference: true,
    accumulate(outputs, _, floatOutputs) {
      const sums = [...spec.start];
      eachPair(outputs, floatOutputs ?? outputs, (actual, expected) => spec.add(sums, actual, expected));
      return [spec.value(sums), ...sums];
    },
    result: spec.overall ?? average,
    sampleError: ([value = 0]) => spec.error(value),
  };
}

/** Visits the float outputs of the model and of the reference in pairs. */
function eachPair(
  outputs: Outputs,
  reference: Outputs,
  visit: (actual: number, expected: number) => void,
): void {
  for (const [name, tensor] of Object.entries(outputs)) {
    const expected = reference[name];
    if (!(tensor.data instanceof Float32Array) || !(expected?.data instanceof Float32Array)) continue;
    const [a, b] = [tensor.data, expected.data];
    for (let i = 0; i < a.length; i++) visit(a[i]!, b[i]!);
  }
}

const increment = (sums: number[], index: number, amount: number) => (sums[index] = sums[index]! + amount);

/** Mean of squared differences over all output elements of a sample, averaged over samples. */
export const mse = difference({
  name: 'mse',
  higherIsBetter: false,
  start: [0, 0],
  add(sums, actual, expected) {
    increment(sums, 0, (actual - expected) ** 2);
    increment(sums, 1, 1);
  },
  value: ([squares = 0, count = 0]) => (count === 0 ? 0 : squares / count),
  error: (value) => value,
});

/** Mean of absolute differences over all output elements of a sample, averaged over samples. */
export const mae = difference({
  name: 'mae',
  higherIsBetter: false,
  start: [0, 0],
  add(sums, actual, expected) {
    increment(sums, 0, Math.abs(actual - expected));
    increment(sums, 1, 1);
  },
  value: ([sum = 0, count = 0]) => (count === 0 ? 0 : sum / count),
  error: (value) => value,
});

/** Cosine of the angle between the outputs: Σab / (‖a‖·‖b‖), averaged over samples; two zero vectors count as equal. */
export const cosine = difference({
  name: 'cosine',
  higherIsBetter: true,
  start: [0, 0, 0],
  add(sums, actual, expected) {
    increment(sums, 0, actual * expected);
    increment(sums, 1, actual * actual);
    increment(sums, 2, expected * expected);
  },
  value: ([dot = 0, a = 0, b = 0]) => cosineOf(dot, a, b),
  error: (value) => 1 - value,
});

/** The cosine from Σab, Σa² and Σb². */
export function cosineOf(dot: number, a: number, b: number): number {
  if (a === 0 && b === 0) return 1;
  return a === 0 || b === 0 ? 0 : dot / Math.sqrt(a * b);
}

/** 10·log10(Σx² / Σ(x − y)²) in dB over all elements of all samples; equal outputs count as 200 dB. */
export const sqnr = difference({
  name: 'sqnr',
  higherIsBetter: true,
  start: [0, 0],
  add(sums, actual, expected) {
    increment(sums, 0, expected * expected);
    increment(sums, 1, (actual - expected) ** 2);
  },
  value: ([signal = 0, noise = 0]) => decibels(signal, noise),
  overall: (states) => decibels(total(states, 1), total(states, 2)),
  error: (value) => -value,
});

/**
 * 10·log10(peak² / mean of (x − y)²) in dB over all elements of all samples; the peak is the range of the float outputs,
 * and equal outputs count as 200 dB.
 */
export const psnr = difference({
  name: 'psnr',
  higherIsBetter: true,
  start: [Number.MAX_VALUE, -Number.MAX_VALUE, 0, 0],
  add(sums, actual, expected) {
    sums[0] = Math.min(sums[0]!, expected);
    sums[1] = Math.max(sums[1]!, expected);
    increment(sums, 2, (actual - expected) ** 2);
    increment(sums, 3, 1);
  },
  value: peakRatio,
  overall: (states) =>
    peakRatio([
      states.reduce((least, state) => Math.min(least, state[1]!), Number.MAX_VALUE),
      states.reduce((largest, state) => Math.max(largest, state[2]!), -Number.MAX_VALUE),
      total(states, 3),
      total(states, 4),
    ]),
  error: (value) => -value,
});

function peakRatio([low = 0, high = 0, squares = 0, count = 0]: Sums): number {
  return count === 0 ? EQUAL_SQNR_DB : decibels((high - low) ** 2, squares / count);
}

function decibels(signal: number, noise: number): number {
  if (noise === 0) return EQUAL_SQNR_DB;
  if (signal === 0) return -EQUAL_SQNR_DB;
  return Math.max(-EQUAL_SQNR_DB, Math.min(EQUAL_SQNR_DB, 10 * Math.log10(signal / noise)));
}
