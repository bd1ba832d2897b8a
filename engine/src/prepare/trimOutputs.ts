import { mapBodies } from '@quantsmith/model/graph';
import type { GraphProto, NodeProto } from '@quantsmith/model/onnx';

/** The graph without outputs at the end of a node that have no name: the runtime crashes on some operators that have such. */
export function trimOutputs(graph: GraphProto): GraphProto {
  return { ...graph, node: graph.node.map(trimmed) };
}

function trimmed(node: NodeProto): NodeProto {
  const last = node.output.findLastIndex((name) => name !== '');
  const output = last + 1 === node.output.length ? node.output : node.output.slice(0, last + 1);
  return { ...mapBodies(node, trimOutputs), output };
}
