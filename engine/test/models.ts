import { create } from '@bufbuild/protobuf';
import { existsSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { makeNode, type AttributeValue } from '@quantsmith/engine/onnx/node';
import {
  GraphProtoSchema,
  ModelProtoSchema,
  OperatorSetIdProtoSchema,
  type ModelProto,
  type NodeProto,
  type TensorProto,
  type ValueInfoProto,
} from '@quantsmith/engine/onnx/onnx_pb';
import {
  TensorShapeProto_DimensionSchema,
  TensorShapeProtoSchema,
  TypeProto_TensorSchema,
  TypeProtoSchema,
  ValueInfoProtoSchema,
} from '@quantsmith/engine/onnx/onnx_pb';
import { makeInts, makeTensor } from '@quantsmith/engine/onnx/tensor';

/** A typed border value; `dims` may name free dimensions; without dims the rank is unknown. */
export function value(name: string, dims?: readonly (number | string)[], elemType = 1): ValueInfoProto {
  const dim = dims?.map((size) =>
    create(TensorShapeProto_DimensionSchema, {
      value:
        typeof size === 'number'
          ? { case: 'dimValue', value: BigInt(size) }
          : { case: 'dimParam', value: size },
    }),
  );
  const type = create(TypeProto_TensorSchema, {
    elemType,
    ...(dim === undefined ? {} : { shape: create(TensorShapeProtoSchema, { dim }) }),
  });
  return create(ValueInfoProtoSchema, {
    name,
    type: create(TypeProtoSchema, { value: { case: 'tensorType', value: type } }),
  });
}

export function node(
  op: string,
  inputs: readonly string[],
  outputs: readonly string[],
  attributes: Readonly<Record<string, AttributeValue>> = {},
  name = `${outputs[0]}_node`,
): NodeProto {
  return makeNode(op, inputs, outputs, attributes, { name });
}

export const floats = (name: string, dims: readonly number[], values: Iterable<number>): TensorProto =>
  makeTensor(name, dims, 1, Float32Array.from(values));

export const ints = (name: string, values: readonly number[]): TensorProto => makeInts(name, values);

export function model(parts: {
  inputs: readonly ValueInfoProto[];
  outputs: readonly ValueInfoProto[];
  nodes: readonly NodeProto[];
  initializers?: readonly TensorProto[];
  opset?: number;
  ir?: number;
  domains?: Readonly<Record<string, number>>;
}): ModelProto {
  const opset = parts.opset ?? 13;
  const domains = Object.entries({ '': opset, ...parts.domains });
  return create(ModelProtoSchema, {
    irVersion: BigInt(parts.ir ?? (opset < 10 ? 4 : 7)),
    producerName: 'test',
    opsetImport: domains.map(([domain, version]) =>
      create(OperatorSetIdProtoSchema, { domain, version: BigInt(version) }),
    ),
    graph: create(GraphProtoSchema, {
      name: 'g',
      node: [...parts.nodes],
      initializer: [...(parts.initializers ?? [])],
      input: [...parts.inputs],
      output: [...parts.outputs],
    }),
  });
}

/** Numbers in [−1, 1) that are the same in every run. */
export function randoms(count: number, seed = 1): Float32Array {
  let state = seed >>> 0;
  return Float32Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  });
}

/** The folder of real models, which is not part of the repository. */
export const DATA = resolve(import.meta.dirname, '../../../shared/data');
export const hasData = existsSync(DATA);

/** Paths of all real models under `models/`, relative to it. */
export function realModels(): string[] {
  if (!hasData) return [];
  const root = join(DATA, 'models');
  return readdirSync(root, { recursive: true })
    .map(String)
    .filter((file) => file.endsWith('.onnx'))
    .sort();
}
