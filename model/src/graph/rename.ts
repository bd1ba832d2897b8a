import { subgraphs } from '../onnx/node.js';
import type { GraphProto, NodeProto } from '../onnx/onnx_pb.js';

type Rename = (tensor: string) => string;

/** The node with other names for what it reads, in its bodies too as far as they take it from outside. */
export function renameReadings(node: NodeProto, rename: Rename): NodeProto {
  const input = node.input.map((name) => (name === '' ? '' : rename(name)));
  return { ...node, input, attribute: renameCaptured(node, rename) };
}

function renameCaptured(node: NodeProto, rename: Rename): NodeProto['attribute'] {
  return mapBodies(node, (body) => renameFree(body, rename)).attribute;
}

/** The node with other bodies. */
export function mapBodies(node: NodeProto, map: (body: GraphProto) => GraphProto): NodeProto {
  if (subgraphs(node).length === 0) return node;
  const attribute = node.attribute.map((original) => ({
    ...original,
    ...(original.g === undefined ? {} : { g: map(original.g) }),
    graphs: original.graphs.map(map),
  }));

  return { ...node, attribute };
}

/** The graph with other names for all tensors, those of its bodies too; `copy`: a node with other names. */
export function renameGraph(
  graph: GraphProto,
  rename: Rename,
  copy: (node: NodeProto) => NodeProto = (node) => renameNode(node, rename),
): GraphProto {
  const renamed = <T extends { name: string }>(values: readonly T[]) =>
    values.map((value) => ({ ...value, name: rename(value.name) }));

  return {
    ...graph,
    input: renamed(graph.input),
    output: renamed(graph.output),
    initializer: renamed(graph.initializer),
    valueInfo: [],
    node: graph.node.map(copy),
  };
}

const renameNode = (node: NodeProto, rename: Rename): NodeProto => ({
  ...mapBodies(node, (body) => renameGraph(body, rename)),
  input: node.input.map(rename),
  output: node.output.map(rename),
});

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
