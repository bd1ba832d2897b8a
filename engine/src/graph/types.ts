import { create } from '@bufbuild/protobuf';
import { encodeModel } from '../onnx/write.js';
import {
  TensorShapeProto_DimensionSchema,
  TensorShapeProtoSchema,
  TypeProto_TensorSchema,
  TypeProtoSchema,
  ValueInfoProtoSchema,
  type ModelProto,
  type TensorProto,
  type ValueInfoProto,
} from '../onnx/onnx_pb.js';
import { elementBytes, elementCount, isExternal } from '../onnx/tensor.js';
import { createSession } from '../runtime/session.js';
import type { TensorType } from './graph.js';

/** Constants up to this size stay in the skeleton: shapes, axes and scalars that shape inference reads. */
const SMALL_BYTES = 1024;

const DATA_TYPE_OF: Readonly<Record<string, number>> = {
  float32: 1,
  uint8: 2,
  int8: 3,
  uint16: 4,
  int16: 5,
  int32: 6,
  int64: 7,
  string: 8,
  bool: 9,
  float16: 10,
  float64: 11,
  uint32: 12,
  uint64: 13,
  bfloat16: 16,
};

/**
 * Types and shapes of all tensors of the main graph, as the runtime infers them. The runtime gets a *skeleton*: large
 * constants become typed inputs and every tensor an output, so that no weight is loaded and a 2 GB model costs no more
 * than a small one.
 */
export async function inferTypes(model: ModelProto): Promise<Map<string, TensorType>> {
  const types = new Map<string, TensorType>();
  for (const value of [...model.graph!.input, ...model.graph!.valueInfo, ...model.graph!.output]) {
    const type = declaredType(value);
    if (type !== undefined) types.set(value.name, type);
  }
  for (const tensor of model.graph!.initializer) {
    types.set(tensor.name, { elemType: tensor.dataType, dims: tensor.dims.map(Number) });
  }
  const session = await createSession(encodeModel(skeleton(model)), { threads: 1, optimization: 'disabled' });
  try {
    for (const output of session.outputs) {
      const elemType = DATA_TYPE_OF[output.type];
      if (elemType === undefined) continue;
      const declared = types.get(output.name)?.dims;
      // The runtime reports an unknown rank as a scalar: a declared shape knows better.
      const dims = output.dims.length === 0 && declared !== undefined ? declared : output.dims;
      types.set(output.name, { elemType, dims });
    }
  } finally {
    await session.release();
  }
  return types;
}

/** The type that the file itself states. */
export function declaredType(value: ValueInfoProto): TensorType | undefined {
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

function skeleton(model: ModelProto): ModelProto {
  const graph = model.graph!;
  const large = graph.initializer.filter(isLarge);
  const inputs = new Set(graph.input.map((value) => value.name));
  const declared = new Set(graph.output.map((value) => value.name));
  const produced = graph.node
    .flatMap((node) => node.output)
    .filter((name) => name !== '' && !declared.has(name));
  return {
    ...model,
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
export function typedInput(tensor: TensorProto): ValueInfoProto {
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
