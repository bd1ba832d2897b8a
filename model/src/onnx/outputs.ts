import { create } from '@bufbuild/protobuf';
import type { ModelProto } from './model.js';
import { ValueInfoProtoSchema } from './onnx_pb.js';

/** The model with exactly these tensors as outputs, untyped (the runtime infers the types). The model is not changed. */
export function withOutputs(model: ModelProto, tensors: readonly string[]): ModelProto {
  const graph = model.graph;
  const declared = new Map(graph.output.map((value) => [value.name, value]));
  const output = tensors.map((name) => declared.get(name) ?? create(ValueInfoProtoSchema, { name }));
  return { ...model, graph: { ...graph, output } };
}
