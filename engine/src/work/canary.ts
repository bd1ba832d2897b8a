import { create } from '@bufbuild/protobuf';
import { sha256 } from '@quantsmith/model/files';
import { buildGraph } from '@quantsmith/model/graph';
import {
  ElementType,
  encodeModel,
  GraphProtoSchema,
  ModelProtoSchema,
  OperatorSetIdProtoSchema,
  TensorShapeProto_DimensionSchema,
  TensorShapeProtoSchema,
  TypeProto_TensorSchema,
  TypeProtoSchema,
  ValueInfoProtoSchema,
} from '@quantsmith/model/onnx';
import { seededRandom, type Canary, type TestedProcessor } from '@quantsmith/schemas';
import { createSession, run } from '../runtime/session.js';
import { thisProcessor } from './unit.js';

const SIZE = 16;
const CHANNELS = 8;
const FEATURES = CHANNELS * (SIZE - 2) ** 2;
const OUTPUTS = 32;

/** This process as a processor with so many threads, and what it computes of the canary: the bits of processors that are alike agree. */
export async function testProcessor(threads: number): Promise<TestedProcessor> {
  const processor = await thisProcessor(threads);
  return { processor, canary: await runCanary(threads) };
}

/** A small model with the kernels in which processors differ: float sums, a transcendental function, and 8-bit codes at their limits. */
async function runCanary(threads: number): Promise<Canary> {
  const session = await createSession(canaryModel(), { threads });
  try {
    const data = numbers(3 * SIZE * SIZE, 1);
    const results = await run(session, { x: { type: 'float32', dims: [1, 3, SIZE, SIZE], data } });
    const outputs = results['y']?.data as Float32Array;
    const bytes = new Uint8Array(outputs.buffer, outputs.byteOffset, outputs.byteLength);
    return { sha256: sha256(bytes), values: Array.from(outputs) };
  } finally {
    await session.release();
  }
}

function canaryModel(): Uint8Array {
  const built = buildGraph((op, nodes, constants) => `${op}_${nodes}_${constants}`);
  const { add, constant } = built;
  const scalar = (value: number) => constant([], ElementType.FLOAT, Float32Array.of(value));
  const zero = constant([], ElementType.UINT8, Uint8Array.of(0));
  const coded = (tensor: string, scale: number) => {
    const parameters = [scalar(scale), zero];
    return add('DequantizeLinear', [add('QuantizeLinear', [tensor, ...parameters]), ...parameters]);
  };

  const weights = (dims: readonly number[], seed: number) => {
    const codes = Int8Array.from(numbers(product(dims), seed), (value) => (value < 0.2 ? -127 : 127));
    const parameters = [scalar(1 / 127), constant([], ElementType.INT8, Int8Array.of(0))];
    return add('DequantizeLinear', [constant(dims, ElementType.INT8, codes), ...parameters]);
  };

  const floats = (dims: readonly number[], seed: number) =>
    constant(
      dims,
      ElementType.FLOAT,
      Float32Array.from(numbers(product(dims), seed), (value) => value - 0.5),
    );
  const flat = built.ints([1, FEATURES]);

  const kernel = [CHANNELS, 3, 3, 3];
  const features = add('Relu', [add('Conv', ['x', floats(kernel, 2)])]);
  const sums = add('MatMul', [add('Reshape', [features, flat]), floats([FEATURES, OUTPUTS], 3)]);
  const float = add('Sigmoid', [add('Erf', [add('Mul', [sums, scalar(0.1)])])]);
  const integer = coded(add('Conv', [coded('x', 1 / 255), weights(kernel, 4)]), 1 / 16);
  const codes = add('MatMul', [add('Reshape', [integer, flat]), weights([FEATURES, OUTPUTS], 5)]);
  add('Concat', [float, add('Mul', [coded(codes, 32), scalar(1 / 32)])], { axis: 1 }, 'y');

  const graph = create(GraphProtoSchema, {
    name: 'canary',
    node: built.nodes,
    initializer: [...built.constants.values()],
    input: [tensorValue('x', [1, 3, SIZE, SIZE])],
    output: [tensorValue('y', [1, 2 * OUTPUTS])],
  });
  const opsetImport = [create(OperatorSetIdProtoSchema, { domain: '', version: 17n })];

  return encodeModel({ ...create(ModelProtoSchema, { irVersion: 8n, opsetImport }), graph });
}

function tensorValue(name: string, dims: readonly number[]) {
  const dim = dims.map((size) =>
    create(TensorShapeProto_DimensionSchema, { value: { case: 'dimValue', value: BigInt(size) } }),
  );
  const tensor = create(TypeProto_TensorSchema, {
    elemType: ElementType.FLOAT,
    shape: create(TensorShapeProtoSchema, { dim }),
  });

  return create(ValueInfoProtoSchema, {
    name,
    type: create(TypeProtoSchema, { value: { case: 'tensorType', value: tensor } }),
  });
}

const product = (dims: readonly number[]) => dims.reduce((all, size) => all * size, 1);

/** Numbers in [0, 1), the same everywhere. */
const numbers = (count: number, seed: number) => Float32Array.from({ length: count }, seededRandom(seed));
