import { create } from '@bufbuild/protobuf';
import { existsSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import {
  type AttributeValue,
  GraphProtoSchema,
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
  encodeModel,
  makeInts,
  makeNode,
  makeTensor,
} from '@quantsmith/model/onnx';
import { createSession, run, type PortSignature } from '../src/runtime/session.js';
import type { HostTensor } from '@quantsmith/model/arrays';

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

/** Random feeds for a session's inputs. Free dimensions become 1, or what `sizes` says by input name. */
function randomFeeds(
  inputs: readonly PortSignature[],
  sizes: Readonly<Record<string, readonly number[]>> = {},
): Record<string, HostTensor> {
  return Object.fromEntries(
    inputs.map(({ name, type, dims: free }, index): [string, HostTensor] => {
      const dims = sizes[name] ?? free.map((dim) => (typeof dim === 'number' && dim > 0 ? dim : 1));
      const values = randoms(
        dims.reduce((product, dim) => product * dim, 1),
        index + 1,
      );
      if (type === 'int64')
        return [
          name,
          { type, dims, data: BigInt64Array.from(values, (v) => BigInt(Math.floor((v + 1) * 50))) },
        ];
      if (type === 'int32')
        return [name, { type, dims, data: Int32Array.from(values, (v) => Math.floor((v + 1) * 128)) }];
      return [name, { type: 'float32', dims, data: values }];
    }),
  );
}

/** The largest difference of two results, relative to the largest value of the first but at least to `scale`. */
export function relativeDifference(expected: HostTensor, actual: HostTensor, scale = 1e-30): number {
  if (expected.dims.join() !== actual.dims.join()) return Number.POSITIVE_INFINITY;
  const left = Array.from(expected.data as Float32Array, Number);
  const right = Array.from(actual.data as Float32Array, Number);
  let largest = scale;
  let difference = 0;
  left.forEach((number, index) => {
    const other = right[index]!;
    if (Object.is(number, other)) return;
    largest = Math.max(largest, Math.abs(number));
    difference = Math.max(
      difference,
      Number.isNaN(number - other) ? Number.POSITIVE_INFINITY : Math.abs(number - other),
    );
  });
  return difference / largest;
}

/** Runs a model without any graph optimization. */
export async function runModel(
  source: ModelProto,
  feeds?: Readonly<Record<string, HostTensor>>,
  dir?: string,
): Promise<Record<string, HostTensor>> {
  const session = await createSession(encodeModel(source), {
    threads: 1,
    optimization: 'disabled',
    ...(dir === undefined ? {} : { dir }),
  });
  try {
    return await run(session, feeds ?? randomFeeds(session.inputs));
  } finally {
    await session.release();
  }
}

/** Sizes for the real models' inputs whose free dimensions cannot all be 1. */
const SIZES: Readonly<Record<string, Readonly<Record<string, readonly number[]>>>> = {
  'ocr/ch_PP-OCRv2_det_infer.onnx': { x: [1, 3, 64, 64] },
  'audio/silero_vad.onnx': { input: [1, 512], state: [2, 1, 128], sr: [] },
};

/** Random feeds that a real model (a path of `realModels`) accepts. */
export function realFeeds(file: string, inputs: readonly PortSignature[]): Record<string, HostTensor> {
  const feeds = randomFeeds(inputs, SIZES[file]);
  // A sample rate in hertz, and the only input whose value decides what runs.
  if ('sr' in feeds) feeds['sr'] = { type: 'int64', dims: [], data: BigInt64Array.of(16000n) };
  return feeds;
}
