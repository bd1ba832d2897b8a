import type { GraphProto, NodeProto } from '../onnx/onnx_pb.js';
import { subgraphs } from '../onnx/node.js';

/** Tensors of the outer graph that a node's subgraphs read. */
export function capturedBy(node: NodeProto): Set<string> {
  const captured = new Set<string>();
  for (const inner of subgraphs(node)) for (const tensor of freeTensors(inner)) captured.add(tensor);
  return captured;
}

/** Tensors that a graph reads and does not define. */
export function freeTensors(graph: GraphProto): Set<string> {
  const defined = new Set([
    ...graph.input.map((value) => value.name),
    ...graph.initializer.map((tensor) => tensor.name),
    ...graph.node.flatMap((node) => node.output),
  ]);
  const read = [
    ...graph.node.flatMap((node) => [...node.input, ...capturedBy(node)]),
    ...graph.output.map((value) => value.name),
  ];

  return new Set(read.filter((tensor) => tensor !== '' && !defined.has(tensor)));
}
