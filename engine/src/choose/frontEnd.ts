import { reach, type Graph } from '@quantsmith/model/graph';
import type { NodeProto } from '@quantsmith/model/onnx';
import { has, isLinear, weightAxis } from '@quantsmith/model/operators';
import { originalName } from '../placement/overrides.js';
import { quantizedOperators } from '../placement/revert.js';
import type { Quantization } from '../quantize/quantization.js';
import type { Alternative } from './alternatives.js';

/** Of all multiplications with weights at most this share is in front ends: beyond that next to nothing would be integer. */
const LARGEST_SHARE = 0.5;
/** What a dimension counts for whose size is not known: the side of a small image. */
const FREE = 64;

/**
 * The signal processing in front of a network, in float: spectra whose logarithm is taken. What rounding adds to a weak frequency is
 * little beside the loud ones, and all that is left of it behind the logarithm. Empty: the model has none, or is little else.
 */
export function frontEnd({ prepared, placement }: Quantization): Alternative[] {
  const { graph } = prepared;
  const above = aboveLogarithms(graph);
  const total = multiplications(graph, graph.nodes);
  if (multiplications(graph, above) > LARGEST_SHARE * total) return [];

  const inFront = new Set(above.map(({ name }) => name));
  const names = quantizedOperators(graph, placement)
    .filter((name) => inFront.has(name))
    .flatMap((name) => originalName(prepared, name) ?? []);
  if (names.length === 0) return [];
  const overrides = [{ names: [...new Set(names)], float: true }];

  return [{ value: JSON.stringify(overrides), change: { overrides } }];
}

/** Every operator whose results reach a logarithm. */
function aboveLogarithms(graph: Graph): NodeProto[] {
  const read = graph.nodes.filter((node) => has(node, 'logarithm')).flatMap(({ input }) => input);
  const tensors = reach(read, (tensor) => graph.producer(tensor)?.input ?? []);
  return [...new Set([...tensors].flatMap((tensor) => graph.producer(tensor) ?? []))];
}

/** Multiplications with weights for one sample. */
function multiplications(graph: Graph, nodes: readonly NodeProto[]): number {
  return nodes
    .filter((node) => isLinear(node))
    .map((node) => elements(graph, node.output[0] ?? '') * weightsEach(graph, node))
    .reduce((sum, count) => sum + count, 0);
}

function elements(graph: Graph, tensor: string): number {
  const [, ...dims] = graph.type(tensor)?.dims ?? [];
  return dims.reduce<number>((size, dim) => size * (typeof dim === 'number' && dim > 0 ? dim : FREE), 1);
}

/** Weights that each value of the output is a sum over; none where both operands are computed. */
function weightsEach(graph: Graph, node: NodeProto): number {
  const input = node.input.findIndex((tensor) => graph.initializer(tensor) !== undefined);
  const dims = graph.initializer(node.input[input] ?? '')?.dims.map(Number);
  if (dims === undefined) return 0;
  const all = dims.reduce((product, dim) => product * dim, 1);
  const outputs = dims[weightAxis(node, input, dims.length) ?? -1] ?? 1;
  return all / Math.max(1, outputs);
}
