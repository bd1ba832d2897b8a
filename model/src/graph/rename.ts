import { subgraphs } from '../onnx/node.js';
import type { GraphProto, NodeProto } from '../onnx/onnx_pb.js';

type Rename = (tensor: string) => string;

/** The node with other names for what it reads, in its bodies too as far as they take it from outside. */
export function renameReadings(node: NodeProto, rename: Rename): NodeProto {
  const input = node.input.map((name) => (name === '' ? '' : rename(name)));
  return { ...node, input, attribute: renameCaptured(node, rename) };
}

function renameCaptured(node: NodeProto, rename: Rename): NodeProto['attribute'] {
  if (subgraphs(node).length === 0) return node.attribute;
  return node.attribute.map((attribute) => ({
    ...attribute,
    ...(attribute.g === undefined ? {} : { g: renameFree(attribute.g, rename) }),
    graphs: attribute.graphs.map((inner) => renameFree(inner, rename)),
  }));
}

/** The graph of a body with other names for the tensors that it takes from outside. */
function renameFree(graph: GraphProto, rename: Rename): GraphProto {
  const defined = new Set([
    ...graph.input.map(({ name }) => name),
    ...graph.initializer.map(({ name }) => name),
    ...graph.node.flatMap(({ output }) => output),
  ]);

  const free: Rename = (tensor) => (defined.has(tensor) ? tensor : rename(tensor));
  return {
    ...graph,
    node: graph.node.map((node) => renameReadings(node, free)),
    output: graph.output.map((value) => ({ ...value, name: free(value.name) })),
  };
}
