import { largest } from '@quantsmith/schemas';
import { create } from '@bufbuild/protobuf';
import {
  isFloatType,
  ElementType,
  GraphProtoSchema,
  type ModelProto,
  type NodeProto,
  type TensorProto,
  dataTypeOf,
  elementCount,
  intAttribute,
  isConstantNode,
  isOnnxDomain,
  makeInts,
  makeTensor,
  readInts,
  subgraphs,
  tensorAttribute,
  withOutputs,
} from '@quantsmith/model/onnx';
import { has } from '@quantsmith/model/operators';
import { createSession, run } from '../runtime/session.js';
import type { HostTensor } from '@quantsmith/model/arrays';
import { indexGraph, type TensorType } from '@quantsmith/model/graph';
import { inlineBranches } from './inlineBranches.js';
import { dropNoOps } from './noOps.js';
import { inferTypes } from './types.js';

/** A folded tensor may have this many elements, or as many as it is made of: a ConstantOfShape cannot fill the memory. */
const LARGEST_GROWN = 1 << 20;
/** Indexes and shapes that grow are not quantized: written out they only make the file larger, and the runtime folds them. */
const LARGEST_GROWN_INTEGERS = 1 << 10;

/** Shapes that become known by folding allow more folding; deeper chains than this stay as they are. */
const MAX_ROUNDS = 4;

/**
 * Replaces everything that depends on constants alone by initializers, and so the Shape of a tensor whose shape is
 * fixed. The runtime itself computes the values: the constant part of the graph is run once as a model of its own, so
 * that they are exactly what it would compute. Comes with the types of all tensors.
 */
export async function foldConstants(
  model: ModelProto,
  dir: string,
): Promise<{ model: ModelProto; types: ReadonlyMap<string, TensorType> }> {
  let folded = constantsAsInitializers(model);
  let types: ReadonlyMap<string, TensorType> = await inferTypes(folded, dir);
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const shaped = inlineTaken(shapesToInitializers(folded, types), dir);
    const foldable = foldableNodes(shaped, types);
    if (foldable.length === 0 && shaped === folded) break;
    folded = foldable.length === 0 ? shaped : await foldNodes(shaped, foldable, dir);
    types = await inferTypes(folded, dir);
  }

  return { model: withoutUnused(folded), types };
}

/** Branches that are always taken, with their constants and without copies. */
function inlineTaken(model: ModelProto, dir: string): ModelProto {
  const inlined = inlineBranches(model, (condition) => readInts(condition, dir)[0] === 1);
  return inlined === model ? model : dropNoOps(constantsAsInitializers(inlined));
}

async function foldNodes(
  model: ModelProto,
  foldable: readonly NodeProto[],
  dir: string,
): Promise<ModelProto> {
  const graph = model.graph;
  const folded = new Set(foldable);
  const values = await evaluate(model, foldable, resultsNeeded(model, folded), dir);
  const node = graph.node.filter((candidate) => !folded.has(candidate));
  return { ...model, graph: { ...graph, node, initializer: [...graph.initializer, ...values] } };
}

/** Shape nodes of tensors with fixed shapes become initializers. */
function shapesToInitializers(model: ModelProto, types: ReadonlyMap<string, TensorType>): ModelProto {
  const graph = model.graph;
  const outputs = new Set(graph.output.map((value) => value.name));
  const added: TensorProto[] = [];
  const node = graph.node.filter((candidate) => {
    if (candidate.opType !== 'Shape' || !isOnnxDomain(candidate)) return true;
    const [source = ''] = candidate.input;
    const [result = ''] = candidate.output;
    const dims = types.get(source)?.dims;
    if (outputs.has(result) || !dims?.every((dim) => typeof dim === 'number')) return true;
    const start = intAttribute(candidate, 'start', 0);
    added.push(makeInts(result, dims.slice(start, intAttribute(candidate, 'end', dims.length))));

    return false;
  });

  if (added.length === 0) return model;

  return { ...model, graph: { ...graph, node, initializer: [...graph.initializer, ...added] } };
}

/** Constant nodes that hold a tensor, number or list become initializers. */
export function constantsAsInitializers(model: ModelProto): ModelProto {
  const graph = model.graph;
  const added: TensorProto[] = [];
  const node = graph.node.filter((candidate) => {
    const tensor = isConstantNode(candidate) ? constantValue(candidate) : undefined;

    if (tensor === undefined) return true;
    added.push({ ...tensor, name: candidate.output[0] ?? '' });
    return false;
  });

  return { ...model, graph: { ...graph, node, initializer: [...graph.initializer, ...added] } };
}

function constantValue(node: NodeProto): TensorProto | undefined {
  const value = tensorAttribute(node, 'value');
  if (value !== undefined) return value;
  for (const attribute of node.attribute) {
    if (attribute.name === 'value_float')
      return makeTensor('', [], ElementType.FLOAT, Float32Array.of(attribute.f));
    if (attribute.name === 'value_int')
      return makeTensor('', [], ElementType.INT64, BigInt64Array.of(attribute.i));
    if (attribute.name === 'value_floats') {
      return makeTensor(
        '',
        [attribute.floats.length],
        ElementType.FLOAT,
        Float32Array.from(attribute.floats),
      );
    }

    if (attribute.name === 'value_ints') {
      return makeTensor('', [attribute.ints.length], ElementType.INT64, BigInt64Array.from(attribute.ints));
    }
  }

  return undefined;
}

/** Nodes all of whose inputs are constant, whose outputs are small enough and which are no model output. */
function foldableNodes(model: ModelProto, types: ReadonlyMap<string, TensorType>): NodeProto[] {
  const graph = indexGraph(model);
  const constant = new Set(
    model.graph.initializer.map((tensor) => tensor.name).filter((name) => !graph.isOptional(name)),
  );
  const candidates = graph.nodes.filter((node) => {
    const inputs = node.input.filter((tensor) => tensor !== '');
    const fits =
      inputs.every((tensor) => constant.has(tensor)) &&
      (inputs.length > 0 || node.opType === 'ConstantOfShape');

    const plain = isOnnxDomain(node) && !has(node, 'not-constant') && subgraphs(node).length === 0;
    const exposed = node.output.some((tensor) => graph.outputs.includes(tensor));
    if (!fits || !plain || exposed) return false;
    for (const tensor of node.output) constant.add(tensor);

    return true;
  });

  if (candidates.length === 0) return [];
  const tooLarge = new Set<string>();
  const size = (tensor: string) => {
    const dims = types.get(tensor)?.dims;
    if (!dims?.every((dim) => typeof dim === 'number')) return Number.POSITIVE_INFINITY;
    return elementCount(dims);
  };

  return candidates.filter((node) => {
    const inputs = node.input.filter((tensor) => tensor !== '');
    const outputs = node.output.filter((tensor) => tensor !== '');
    const grown = outputs.every((tensor) => isInteger(types.get(tensor)))
      ? LARGEST_GROWN_INTEGERS
      : LARGEST_GROWN;

    const limit = Math.max(grown, largest(inputs.map(size)));
    if (!inputs.some((tensor) => tooLarge.has(tensor)) && outputs.every((tensor) => size(tensor) <= limit))
      return true;
    for (const tensor of outputs) tooLarge.add(tensor);

    return false;
  });
}

const isInteger = (type: TensorType | undefined) => type !== undefined && !isFloatType(type.elemType);

/** The folded tensors that the rest of the graph reads. */
function resultsNeeded(model: ModelProto, folded: ReadonlySet<NodeProto>): string[] {
  const graph = indexGraph(model);
  const tensors = [...folded].flatMap((node) => node.output).filter((tensor) => tensor !== '');
  return tensors.filter(
    (tensor) =>
      graph.isCaptured(tensor) || graph.consumers(tensor).some((reading) => !folded.has(reading.node)),
  );
}

async function evaluate(
  model: ModelProto,
  nodes: readonly NodeProto[],
  results: readonly string[],
  dir: string,
): Promise<TensorProto[]> {
  if (results.length === 0) return [];
  const read = new Set(nodes.flatMap((node) => node.input));
  const initializer = model.graph.initializer.filter((tensor) => read.has(tensor.name));
  const graph = create(GraphProtoSchema, { name: 'constants', node: [...nodes], initializer });
  const constants = withOutputs({ ...model, graph }, results);
  const session = await createSession(constants, { threads: 1, optimization: 'disabled', dir });
  try {
    const values = await run(session, {}, results);
    return results.map((name) => asTensor(name, values[name]!));
  } finally {
    await session.release();
  }
}

function asTensor(name: string, value: HostTensor): TensorProto {
  const dataType = dataTypeOf(value.type);
  if (dataType === undefined || !ArrayBuffer.isView(value.data))
    throw new Error(`Cannot fold a ${value.type} tensor.`);
  const data = value.data as Float32Array;
  return makeTensor(name, value.dims, dataType, data.slice());
}

/** The model without initializers that nothing reads any more. */
export function withoutUnused(model: ModelProto): ModelProto {
  const graph = model.graph;
  const index = indexGraph(model);
  const outputs = new Set(index.outputs);
  const initializer = graph.initializer.filter(
    ({ name }) =>
      index.consumers(name).length > 0 ||
      index.isCaptured(name) ||
      outputs.has(name) ||
      index.isOptional(name),
  );

  return { ...model, graph: { ...graph, initializer } };
}
