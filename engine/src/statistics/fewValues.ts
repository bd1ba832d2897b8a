import { tensorElements, type Graph } from '@quantsmith/model/graph';
import { has, isMover } from '@quantsmith/model/operators';
import type { ActivationQuantizer } from '../placement/types.js';
import type { Range } from '../ranges/parameters.js';

/** So many values tell the extremes of a tensor; of fewer, unseen samples often bring larger ones. */
const ENOUGH = 4096;
/** At most this share of its width is added on each side of a range: one bit is lost where values do not come. */
const MARGIN = 0.5;

/**
 * Widens the ranges of averages of which the samples hold few values towards the range of what is averaged: they cannot lie
 * beyond it. ONNX Runtime's quantizer always gives such averages their input's range; means of whole images have their own
 * there, and here.
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
  const inOrder = quantizers.toSorted((a, b) => (depth.get(a.tensor) ?? -1) - (depth.get(b.tensor) ?? -1));
  for (const { id, tensor, axis } of inOrder) {
    const values = samples * (tensorElements(graph, tensor) ?? Infinity);
    const source = values < ENOUGH ? sourceOf(graph, tensor, byTensor) : undefined;
    const [range, bound] = [widened.get(id), source && widened.get(source.id)];
    if (range === undefined || bound === undefined || axis !== null || source?.axis !== null) continue;
    widened.set(id, towards(range, bound));
  }

  return widened;
}

function towards({ min: [min = 0], max: [max = 0] }: Range, bound: Range): Range {
  const margin = MARGIN * (max - min);
  const low = Math.min(min, Math.max(bound.min[0] ?? min, min - margin));
  const high = Math.max(max, Math.min(bound.max[0] ?? max, max + margin));

  return { min: Float32Array.of(low), max: Float32Array.of(high) };
}

/** The nearest quantizer above a tensor, past operators whose results lie within their first input. */
function sourceOf(
  graph: Graph,
  tensor: string,
  byTensor: ReadonlyMap<string, ActivationQuantizer>,
): ActivationQuantizer | undefined {
  const node = graph.producer(tensor);
  if (node === undefined) return undefined;
  if (!isMover(node, graph) && !has(node, 'averages')) return undefined;
  const [above = ''] = node.input;

  return byTensor.get(above) ?? sourceOf(graph, above, byTensor);
}
