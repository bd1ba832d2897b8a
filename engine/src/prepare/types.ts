import { create } from '@bufbuild/protobuf';
import {
  type ModelProto,
  type TensorProto,
  TensorShapeProtoSchema,
  TensorShapeProto_DimensionSchema,
  TypeProtoSchema,
  TypeProto_TensorSchema,
  type ValueInfoProto,
  ValueInfoProtoSchema,
  dataTypeName,
  dataTypeOf,
  elementBytes,
  elementCount,
  isExternal,
  makeNode,
} from '@quantsmith/model/onnx';
import type { TensorSignature } from '@quantsmith/schemas';
import { createSession, type PortSignature } from '../runtime/session.js';
import type { TensorType } from '@quantsmith/model/graph';

/** Constants up to this size stay in the skeleton: shapes, axes and scalars that shape inference reads. */
const SMALL_BYTES = 1024;

/**
 * Types and shapes of all tensors of the main graph, as the runtime infers them. The runtime gets a *skeleton*: large
 * constants become typed inputs and every tensor an output, so that no weight is loaded and a 2 GB model costs no more
 * than a small one. Free dimensions have names; `dims: null` means that not even the rank is known.
 */
export async function inferTypes(model: ModelProto, dir?: string): Promise<Map<string, TensorType>> {
  const types = new Map<string, TensorType>();
  for (const value of [...model.graph.input, ...model.graph.valueInfo, ...model.graph.output]) {
    const type = declaredType(value);
    if (type !== undefined) types.set(value.name, type);
  }

  for (const tensor of model.graph.initializer) {
    types.set(tensor.name, { elemType: tensor.dataType, dims: tensor.dims.map(Number) });
  }

  const outputs = await signatures(model, dir);
  // The runtime shows a tensor of unknown rank as it shows a scalar.
  const unclear = outputs.filter(
    (output) => output.dims.length === 0 && (types.get(output.name)?.dims ?? null) === null,
  );

  const scalars = await knownScalars(model, dir, unclear);
  for (const { name, type, dims } of outputs) {
    const elemType = dataTypeOf(type);
    if (elemType === undefined) continue;
    const declared = types.get(name)?.dims ?? null;
    const named = dims.map((dim, axis) => (dim === '' || dim === -1 ? `${name}_dim_${axis}` : dim));
    types.set(name, { elemType, dims: dims.length > 0 || scalars.has(name) ? named : declared });
  }

  return types;
}

async function signatures(model: ModelProto, dir: string | undefined): Promise<readonly PortSignature[]> {
  const options = { threads: 1, optimization: 'disabled', ...(dir === undefined ? {} : { dir }) } as const;
  const load = async (candidate: ModelProto) => {
    const session = await createSession(candidate, options);
    await session.release();
    return session.outputs;
  };

  try {
    return await load(skeleton(model, isLarge));
  } catch {
    // Some kernels insist on constants (scales, quantization parameters): then the constants have to be there.
    return load(skeleton(model, () => false));
  }
}

/** Which of these tensors are scalars: inference gives the Shape of a scalar the length 0, and of others none. */
async function knownScalars(
  model: ModelProto,
  dir: string | undefined,
  unclear: readonly PortSignature[],
): Promise<ReadonlySet<string>> {
  const probed = unclear.filter((output) => dataTypeOf(output.type) !== undefined);
  if (probed.length === 0) return new Set();
  const graph = model.graph;
  const shapes = probed.map((_, index) => `quantsmith_shape_${index}`);
  const node = [
    ...graph.node,
    ...probed.map(({ name }, index) => makeNode('Shape', [name], [shapes[index]!])),
  ];
  const types = new Map(
    (await signatures({ ...model, graph: { ...graph, node } }, dir)).map((o) => [o.name, o.dims]),
  );

  return new Set(probed.filter((_, index) => types.get(shapes[index]!)?.[0] === 0).map(({ name }) => name));
}

/** The type that the file itself states. */
function declaredType(value: ValueInfoProto): TensorType | undefined {
  const kind = value.type?.value;
  if (kind?.case !== 'tensorType') return undefined;
  const dims = kind.value.shape?.dim.map((dim, index) => {
    if (dim.value.case === 'dimValue' && dim.value.value >= 0n) return Number(dim.value.value);
    return dim.value.case === 'dimParam' && dim.value.value !== ''
      ? dim.value.value
      : `${value.name}_dim_${index}`;
  });

  return { elemType: kind.value.elemType, dims: dims ?? null };
}

/** What a caller has to feed: the model's inputs without constants. `dims` is empty where the file states no rank. */
export function inputSignatures(model: ModelProto): TensorSignature[] {
  const { input, initializer } = model.graph;
  const constants = new Set(initializer.map(({ name }) => name));
  return input.filter(({ name }) => !constants.has(name)).map(signatureOf);
}

/** What the model gives. */
export const outputSignatures = (model: ModelProto): TensorSignature[] => model.graph.output.map(signatureOf);

function signatureOf(value: ValueInfoProto): TensorSignature {
  const type = declaredType(value);
  // Sequences and maps are named as the runtime names them; no sample can be one.
  if (type === undefined) return { name: value.name, type: 'sequence', dims: [] };
  const signature = { name: value.name, type: dataTypeName(type.elemType), dims: type.dims ?? [] };
  return type.dims === null ? { ...signature, unranked: true } : signature;
}

function skeleton(model: ModelProto, isLarge: (tensor: TensorProto) => boolean): ModelProto {
  const graph = model.graph;
  const large = graph.initializer.filter(isLarge);
  const inputs = new Set(graph.input.map((value) => value.name));
  const declared = new Set(graph.output.map((value) => value.name));
  const produced = graph.node
    .flatMap((node) => node.output)
    .filter((name) => name !== '' && !declared.has(name));

  return {
    ...model,
    // Before version 4 every constant had to be an input too.
    irVersion: model.irVersion < 4n ? 4n : model.irVersion,
    graph: {
      ...graph,
      input: [...graph.input, ...large.filter((tensor) => !inputs.has(tensor.name)).map(typedInput)],
      initializer: graph.initializer.filter((tensor) => !isLarge(tensor)),
      output: [...graph.output, ...produced.map((name) => create(ValueInfoProtoSchema, { name }))],
    },
  };
}

function isLarge(tensor: TensorProto): boolean {
  return isExternal(tensor) || elementCount(tensor.dims) * elementBytes(tensor.dataType) > SMALL_BYTES;
}

/** A model input of the tensor's type and shape. */
function typedInput(tensor: TensorProto): ValueInfoProto {
  const dim = tensor.dims.map((size) =>
    create(TensorShapeProto_DimensionSchema, { value: { case: 'dimValue', value: size } }),
  );
  const value = create(TypeProto_TensorSchema, {
    elemType: tensor.dataType,
    shape: create(TensorShapeProtoSchema, { dim }),
  });

  return create(ValueInfoProtoSchema, {
    name: tensor.name,
    type: create(TypeProtoSchema, { value: { case: 'tensorType', value } }),
  });
}
