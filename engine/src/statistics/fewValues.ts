import { tensorElements, type Graph } from '@quantsmith/model/graph';
import { has, isMover } from '@quantsmith/model/operators';
import type { ActivationQuantizer } from '../placement/types.js';
import type { Range } from '../ranges/parameters.js';

/** So many values tell the extremes of a tensor; of fewer, unseen samples often bring larger ones. */
const ENOUGH = 4096;
/** At most this share of its width is added on each side of a range: one bit is lost where values do not come. */
const MARGIN = 0.5;
/** The range of a Softmax, whatever it reads. */
const PROBABILITIES: Range = { min: Float32Array.of(0), max: Float32Array.of(1) };

/**
 * Widens ranges of which the samples hold few values towards bounds that they cannot leave: those of averages towards the range of
 * what is averaged, those of a Softmax towards 0 … 1. ONNX Runtime's quantizer always gives these the whole bound; means of whole
 * images have their own range there, and here.
 */
export function widenFewValues(
  graph: Graph,
  quantizers: readonly ActivationQuantizer[],
  ranges: ReadonlyMap<string, Range>,
  samples: number,
): ReadonlyMap<string, Range> {
  const byTensor = new Map(quantizers.map((quantizer) => [quantizer.tensor, quantizer]));
  const widened = new Map(ranges);
  const depth = new Map(graph.nodes.flatMap(({ output }, index) => output.map((name) => [name, index])));
  // Past operators whose results lie within their first input.
  const boundOf = (tensor: string): Range | undefined => {
    const node = graph.producer(tensor);
    if (node === undefined) return undefined;
    if (has(node, 'probabilities')) return PROBABILITIES;
    if (!isMover(node, graph) && !has(node, 'averages')) return undefined;
    const [above = ''] = node.input;
    const quantizer = byTensor.get(above);
    if (quantizer === undefined) return boundOf(above);
    return quantizer.axis === null ? widened.get(quantizer.id) : undefined;
  };

  const inOrder = quantizers.toSorted((a, b) => (depth.get(a.tensor) ?? -1) - (depth.get(b.tensor) ?? -1));
  for (const { id, tensor, axis } of inOrder) {
    const values = samples * (tensorElements(graph, tensor) ?? Infinity);
    const [range, bound] = [widened.get(id), values < ENOUGH && axis === null ? boundOf(tensor) : undefined];
    if (range !== undefined && bound !== undefined) widened.set(id, towards(range, bound));
  }

  return widened;
}

function towards({ min: [min = 0], max: [max = 0] }: Range, bound: Range): Range {
  const margin = MARGIN * (max - min);
  const low = Math.min(min, Math.max(bound.min[0] ?? min, min - margin));
  const high = Math.max(max, Math.min(bound.max[0] ?? max, max + margin));

  return { min: Float32Array.of(low), max: Float32Array.of(high) };
}
