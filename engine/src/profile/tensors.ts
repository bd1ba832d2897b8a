import { asFloat32, type HostTensor } from '@quantsmith/model/arrays';
import type { Graph } from '@quantsmith/model/graph';
import { ElementType, withOutputs, type ModelProto } from '@quantsmith/model/onnx';
import type { Feeds } from '../runtime/batch.js';
import { createSession, run, type SessionOptions } from '../runtime/session.js';

/** Bytes of one model's tensors that are kept while another one runs. */
const MAX_KEPT_BYTES = 128 * 2 ** 20;

/** Tensors by their names, sample by sample. */
export type Tensors = readonly Readonly<Record<string, HostTensor>>[];

/** Tensors of these names as they were computed before, or as they are computed now. */
export type KeptTensors = (names: readonly string[], compute: () => Promise<Tensors>) => Promise<Tensors>;

/** Keeps the tensors of one model on one set of samples that were computed last. */
export function keepTensors(): KeptTensors {
  let kept: { readonly key: string; readonly tensors: Tensors } | null = null;

  return async (names, compute) => {
    const key = JSON.stringify(names);
    if (kept?.key === key) return kept.tensors;
    kept = null;
    const tensors = await compute();
    kept = { key, tensors };
    return tensors;
  };
}

/**
 * Tensors inside a model, sample by sample. Samples beyond those whose tensors take `MAX_KEPT_BYTES` are left out, never the
 * first. One model after the other: two at once can take more memory than the whole calibration.
 */
export async function tensorsOf(
  model: ModelProto,
  names: readonly string[],
  samples: readonly Feeds[],
  options: SessionOptions,
): Promise<Tensors> {
  if (names.length === 0) return samples.map(() => ({}));
  const session = await createSession(withOutputs(model, names), options);
  try {
    const results: Record<string, HostTensor>[] = [];
    let bytes = 0;
    for (const feeds of samples) {
      if (bytes > MAX_KEPT_BYTES) break;
      const outputs = await run(session, feeds, names);
      bytes += Object.values(outputs).reduce((sum, { data }) => sum + 4 * data.length, 0);
      results.push(outputs);
    }

    return results;
  } finally {
    await session.release();
  }
}

/** Element types whose noise can be told. */
export const FLOATS: ReadonlySet<number> = new Set([
  ElementType.FLOAT,
  ElementType.FLOAT16,
  ElementType.DOUBLE,
]);

/** The outputs whose noise can be told. */
export const floatOutputs = ({ outputs, type }: Graph): string[] =>
  outputs.filter((name) => FLOATS.has(type(name)?.elemType ?? 0));

/** Power of a signal, and of the error on it. */
export interface Noise {
  signal: number;
  noise: number;
}

/** 10·log10(Σx² / Σ(x−y)²); Infinity: equal. */
export const decibelsOf = ({ signal, noise }: Noise): number =>
  noise === 0 ? Number.POSITIVE_INFINITY : 10 * Math.log10(signal / noise);

export function addNoise(sum: Noise, expected: HostTensor | undefined, actual: HostTensor | undefined): void {
  if (expected === undefined || actual === undefined) return;
  const x = asFloat32(expected).data as Float32Array;
  const y = asFloat32(actual).data as Float32Array;
  let { signal, noise } = sum;
  for (let i = 0; i < x.length; i++) {
    const value = x[i]!;
    const error = value - y[i]!;
    signal += value * value;
    noise += error * error;
  }

  sum.signal = signal;
  sum.noise = noise;
}

/** SQNR in dB of each tensor, summed over all samples. */
export function noiseOf(
  names: readonly string[],
  expected: Tensors,
  actual: Tensors,
): ReadonlyMap<string, number> {
  const sums = new Map<string, Noise>(names.map((name) => [name, { signal: 0, noise: 0 }]));
  for (const [name, sum] of sums)
    actual.forEach((outputs, i) => addNoise(sum, expected[i]?.[name], outputs[name]));
  return new Map([...sums].map(([name, sum]) => [name, decibelsOf(sum)]));
}
