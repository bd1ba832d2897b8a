import { create } from '@bufbuild/protobuf';
import { freshNames, renameReadings } from '@quantsmith/model/graph';
import {
  ElementType,
  isOnnxDomain,
  subgraphs,
  ValueInfoProtoSchema,
  type ModelProto,
  type NodeProto,
} from '@quantsmith/model/onnx';
import { isQuantize } from '@quantsmith/model/operators';

/** A quantized model that is cut at its codes: each operator reads codes that are given, and gives codes of its own. */
export interface CutModel {
  readonly model: ModelProto;
  readonly cuts: readonly Cut[];
}

/** A tensor of codes where the model is cut. */
export interface Cut {
  /** The codes as the operator before them gives them: an output of the cut model. */
  readonly codes: string;
  /** The codes as the operators behind them read them: an input of the cut model. */
  readonly given: string;
  /** The tensor that was rounded to these codes. */
  readonly tensor: string;
  /** The constants with the scale and the zero point of the codes; '': there is no zero point. */
  readonly scale: string;
  readonly zeroPoint: string;
}

/**
 * Cuts a model behind every QuantizeLinear, so that a runtime's kernels can be compared on equal inputs, all of them in one
 * inference. Codes that a body of If, Loop or Scan reads, and those that are outputs of the model, stay whole.
 */
export function cutAtCodes(model: ModelProto): CutModel {
  const graph = model.graph;
  const fresh = freshNames(model);
  const zeroTypes = new Map(graph.initializer.map(({ name, dataType }) => [name, dataType]));
  const captured = new Set(
    graph.node.flatMap((node) => subgraphs(node).flatMap((body) => body.node.flatMap(({ input }) => input))),
  );

  const outputs = new Set(graph.output.map(({ name }) => name));
  const cuts = graph.node.filter(quantizes).flatMap((node): (Cut & { type: number })[] => {
    const codes = node.output[0] ?? '';
    if (captured.has(codes) || outputs.has(codes)) return [];
    const type = zeroTypes.get(node.input[2] ?? '') ?? ElementType.UINT8;
    const [tensor = '', scale = '', zeroPoint = ''] = node.input;
    return [{ codes, given: fresh(`${codes}_given`), tensor, scale, zeroPoint, type }];
  });

  const givenOf = new Map(cuts.map(({ codes, given }) => [codes, given]));
  const value = (name: string, elemType: number) =>
    create(ValueInfoProtoSchema, {
      name,
      type: { value: { case: 'tensorType', value: { elemType } } },
    });

  return {
    cuts,
    model: {
      ...model,
      graph: {
        ...graph,
        node: graph.node.map((node) => renameReadings(node, (name) => givenOf.get(name) ?? name)),
        input: [...graph.input, ...cuts.map(({ given, type }) => value(given, type))],
        output: [...graph.output, ...cuts.map(({ codes, type }) => value(codes, type))],
        valueInfo: [],
      },
    },
  };
}

const quantizes = (node: NodeProto) =>
  (isOnnxDomain(node) || node.domain === 'com.microsoft') && isQuantize(node.opType);
