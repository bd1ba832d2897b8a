import type { Graph } from '@quantsmith/model/graph';
import type { HostTensor } from '@quantsmith/model/arrays';
import type { ModelProto } from '@quantsmith/model/onnx';
import { FLOATS, noiseOf, tensorsOf } from '../profile/tensors.js';
import type { SessionOptions } from '../runtime/session.js';

/**
 * Signal-to-quantization-noise ratio of each tensor in dB: 10·log10(Σx² / Σ(x−y)²), with x from the float model and y
 * from the quantized one, summed over all elements and samples. It holds everything that went wrong up to that
 * tensor. Samples beyond those that fill the memory for them are left out, never the first. null where the
 * tensor is not float or does not exist in both models; Infinity where they are equal.
 */
export async function layerSqnr(
  float: { model: ModelProto; graph: Graph },
  quantized: ModelProto,
  tensors: readonly string[],
  samples: readonly Readonly<Record<string, HostTensor>>[],
  options: {
    threads: number;
    dir: string;
    /** How the quantized model runs, where that is not as the float one does. */
    quantized?: Pick<SessionOptions, 'dir' | 'optimization'>;
  },
): Promise<ReadonlyMap<string, number | null>> {
  const known = new Set(quantized.graph?.node.flatMap((node) => node.output) ?? []);
  const wanted = [...new Set(tensors)].filter(
    (name) => known.has(name) && FLOATS.has(float.graph.type(name)?.elemType ?? 0),
  );

  const result = new Map<string, number | null>(tensors.map((name) => [name, null]));
  if (wanted.length === 0 || samples.length === 0) return result;
  const { quantized: quantizedOptions, ...floatOptions } = options;
  const expected = await tensorsOf(float.model, wanted, samples, floatOptions);
  const compared = samples.slice(0, expected.length);
  const actual = await tensorsOf(quantized, wanted, compared, { ...floatOptions, ...quantizedOptions });
  for (const [name, decibels] of noiseOf(wanted, expected, actual)) result.set(name, decibels);

  return result;
}
