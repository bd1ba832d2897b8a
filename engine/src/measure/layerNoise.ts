import { withOutputs } from '@quantsmith/model/onnx';
import { isLinear } from '@quantsmith/model/operators';
import type { Graph } from '@quantsmith/model/graph';
import type { Sample } from '../data/types.js';
import { operatorsServed } from '../placement/revert.js';
import type { ActivationQuantizer } from '../placement/types.js';
import { writtenPlacement, type Quantization } from '../quantize/quantization.js';
import { type QuantizerParameters, roundHalfEven } from '../ranges/parameters.js';
import type { Workers } from '../runtime/workers.js';

/** What one quantizer does to its tensor. */
export interface QuantizerNoise {
  readonly tensor: string;
  /** Mean over the channels of noise / signal in dB; a channel counts as lost at most. */
  readonly noiseDb: number;
  /** The operators that would have to compute in float for the tensor not to be rounded. */
  readonly operators: readonly string[];
}

/** Bytes of activations that are looked at together: the runtime holds all that a session could give until its run ends. */
const CHUNK_BYTES = 24 * 2 ** 20;
/** Of larger tensors, values at even distances stand for the rest. */
const MAX_VALUES = 2 ** 15;
/** Elements of a tensor whose shape is not known. */
const UNKNOWN_ELEMENTS = 2 ** 20;

/**
 * The noise that each per-tensor activation quantizer adds by itself, on the float model's activations. Channels are measured
 * one by one: a tensor whose channels differ much in range loses the narrow ones, which the mean over all values hides.
 */
export async function quantizerNoise(
  quantization: Quantization,
  samples: readonly Sample[],
  workers: Workers,
): Promise<QuantizerNoise[]> {
  const { prepared, runtime, activationConfig, activations } = quantization;
  const { graph, model, dir } = prepared;
  const written = writtenPlacement(graph, quantization.placement, runtime, activationConfig);
  const quantizers = written.activations.filter(
    ({ id, axis, tensor }) => axis === null && activations.has(id) && graph.producer(tensor) !== undefined,
  );

  if (quantizers.length === 0) return [];
  const served = operatorsServed(graph, written);
  const sums = new Map(quantizers.map((quantizer) => [quantizer, { ratio: 0, count: 0 }]));
  for (const chunk of chunksOf(quantizers, graph)) {
    const tensors = [...new Set(chunk.map(({ tensor }) => tensor))];
    const runner = await workers.open(withOutputs(model, tensors), { dir, alone: true });
    try {
      for await (const [, results] of runner.run(samples)) {
        for (const quantizer of chunk) {
          const { data, dims } = results[quantizer.tensor]!;
          if (!(data instanceof Float32Array)) continue;
          const sum = sums.get(quantizer)!;
          sum.ratio += channelNoise(data, dims, activations.get(quantizer.id)!);
          sum.count++;
        }
      }
    } finally {
      await runner.release();
    }
  }

  return quantizers.map((quantizer) => {
    const { ratio, count } = sums.get(quantizer)!;
    return {
      tensor: quantizer.tensor,
      noiseDb: 10 * Math.log10(Math.max(ratio / Math.max(1, count), 1e-10)),
      operators: operatorsAround(graph, quantizer, served),
    };
  });
}

function chunksOf(quantizers: readonly ActivationQuantizer[], graph: Graph): ActivationQuantizer[][] {
  const chunks: ActivationQuantizer[][] = [];
  let bytes = Number.POSITIVE_INFINITY;
  for (const quantizer of quantizers) {
    const dims = graph.type(quantizer.tensor)?.dims ?? null;
    const known = dims?.every((dim) => typeof dim === 'number') === true;
    const size = 4 * (known ? dims.reduce((product, dim) => product * dim, 1) : UNKNOWN_ELEMENTS);
    if (bytes + size > CHUNK_BYTES) {
      chunks.push([]);
      bytes = 0;
    }

    chunks.at(-1)!.push(quantizer);
    bytes += size;
  }

  return chunks;
}

/** Mean over the channels of noise / variance, 1 at most for each. */
function channelNoise(
  values: Float32Array,
  dims: readonly number[],
  parameters: QuantizerParameters,
): number {
  const axis = dims.length >= 4 ? 1 : dims.length === 3 ? 2 : null;
  const count = axis === null ? 1 : dims[axis]!;
  const inner =
    axis === null ? values.length : dims.slice(axis + 1).reduce((product, dim) => product * dim, 1);
  const sums = {
    value: new Float64Array(count),
    square: new Float64Array(count),
    noise: new Float64Array(count),
  };

  const scale = parameters.scale[0]!;
  const zero = parameters.zeroPoint[0]!;
  const { codeLow, codeHigh } = parameters;
  const stride = Math.max(1, Math.floor(values.length / MAX_VALUES));
  const step = Math.min(stride, inner);
  const rowStep = Math.ceil(stride / step) * count * inner;
  let perChannel = 0;
  for (let row = 0; row < values.length; row += rowStep) {
    for (let channel = 0; channel < count; channel++) {
      const start = row + channel * inner;
      let [value, square, noise] = [0, 0, 0];
      for (let i = start; i < start + inner; i += step) {
        const x = values[i]!;
        const code = Math.min(codeHigh, Math.max(codeLow, roundHalfEven(x / scale) + zero));
        const error = x - scale * (code - zero);
        value += x;
        square += x * x;
        noise += error * error;
      }

      sums.value[channel] = sums.value[channel]! + value;
      sums.square[channel] = sums.square[channel]! + square;
      sums.noise[channel] = sums.noise[channel]! + noise;
    }

    perChannel += Math.ceil(inner / step);
  }

  let total = 0;
  for (let channel = 0; channel < count; channel++) {
    const variance = sums.square[channel]! - sums.value[channel]! ** 2 / perChannel;
    total += variance > 0 ? Math.min(1, sums.noise[channel]! / variance) : 0;
  }

  return total / count;
}

/** The operators that read the rounded tensor, and the linear one that makes it for a kernel with rounded output. */
function operatorsAround(
  graph: Graph,
  quantizer: ActivationQuantizer,
  served: ReadonlyMap<string, ReadonlySet<string>>,
): string[] {
  const producer = graph.producer(quantizer.tensor);
  const producers = producer !== undefined && isLinear(producer) ? [producer.name] : [];
  const readers = [...(served.get(quantizer.id) ?? [])].filter((name) => {
    const node = graph.node(name);
    return node !== undefined && isLinear(node);
  });

  return [...new Set([...producers, ...readers])];
}
