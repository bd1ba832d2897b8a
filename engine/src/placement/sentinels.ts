import type { Graph } from '@quantsmith/model/graph';
import { ElementType, isExternal, type NodeProto, readFloats } from '@quantsmith/model/onnx';
import { dataInputs, has, traitOf } from '@quantsmith/model/operators';
import { NEXT_TO_ZERO } from '../prepare/nextToZero.js';

/** What exporters pad or mask with where the largest value is looked for; −10⁴ still is far below any activation. */
const SENTINEL = -1e4;
/** Operators between what is padded or masked and the maximum behind it. */
const MAX_HOPS = 8;

/** Readers of a tensor's values, not of its shape alone. */
export const valueReaders = (graph: Graph, tensor: string) =>
  graph.consumers(tensor).filter((port) => !has(port.node, 'shape-only'));

/**
 * Padding far below all values that only maxima read. The quantizer stands above it, so that its range is that of the values;
 * behind it the padding takes the lowest code, which no maximum prefers to a value.
 */
export function padsBelowAll(graph: Graph, node: NodeProto): boolean {
  return padsBelow(graph, node) && onlyMaximaRead(graph, node.output[0] ?? '');
}

/** Names of the nodes whose padding lies far below all values, and only maxima read it. */
export const padsBelowValues = (graph: Graph): string[] =>
  graph.nodes.filter((node) => padsBelowAll(graph, node)).map(({ name }) => name);

const padsBelow = (graph: Graph, node: NodeProto) =>
  node.opType === 'Pad' && holds(graph, node.input[2] ?? '', (x) => x <= SENTINEL);

/** A Concat writes the range of all that it joins, padding too: no quantizer passes it. */
function onlyMaximaRead(graph: Graph, tensor: string, hops = 0): boolean {
  if (hops > MAX_HOPS || graph.outputs.includes(tensor)) return false;
  return valueReaders(graph, tensor).every(
    ({ node }) =>
      has(node, 'maximum') ||
      (traitOf(node, graph) === 'agnostic' &&
        node.output.every((output) => output === '' || onlyMaximaRead(graph, output, hops + 1))),
  );
}

/**
 * Whether values far below all others mark in a tensor what a maximum is to leave out: a Where with −10⁹, a penalty that is
 * added, or padding that more than maxima read. They would be in the range of a quantizer in front of the maximum; behind it they are gone.
 */
export function isMasked(graph: Graph, tensor: string, hops = 0): boolean {
  const node = graph.producer(tensor);
  if (node === undefined || hops > MAX_HOPS) return false;
  if (padsBelow(graph, node)) return !padsBelowAll(graph, node);
  if (moves(graph, node))
    return dataInputs(node).some((input) => isMasked(graph, node.input[input] ?? '', hops + 1));
  if (node.opType === 'Where') return node.input.slice(1).some((input) => isFarAway(graph, input));
  return ['Add', 'Sub'].includes(node.opType) && node.input.some((input) => isPenalty(graph, input));
}

/** A mask times a number that is larger than all values, or a constant that holds such numbers. */
function isPenalty(graph: Graph, tensor: string, hops = 0): boolean {
  if (isFarAway(graph, tensor)) return true;
  const node = graph.producer(tensor);
  if (node === undefined || hops > MAX_HOPS) return false;
  if (moves(graph, node)) return isPenalty(graph, node.input[0] ?? '', hops + 1);
  return ['Mul', 'Where'].includes(node.opType) && node.input.some((input) => isFarAway(graph, input));
}

/** Whether a constant holds values that are none, such as a mask's. */
export const isFarAway = (graph: Graph, tensor: string) =>
  holds(graph, tensor, (x) => Math.abs(x) >= -SENTINEL);

/** Whether a constant is zero, or what takes its place where an optimizer looks for zeros. */
export const isNextToZero = (graph: Graph, tensor: string) =>
  graph.isConstant(tensor) && !holds(graph, tensor, (x) => !(Math.abs(x) <= NEXT_TO_ZERO));

/** Whether a constant holds values that no code stands for. */
export const hasInfinite = (graph: Graph, tensor: string) => holds(graph, tensor, (x) => !Number.isFinite(x));

const moves = (graph: Graph, node: NodeProto) => ['agnostic', 'concat'].includes(traitOf(node, graph));

function holds(graph: Graph, tensor: string, is: (value: number) => boolean): boolean {
  const constant = graph.initializer(tensor);
  if (constant?.dataType !== ElementType.FLOAT || isExternal(constant)) return false;
  return readFloats(constant, '.').some(is);
}
