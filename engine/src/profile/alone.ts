import { create } from '@bufbuild/protobuf';
import { freshNames } from '@quantsmith/model/graph';
import { ElementType, isOnnxDomain, ValueInfoProtoSchema, type ModelProto } from '@quantsmith/model/onnx';
import { isQuantize } from '@quantsmith/model/operators';

/** A quantized model whose quantizers read the float model's tensors: reader operator errs by itself. */
export interface AloneModel {
  readonly model: ModelProto;
  /** Inputs of the model by the float model's tensor that reader takes. */
  readonly given: ReadonlyMap<string, string>;
}

/**
 * Cuts a quantized model in front of every QuantizeLinear whose tensor the float model has too. What comes out of an
 * operator then shows its own rounding of inputs and weights, and nothing of what lies before.
 */
export function aloneModel(model: ModelProto, known: ReadonlySet<string>): AloneModel {
  const graph = model.graph;
  const fresh = freshNames(model);
  const feedOf = new Map<string, string>();
  const inputs = new Set(graph.input.map(({ name }) => name));
  const node = graph.node.map((reader) => {
    const [tensor = ''] = reader.input;
    if (!isOnnxDomain(reader) || !isQuantize(reader.opType) || inputs.has(tensor) || !known.has(tensor))
      return reader;
    if (!feedOf.has(tensor)) feedOf.set(tensor, fresh(`${tensor}_float`));
    return { ...reader, input: [feedOf.get(tensor)!, ...reader.input.slice(1)] };
  });

  const added = [...feedOf.values()].map((name) =>
    create(ValueInfoProtoSchema, {
      name,
      type: { value: { case: 'tensorType', value: { elemType: ElementType.FLOAT } } },
    }),
  );

  return {
    given: feedOf,
    model: { ...model, graph: { ...graph, node, input: [...graph.input, ...added], valueInfo: [] } },
  };
}
