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
