import type { Graph } from '@quantsmith/model/graph';
import type { NodeProto } from '@quantsmith/model/onnx';
import { has, isLinear, traitOf } from '@quantsmith/model/operators';
import { append } from '@quantsmith/schemas';
import type { ObservedOutput } from './outputNoise.js';

/** Layers that stand for a model whose outputs cannot tell. */
const LAYERS = 8;

/**
 * What is measured for each output of the model: the values before they are squashed and joined (scores as logits, boxes and
 * scores each by themselves), and where those never vary, what the last linear operator makes.
 * `carried`: outputs that are fed back. They are states of the model and nobody reads them: what their errors do shows at the
 * others, so that they count only where there are no others.
 */
export function observedOutputs(graph: Graph, carried: ReadonlySet<string>): ObservedOutput[] {
  const computed = graph.outputs.filter((tensor) => graph.producer(tensor) !== undefined);
  const read = computed.filter((tensor) => !carried.has(tensor));

  return (read.length > 0 ? read : computed).map((tensor) => ({
    tensors: unsquashed(graph, tensor),
    instead: lastLinear(graph, tensor),
  }));
}

/** Results of linear operators, evenly spread over the model; later ones, which hold the noise of earlier ones, count more. */
export function observedLayers(graph: Graph): ObservedOutput[] {
  const layers = graph.nodes.filter((node) => isLinear(node) && hasWeights(graph, node));
  const count = Math.min(LAYERS, layers.length);
  const picked = Array.from(
    { length: count },
    (_, i) => layers[Math.ceil(((i + 1) * layers.length) / count) - 1]!,
  );
  // One output, so that layers are weighed and none has a veto; the last half stands in it twice.
  const tensors = picked.map((node) => node.output[0]!);

  return tensors.length === 0 ? [] : [{ tensors: [...tensors, ...tensors.slice(count >> 1)], instead: [] }];
}

/** Upwards from an output, past operators that squash, shape or join values. */
function unsquashed(graph: Graph, tensor: string): string[] {
  const sources = new Set<string>();
  const queue = [tensor];
  for (let current = queue.pop(); current !== undefined; current = queue.pop()) {
    const above = passedInputs(graph, graph.producer(current)).filter(
      (input) => graph.producer(input) !== undefined,
    );
    if (above.length === 0) sources.add(current);
    else append(queue, above.reverse());
  }

  return [...sources];
}

function passedInputs(graph: Graph, node: NodeProto | undefined): string[] {
  if (node === undefined) return [];
  if (traitOf(node, graph) === 'concat') return [...node.input];
  return has(node, 'squashes') || has(node, 'reshapes') ? node.input.slice(0, 1) : [];
}

/** What the nearest linear operators above a tensor make. */
function lastLinear(graph: Graph, tensor: string): string[] {
  const seen = new Set<string>();
  const outputs = new Set<string>();
  const queue = [tensor];
  for (let current = queue.pop(); current !== undefined; current = queue.pop()) {
    const node = graph.producer(current);
    if (node === undefined || seen.has(node.name)) continue;
    seen.add(node.name);
    if (isLinear(node)) outputs.add(node.output[0]!);
    else append(queue, node.input);
  }

  return [...outputs];
}

const hasWeights = (graph: Graph, node: NodeProto) =>
  node.input.some((input) => input !== '' && graph.isConstant(input));
