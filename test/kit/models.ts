import { create } from '@bufbuild/protobuf';
import {
  type AttributeValue,
  GraphProtoSchema,
  type LoadedModel,
  type ModelProto,
  ModelProtoSchema,
  type NodeProto,
  OperatorSetIdProtoSchema,
  type TensorProto,
  TensorShapeProtoSchema,
  TensorShapeProto_DimensionSchema,
  TypeProtoSchema,
  TypeProto_TensorSchema,
  type ValueInfoProto,
  ValueInfoProtoSchema,
  makeInts,
  makeNode,
  makeTensor,
} from '@quantsmith/model/onnx';
import { seededRandom } from '@quantsmith/schemas';

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
  }) as ModelProto;
}

/** A model as if it had been read from a file. */
export const loaded = (source: ModelProto): LoadedModel => ({
  model: source,
  path: '/models/test.onnx',
  dir: '/models',
  fileBytes: 0,
  externalFiles: [],
  sha256: '',
  externalStamps: [],
});

/** The constants of `batchNorm`. */
export const batchNormConstants = (channels: number): TensorProto[] => [
  floats('gamma', [channels], randoms(channels, 5)),
  floats('beta', [channels], randoms(channels, 6)),
  floats('mean', [channels], randoms(channels, 7)),
  floats(
    'variance',
    [channels],
    randoms(channels, 8).map((number) => number + 1.1),
  ),
];

export const batchNorm = (x: string, y: string): NodeProto =>
  node('BatchNormalization', [x, 'gamma', 'beta', 'mean', 'variance'], [y], {}, 'bn');

/** Numbers in [−1, 1) that are the same in every run. */
export function randoms(count: number, seed = 1): Float32Array {
  const next = seededRandom(seed);
  return Float32Array.from({ length: count }, () => 2 * next() - 1);
}
