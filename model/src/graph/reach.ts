import type { NodeProto } from '../onnx/onnx_pb.js';
import type { Graph } from './graph.js';

/** Everything that `next` leads to, step by step, the start included. */
export function reach(from: readonly string[], next: (name: string) => string[]): Set<string> {
  const seen = new Set(from);
  const queue = [...from];
  for (let name = queue.pop(); name !== undefined; name = queue.pop()) {
    for (const other of next(name)) {
      if (seen.has(other)) continue;
      seen.add(other);
      queue.push(other);
    }
  }

  return seen;
}

/**
 * The first nodes that `ends` accepts, on every path from these tensors. Other nodes do not end a path.
 *
 * @param readers The nodes that read a tensor.
 */
export function firstOnPaths<Node>(
  tensors: readonly string[],
  readers: (tensor: string) => readonly Node[],
  outputs: (node: Node) => readonly string[],
  ends: (node: Node) => boolean,
): Set<Node> {
  const first = new Set<Node>();
  reach(tensors, (tensor) =>
    readers(tensor).flatMap((node) => {
      if (!ends(node)) return outputs(node).filter((output) => output !== '');
      first.add(node);
      return [];
    }),
  );

  return first;
}

/** The nodes that read each tensor. */
export function readersByTensor<Node extends { readonly inputs: readonly string[] }>(
  nodes: readonly Node[],
): ReadonlyMap<string, readonly Node[]> {
  const readers = new Map<string, Node[]>();
  for (const node of nodes)
    for (const tensor of node.inputs) {
      const known = readers.get(tensor);
      if (known === undefined) readers.set(tensor, [node]);
      else known.push(node);
    }

  return readers;
}

/** Names of the nodes that read what a node gives. */
export function readersOf(graph: Graph, node: NodeProto | undefined): string[] {
  return (node?.output ?? []).flatMap((tensor) => graph.consumers(tensor).map((port) => port.node.name));
}

/** Names of the nodes that give what a node reads. */
export function producersOf(graph: Graph, node: NodeProto | undefined): string[] {
  return (node?.input ?? []).flatMap((tensor) => {
    const producer = graph.producer(tensor);
    return producer === undefined ? [] : [producer.name];
  });
}
