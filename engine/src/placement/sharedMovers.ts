import { append } from '@quantsmith/schemas';
import type { Graph } from '@quantsmith/model/graph';
import type { NodeProto } from '@quantsmith/model/onnx';
import { dataInputs, has, traitOf } from '@quantsmith/model/operators';
import type { ActivationQuantizer, Port } from './types.js';

/** One input of a node. */
interface Reading {
  readonly node: NodeProto;
  readonly input: number;
}

/** Where values are read: these ports, and those behind operators that only move values. */
export function portsBelow(graph: Graph, ports: readonly Port[]): Reading[] {
  const reached: Reading[] = [];
  const seen = new Set<string>();
  const queue = [...ports];
  for (let port = queue.pop(); port !== undefined; port = queue.pop()) {
    const { node: name, input } = port;
    const node = graph.node(name);
    if (node === undefined || seen.has(`${name}\u0000${input}`)) continue;
    seen.add(`${name}\u0000${input}`);
    reached.push({ node, input });
    if (movesFrom(graph, node, input))
      for (const tensor of node.output) append(queue, portsOf(graph, tensor));
  }

  return reached;
}

/** Whether a node only moves the values of an input, beside those of others or not. */
const movesFrom = (graph: Graph, node: NodeProto, input: number) =>
  ['agnostic', 'concat'].includes(traitOf(node, graph)) && dataInputs(node).includes(input);

const portsOf = (graph: Graph, tensor: string): Port[] =>
  graph.consumers(tensor).map((port) => ({ node: port.node.name, input: port.input }));

/**
 * Quantizers such that none rounds what a float operator reads. One above an operator that moves values for float operators and
 * for others goes behind it, to the others, with its id and so its scale: moved values keep to the range. Behind a Concat goes
 * the one range of its inputs; where they have several, nothing behind it is rounded.
 */
export function behindSharedMovers(
  graph: Graph,
  activations: readonly ActivationQuantizer[],
  float: ReadonlySet<string>,
): ActivationQuantizer[] {
  const sunk = new Set<string>();
  const sink = (quantizer: ActivationQuantizer, { node: name }: Port): ActivationQuantizer[] => {
    const node = graph.node(name);
    if (node === undefined) return [];
    if (traitOf(node, graph) === 'concat' && !hasOneRange(graph, activations, node)) return [];
    return node.output.flatMap((tensor) => {
      if (sunk.has(tensor)) return [];
      sunk.add(tensor);
      return settle({ ...quantizer, tensor, targets: portsOf(graph, tensor), atOutput: false });
    });
  };

  /** The quantizer with the readers that all take codes, and what takes its place for the others. */
  const settle = (quantizer: ActivationQuantizer): ActivationQuantizer[] => {
    const [whole, shared]: [Port[], Port[]] = [[], []];
    for (const port of quantizer.targets) {
      const readers = readersOf(graph, port);
      const takesCodes = readers.some((name) => !float.has(name));
      if (!readers.some((name) => float.has(name))) whole.push(port);
      else if (takesCodes) shared.push(port);
    }

    const isRead = whole.length > 0 || quantizer.atOutput;

    return [
      ...(isRead ? [{ ...quantizer, targets: whole }] : []),
      ...shared.flatMap((port) => sink(quantizer, port)),
    ];
  };

  return activations.flatMap(settle);
}

/** The operators that read a value, at this port or behind operators that only move it; not those that read its shape alone. */
function readersOf(graph: Graph, port: Port): string[] {
  return portsBelow(graph, [port]).flatMap(({ node, input }) =>
    movesFrom(graph, node, input) || has(node, 'shape-only') ? [] : [node.name],
  );
}

/** Whether all inputs of a Concat have quantizers, which share a range. */
function hasOneRange(graph: Graph, activations: readonly ActivationQuantizer[], concat: NodeProto): boolean {
  const reaching = activations.flatMap(({ targets, unified }) =>
    portsBelow(graph, targets).flatMap(({ node, input }) => (node === concat ? [{ unified, input }] : [])),
  );
  const ranges = new Set(reaching.map(({ unified }) => unified));
  const inputs = new Set(reaching.map(({ input }) => input));

  return ranges.size === 1 && !ranges.has(null) && inputs.size === concat.input.length;
}
