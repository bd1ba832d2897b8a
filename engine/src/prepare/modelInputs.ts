import { create } from '@bufbuild/protobuf';
import {
  type GraphProto,
  type ModelProto,
  type TensorProto,
  TensorShapeProtoSchema,
  TensorShapeProto_DimensionSchema,
  TypeProtoSchema,
  type ValueInfoProto,
  isOnnxDomain,
} from '@quantsmith/model/onnx';
import { has } from '@quantsmith/model/operators';
import type { Problem } from '@quantsmith/schemas';

/** Constants had to be inputs too before this version; since then an input with a value is an optional one. */
const OPTIONAL_SINCE = 4n;

/**
 * Settles which inputs with a value are optional and which are constants that an exporter has listed. Optional are those that
 * only element-wise operators read, in models that do not list all their constants; they stay inputs, and in float. The others
 * become constants, as weights must be, which is said.
 */
export function settleInputs(model: ModelProto): { model: ModelProto; problems: Problem[] } {
  const graph = model.graph;
  const listed = new Set(graph.input.map(({ name }) => name));
  const both = graph.initializer.filter(({ name }) => listed.has(name));
  if (both.length === 0) return { model, problems: [] };
  const possible = model.irVersion >= OPTIONAL_SINCE && both.length < graph.initializer.length;
  const optional = new Set(
    possible ? both.filter((tensor) => isSetting(graph, tensor)).map(({ name }) => name) : [],
  );

  const constants = new Set(both.map(({ name }) => name).filter((name) => !optional.has(name)));
  const input = graph.input.filter(({ name }) => !constants.has(name));
  const isReported = model.irVersion >= OPTIONAL_SINCE && constants.size > 0;

  return {
    model: { ...model, graph: { ...graph, input } },
    problems: isReported ? [becameConstants([...constants])] : [],
  };
}

/** Whether all readers of a constant are element-wise operators of the main graph. */
function isSetting(graph: GraphProto, { name }: TensorProto): boolean {
  const readers = graph.node.filter(({ input }) => input.includes(name));
  return readers.length > 0 && readers.every((node) => has(node, 'elementwise') || has(node, 'activation'));
}

function becameConstants(names: readonly string[]): Problem {
  const shown = names
    .slice(0, 3)
    .map((name) => `"${name}"`)
    .join(', ');

  const more = names.length > 3 ? ` and ${names.length - 3} more` : '';
  const [noun, predicate] = names.length === 1 ? ['input', 'is a constant'] : ['inputs', 'are constants'];

  return {
    code: 'inputs-became-constants',
    severity: 'info',
    message: `The optional ${noun} ${shown}${more} of the model ${predicate} in the quantized one.`,
    configPath: ['model'],
    data: { inputs: names },
  };
}

/** The model whose inputs without a shape have free dimensions, as many as the convolution that reads them needs. */
export function rankInputs(model: ModelProto): ModelProto {
  const graph = model.graph;
  const ranks = new Map(graph.initializer.map(({ name, dims }) => [name, dims.length]));
  let changed = false as boolean;
  const input = graph.input.map((value) => {
    const kind = value.type?.value;
    if (kind?.case !== 'tensorType' || kind.value.shape !== undefined) return value;
    const reader = graph.node.find(
      (node) => isOnnxDomain(node) && node.opType.startsWith('Conv') && node.input[0] === value.name,
    );

    const rank = ranks.get(reader?.input[1] ?? '');
    if (rank === undefined) return value;
    changed = true;

    return withRank(value, rank);
  });

  return changed ? { ...model, graph: { ...graph, input } } : model;
}

function withRank(value: ValueInfoProto, rank: number): ValueInfoProto {
  const kind = value.type!.value;
  if (kind.case !== 'tensorType') return value;
  const dim = Array.from({ length: rank }, () => create(TensorShapeProto_DimensionSchema));
  const shape = create(TensorShapeProtoSchema, { dim });
  const type = create(TypeProtoSchema, { value: { case: 'tensorType', value: { ...kind.value, shape } } });
  return { ...value, type };
}
