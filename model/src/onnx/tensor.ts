import { ElementType } from './elementTypes.js';
import { create } from '@bufbuild/protobuf';
import { realpathSync } from 'node:fs';
import { isAbsolute, relative, resolve } from 'node:path';
import { fail, type ExternalFile } from '@quantsmith/schemas';
import { halfToFloat } from '../arrays/halves.js';
import { whyUnreadable, withFileSync } from '../files/regular.js';
import { TensorProto_DataLocation, TensorProtoSchema, type TensorProto } from './onnx_pb.js';

/** Names and sizes of ONNX element types by TensorProto.DataType number; half bytes for the 4-bit types. */
const TYPES: Readonly<Record<number, { name: string; bytes: number }>> = {
  [ElementType.FLOAT]: { name: 'float32', bytes: 4 },
  [ElementType.UINT8]: { name: 'uint8', bytes: 1 },
  [ElementType.INT8]: { name: 'int8', bytes: 1 },
  [ElementType.UINT16]: { name: 'uint16', bytes: 2 },
  [ElementType.INT16]: { name: 'int16', bytes: 2 },
  [ElementType.INT32]: { name: 'int32', bytes: 4 },
  [ElementType.INT64]: { name: 'int64', bytes: 8 },
  [ElementType.STRING]: { name: 'string', bytes: 0 },
  [ElementType.BOOL]: { name: 'bool', bytes: 1 },
  [ElementType.FLOAT16]: { name: 'float16', bytes: 2 },
  [ElementType.DOUBLE]: { name: 'float64', bytes: 8 },
  [ElementType.UINT32]: { name: 'uint32', bytes: 4 },
  [ElementType.UINT64]: { name: 'uint64', bytes: 8 },
  [ElementType.COMPLEX64]: { name: 'complex64', bytes: 8 },
  [ElementType.COMPLEX128]: { name: 'complex128', bytes: 16 },
  [ElementType.BFLOAT16]: { name: 'bfloat16', bytes: 2 },
  [ElementType.FLOAT8E4M3FN]: { name: 'float8e4m3fn', bytes: 1 },
  [ElementType.FLOAT8E4M3FNUZ]: { name: 'float8e4m3fnuz', bytes: 1 },
  [ElementType.FLOAT8E5M2]: { name: 'float8e5m2', bytes: 1 },
  [ElementType.FLOAT8E5M2FNUZ]: { name: 'float8e5m2fnuz', bytes: 1 },
  [ElementType.UINT4]: { name: 'uint4', bytes: 0.5 },
  [ElementType.INT4]: { name: 'int4', bytes: 0.5 },
  [ElementType.FLOAT4E2M1]: { name: 'float4e2m1', bytes: 0.5 },
};

export function dataTypeName(dataType: number): string {
  return TYPES[dataType]?.name ?? `type ${dataType}`;
}

/** The TensorProto.DataType number of a name that `dataTypeName` gives, or undefined. */
export function dataTypeOf(name: string): number | undefined {
  const entry = Object.entries(TYPES).find(([, type]) => type.name === name);
  return entry === undefined ? undefined : Number(entry[0]);
}

/** Bytes of one element, 0 for strings and unknown types. */
export function elementBytes(dataType: number): number {
  return TYPES[dataType]?.bytes ?? 0;
}

export function elementCount(dims: readonly (number | bigint)[]): number {
  return dims.reduce<number>((product, dim) => product * Number(dim), 1);
}

export const isExternal = (tensor: TensorProto) => tensor.dataLocation === TensorProto_DataLocation.EXTERNAL;

export interface ExternalReference {
  /** Absolute path. */
  readonly file: string;
  readonly offset: number;
  /** Bytes; null: what the tensor's dims and type say. */
  readonly length: number | null;
}

/** Where an external tensor's bytes lie. Refuses locations outside the model's folder. */
export function externalReference(tensor: TensorProto, dir: string): ExternalReference {
  const entries = new Map(tensor.externalData.map((entry) => [entry.key, entry.value]));
  const location = entries.get('location') ?? '';
  const file = resolve(dir, location);
  const outside = (path: string, root: string) => {
    const way = relative(root, path);
    return way === '' || way.startsWith('..') || isAbsolute(way);
  };

  if (location === '' || isAbsolute(location) || outside(file, resolve(dir))) {
    fail(
      'external-data-outside',
      `Tensor "${tensor.name}" keeps its data in "${location}", outside the model's folder.`,
      {
        file,
        data: { tensor: tensor.name, location },
      },
    );
  }

  try {
    if (outside(realpathSync(file), realpathSync(dir))) {
      fail(
        'external-data-outside',
        `Tensor "${tensor.name}": "${location}" links to a file outside the model's folder.`,
        {
          file,
          data: { tensor: tensor.name, location },
        },
      );
    }
  } catch (error) {
    if (!(error instanceof Error && 'code' in error)) throw error;
    missingData(tensor.name, file, whyUnreadable(error));
  }

  const number = (key: string) => {
    const text = entries.get(key);
    if (text === undefined) return null;
    const value = Number(text);
    if (Number.isSafeInteger(value) && value >= 0) return value;

    return fail(
      'external-data-invalid',
      `Tensor "${tensor.name}": ${key} "${text}" of its external data is not a byte count.`,
      {
        file,
      },
    );
  };

  return { file, offset: number('offset') ?? 0, length: number('length') };
}

/**
 * Makes sure that a file of external data is there, and as long as the model needs it; `dir` is the model's folder. Throws
 * `external-data-missing`, `external-data-outside` and `external-data-truncated`.
 */
export function refuseMissingData({ location, tensor, bytes }: ExternalFile, dir: string): void {
  const { file } = externalReference(
    create(TensorProtoSchema, { name: tensor, externalData: [{ key: 'location', value: location }] }),
    dir,
  );
  try {
    withFileSync(file, (_, available) => {
      if (bytes <= available) return;
      fail(
        'external-data-truncated',
        `Tensor "${tensor}" needs ${bytes} bytes of "${file}", which has only ${available}.`,
        { file, data: { tensor } },
      );
    });
  } catch (error) {
    if (!(error instanceof Error && 'code' in error)) throw error;
    missingData(tensor, file, whyUnreadable(error));
  }
}

/** The tensor's bytes as they lie in a file: little-endian, raw. `dir` is the folder of external data. */
export function rawBytes(tensor: TensorProto, dir: string): Uint8Array {
  const expected = Math.ceil(elementCount(tensor.dims) * elementBytes(tensor.dataType));
  const bytes = isExternal(tensor) ? readExternal(tensor, dir, expected) : inlineBytes(tensor);
  if (bytes.byteLength !== expected) {
    fail(
      'tensor-size-mismatch',
      `Tensor "${tensor.name}" holds ${bytes.byteLength} bytes where its shape [${tensor.dims.join(', ')}] of ${dataTypeName(tensor.dataType)} needs ${expected}.`,
      { data: { tensor: tensor.name } },
    );
  }

  return bytes;
}

function inlineBytes(tensor: TensorProto): Uint8Array {
  if (tensor.rawData.length > 0) return tensor.rawData;
  const view = (array: ArrayBufferView) => new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
  switch (tensor.dataType) {
    case ElementType.FLOAT:
      return view(Float32Array.from(tensor.floatData));
    case ElementType.DOUBLE:
      return view(Float64Array.from(tensor.doubleData));
    case ElementType.INT64:
      return view(BigInt64Array.from(tensor.int64Data));
    case ElementType.UINT32:
      return view(Uint32Array.from(tensor.uint64Data, Number));
    case ElementType.UINT64:
      return view(BigUint64Array.from(tensor.uint64Data));
    case ElementType.INT32:
      return view(Int32Array.from(tensor.int32Data));
    case ElementType.UINT16:
    case ElementType.INT16:
    case ElementType.FLOAT16:
    case ElementType.BFLOAT16:
      return view(Uint16Array.from(tensor.int32Data));
    default:
      return Uint8Array.from(tensor.int32Data);
  }
}

/** Throws `external-data-missing`. `why`: the end of a sentence about the file. */
export function missingData(tensor: string, file: string, why: string): never {
  return fail('external-data-missing', `Tensor "${tensor}" keeps its data in "${file}", which ${why}.`, {
    file,
    data: { tensor },
  });
}

function readExternal(tensor: TensorProto, dir: string, expected: number): Uint8Array {
  const { file, offset, length } = externalReference(tensor, dir);
  const size = length ?? expected;
  if (size !== expected) return new Uint8Array(0);
  const where = { file, data: { tensor: tensor.name } };
  try {
    return withFileSync(file, (bytesAt, available) => {
      if (offset + size > available) {
        fail(
          'external-data-truncated',
          `Tensor "${tensor.name}" needs bytes ${offset}…${offset + size} of "${file}", which has only ${available}.`,
          where,
        );
      }

      return bytesAt(offset, size);
    });
  } catch (error) {
    if (!(error instanceof Error && 'code' in error)) throw error;
    return missingData(tensor.name, file, whyUnreadable(error));
  }
}

/** A view of the bytes as another element type; copied only when they are not aligned. */
function aligned(bytes: Uint8Array, size: number): { buffer: ArrayBuffer; byteOffset: number } {
  if (bytes.byteOffset % size === 0)
    return { buffer: bytes.buffer as ArrayBuffer, byteOffset: bytes.byteOffset };
  // Not `slice`: of a Buffer that would be a view of the same, misaligned memory.
  const copy = new Uint8Array(bytes);
  return { buffer: copy.buffer, byteOffset: copy.byteOffset };
}

/** The values of a floating-point tensor (float32, float16, bfloat16, float64) as float32. Not to be written to. */
export function readFloats(tensor: TensorProto, dir: string): Float32Array {
  const bytes = rawBytes(tensor, dir);
  switch (tensor.dataType) {
    case ElementType.FLOAT: {
      const { buffer, byteOffset } = aligned(bytes, 4);
      return new Float32Array(buffer, byteOffset, bytes.byteLength / 4);
    }

    case ElementType.DOUBLE: {
      const { buffer, byteOffset } = aligned(bytes, 8);
      return Float32Array.from(new Float64Array(buffer, byteOffset, bytes.byteLength / 8));
    }

    case ElementType.FLOAT16: {
      const { buffer, byteOffset } = aligned(bytes, 2);
      return Float32Array.from(new Uint16Array(buffer, byteOffset, bytes.byteLength / 2), halfToFloat);
    }

    case ElementType.BFLOAT16: {
      const { buffer, byteOffset } = aligned(bytes, 2);
      const halves = new Uint16Array(buffer, byteOffset, bytes.byteLength / 2);
      return new Float32Array(Uint32Array.from(halves, (bits) => bits << 16).buffer);
    }

    default:
      return fail(
        'tensor-not-float',
        `Tensor "${tensor.name}" is ${dataTypeName(tensor.dataType)}, not a float.`,
        {
          data: { tensor: tensor.name },
        },
      );
  }
}

/** The values of an integer or bool tensor; int64 values beyond 2^53 are refused. */
export function readInts(tensor: TensorProto, dir: string): number[] {
  const bytes = rawBytes(tensor, dir);
  const size = elementBytes(tensor.dataType);
  const { buffer, byteOffset } = aligned(bytes, Math.max(1, size));
  const length = bytes.byteLength / size;
  switch (tensor.dataType) {
    case ElementType.UINT8:
    case ElementType.BOOL:
      return Array.from(bytes);
    case ElementType.INT8:
      return Array.from(new Int8Array(buffer, byteOffset, length));
    case ElementType.UINT16:
      return Array.from(new Uint16Array(buffer, byteOffset, length));
    case ElementType.INT16:
      return Array.from(new Int16Array(buffer, byteOffset, length));
    case ElementType.INT32:
      return Array.from(new Int32Array(buffer, byteOffset, length));
    case ElementType.UINT32:
      return Array.from(new Uint32Array(buffer, byteOffset, length));
    case ElementType.INT64:
      return Array.from(new BigInt64Array(buffer, byteOffset, length), (value) => clampInt64(value));
    default:
      return fail(
        'tensor-not-integer',
        `Tensor "${tensor.name}" is ${dataTypeName(tensor.dataType)}, not an integer.`,
        {
          data: { tensor: tensor.name },
        },
      );
  }
}

/** The values of an int8 tensor, without a copy where there is none to make. */
export function readInt8(tensor: TensorProto, dir: string): Int8Array {
  const { buffer, byteOffset, byteLength } = rawBytes(tensor, dir);
  return new Int8Array(buffer, byteOffset, byteLength);
}

/** int64 extremes stand for "to the end" in Slice; they keep that meaning as the largest safe integers. */
function clampInt64(value: bigint): number {
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) return Number.MAX_SAFE_INTEGER;
  if (value < BigInt(Number.MIN_SAFE_INTEGER)) return Number.MIN_SAFE_INTEGER;
  return Number(value);
}

/** A tensor with its values as raw little-endian bytes; the array's memory is shared, not copied. */
export function makeTensor(
  name: string,
  dims: readonly number[],
  dataType: number,
  values: ArrayBufferView,
): TensorProto {
  return create(TensorProtoSchema, {
    name,
    dims: dims.map(BigInt),
    dataType,
    rawData: new Uint8Array(values.buffer as ArrayBuffer, values.byteOffset, values.byteLength),
  });
}

/** An int64 vector, the form of shapes, axes and pads. */
export function makeInts(name: string, values: readonly number[]): TensorProto {
  return makeTensor(name, [values.length], ElementType.INT64, BigInt64Array.from(values.map(BigInt)));
}
