import type { NodeProto } from '../onnx/onnx_pb.js';
import { fail, append } from '@quantsmith/schemas';
import { capturedBy } from './captured.js';

/** The order of an index: what can be computed first comes first (Kahn's algorithm). Throws `model-cyclic`. */
export function readyOrder(nodes: readonly NodeProto[]): NodeProto[] {
  const before = precedents(nodes);
  const readers = new Map<NodeProto, NodeProto[]>(nodes.map((node) => [node, []]));
  const missing = new Map(nodes.map((node) => [node, new Set(before(node)).size]));
  for (const node of nodes) for (const earlier of new Set(before(node))) readers.get(earlier)!.push(node);

  const order = nodes.filter((node) => missing.get(node) === 0);
  for (let next = 0; next < order.length; next++) {
    for (const reader of readers.get(order[next]!)!) {
      const left = missing.get(reader)! - 1;
      missing.set(reader, left);
      if (left === 0) order.push(reader);
    }
  }

  if (order.length < nodes.length) {
    const stuck = nodes.find((node) => missing.get(node)! > 0)!;
    fail('model-cyclic', `The model's graph has a cycle through node "${stuck.name}" (${stuck.opType}).`, {
      data: { node: stuck.name },
    });
  }

  return order;
}

/**
 * The order of a file: nodes keep theirs as far as the edges allow, and what was added stands right before its first reader. The
 * nodes must have no cycle.
 */
export function fileOrder(nodes: readonly NodeProto[]): NodeProto[] {
  const before = precedents(nodes);
  const done = new Set<NodeProto>();
  for (const root of nodes) {
    const stack = [root];
    for (let node = stack.at(-1); node !== undefined; node = stack.at(-1)) {
      const waiting = done.has(node) ? [] : before(node).filter((earlier) => !done.has(earlier));
      append(stack, waiting);
      if (waiting.length > 0) continue;
      stack.pop();
      done.add(node);
    }
  }

  return [...done];
}

/** The nodes whose outputs a node and its subgraphs read, in the order of its readings. */
function precedents(nodes: readonly NodeProto[]): (node: NodeProto) => NodeProto[] {
  const producers = new Map(
    nodes.flatMap((node) => node.output.filter((name) => name !== '').map((name) => [name, node] as const)),
  );

  return (node) => [...node.input, ...capturedBy(node)].flatMap((tensor) => producers.get(tensor) ?? []);
}
