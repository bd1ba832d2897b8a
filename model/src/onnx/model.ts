import type { GraphProto, ModelProto as ParsedModel } from './onnx_pb.js';

/** A model with a graph: files without one are refused where they are read. */
export type ModelProto = ParsedModel & { graph: GraphProto };

export function hasGraph(model: ParsedModel): model is ModelProto {
  return model.graph !== undefined;
}
