import type { Graph } from '@quantsmith/model/graph';
import { ElementType, type ModelProto, encodeModel, withOutputs } from '@quantsmith/model/onnx';
import { createSession, run, type SessionOptions } from '../runtime/session.js';
import { widened, type HostTensor } from '@quantsmith/model/arrays';

const FLOATS: ReadonlySet<number> = new Set([ElementType.FLOAT, ElementType.FLOAT16, ElementType.DOUBLE]);

/** Bytes of the float model's tensors that are kept while the quantized one runs. */
const MAX_KEPT_BYTES = 256 * 2 ** 20;

/**
 * Signal-to-quantization-noise ratio of each tensor in dB: 10·log10(Σx² / Σ(x−y)²), with x from the float model and y
 * from the quantized one, summed over all elements and samples. It holds everything that went wrong up to that
 * tensor. Samples beyond those whose tensors take `MAX_KEPT_BYTES` are left out, never the first. null where the tensor is not float or does not exist in both models; Infinity where they are equal.
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
  // One model after the other: both at once can take more memory than the whole calibration.
  const sums = new Map(wanted.map((name) => [name, { signal: 0, noise: 0 }]));
  const { quantized: quantizedOptions, ...floatOptions } = options;
  const outputsOf = async (model: ModelProto, opening: SessionOptions, limit = samples.length) => {
    const session = await createSession(encodeModel(withOutputs(model, wanted)), opening);
    try {
      const results: Record<string, HostTensor>[] = [];
      let bytes = 0;
      for (const feeds of samples.slice(0, limit)) {
        if (bytes > MAX_KEPT_BYTES) break;
        const outputs = await run(session, feeds, wanted);
        bytes += Object.values(outputs).reduce((sum, { data }) => sum + 4 * data.length, 0);
        results.push(outputs);
      }

      return results;
    } finally {
      await session.release();
    }
  };

  const expected = await outputsOf(float.model, floatOptions);
  const actual = await outputsOf(quantized, { ...floatOptions, ...quantizedOptions }, expected.length);
  for (const [name, sum] of sums)
    expected.forEach((outputs, i) => addNoise(sum, outputs[name], actual[i]?.[name]));
  for (const [name, { signal, noise }] of sums) {
    result.set(name, noise === 0 ? Number.POSITIVE_INFINITY : 10 * Math.log10(signal / noise));
  }

  return result;
}

function addNoise(
  sum: { signal: number; noise: number },
  expected: HostTensor | undefined,
  actual: HostTensor | undefined,
): void {
  if (expected === undefined || actual === undefined) return;
  const x = widened(expected).data as Float32Array;
  const y = widened(actual).data as Float32Array;
  for (let i = 0; i < x.length; i++) {
    const signal = x[i]!;
    const error = signal - y[i]!;
    sum.signal += signal * signal;
    sum.noise += error * error;
  }
}
