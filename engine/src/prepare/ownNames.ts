import type { GraphBuilder } from '@quantsmith/model/graph';
import type { NodeProto } from '@quantsmith/model/onnx';

/** Built nodes that are called as their outputs are, under names that no other node can have. */
export function withOwnNames(nodes: readonly NodeProto[], fresh: (base: string) => string): NodeProto[] {
  return nodes.map((node) =>
    node.name === node.output[0] ? { ...node, name: fresh(`${node.opType}_${node.name}`) } : node,
  );
}

/** Gives the node that was built last a name. */
export function nameLast({ nodes }: GraphBuilder, name: string): void {
  const last = nodes.pop();
  if (last !== undefined) nodes.push({ ...last, name });
}
