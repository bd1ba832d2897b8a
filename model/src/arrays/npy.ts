import { closeSync, openSync, readSync, statSync } from 'node:fs';
import { fail, type ConfigPath } from '@quantsmith/schemas';
import type { TensorData } from './tensor.js';

/** A numpy array whose first axis can be read in pieces. */
export interface RowArray {
  readonly shape: readonly number[];
  readonly type: string;
  /** Values of the rows [from, to), in C order. */
  readonly rows: (from: number, to: number) => TensorData;
}

const TYPES: Readonly<
  Record<string, { name: string; bytes: number; make: (buffer: ArrayBuffer) => TensorData }>
> = {
  f2: { name: 'float16', bytes: 2, make: (buffer) => new Uint16Array(buffer) },
  f4: { name: 'float32', bytes: 4, make: (buffer) => new Float32Array(buffer) },
  f8: { name: 'float64', bytes: 8, make: (buffer) => new Float64Array(buffer) },
  i1: { name: 'int8', bytes: 1, make: (buffer) => new Int8Array(buffer) },
  u1: { name: 'uint8', bytes: 1, make: (buffer) => new Uint8Array(buffer) },
  b1: { name: 'bool', bytes: 1, make: (buffer) => new Uint8Array(buffer) },
  i2: { name: 'int16', bytes: 2, make: (buffer) => new Int16Array(buffer) },
  u2: { name: 'uint16', bytes: 2, make: (buffer) => new Uint16Array(buffer) },
  i4: { name: 'int32', bytes: 4, make: (buffer) => new Int32Array(buffer) },
  u4: { name: 'uint32', bytes: 4, make: (buffer) => new Uint32Array(buffer) },
  i8: { name: 'int64', bytes: 8, make: (buffer) => new BigInt64Array(buffer) },
  u8: { name: 'uint64', bytes: 8, make: (buffer) => new BigUint64Array(buffer) },
};

type ReadAt = (offset: number, length: number) => Uint8Array;

/**
 * Opens a .npy file without reading its values. Own parser: the published ones read the whole file and accept lying
 * headers; the format is a magic number, a version, and a header that is a Python dictionary literal.
 */
export function readArrayFile(path: string, configPath: ConfigPath): RowArray {
  let size: number;
  try {
    size = statSync(path).size;
  } catch {
    return fail('data-not-found', `The array file ${path} does not exist.`, { file: path, configPath });
  }
  const read: ReadAt = (offset, length) => {
    const handle = openSync(path, 'r');
    try {
      const bytes = new Uint8Array(length);
      const count = readSync(handle, bytes, 0, length, offset);
      return bytes.subarray(0, count);
    } finally {
      closeSync(handle);
    }
  };
  return parseArray(path, size, read, configPath);
}

/** Opens an array that lies in memory (a member of a .npz). `name` is for messages. */
export function readArrayBytes(name: string, bytes: Uint8Array, configPath: ConfigPath): RowArray {
  return parseArray(
    name,
    bytes.length,
    (offset, length) => bytes.subarray(offset, offset + length),
    configPath,
  );
}

function parseArray(name: string, size: number, read: ReadAt, configPath: ConfigPath): RowArray {
  const broken = (what: string): never =>
    fail('array-invalid', `${name} is no usable .npy array: ${what}.`, { file: name, configPath });
  const head = read(0, 12);
  if (head.length < 10 || head[0] !== 0x93 || new TextDecoder().decode(head.subarray(1, 6)) !== 'NUMPY')
    broken('the magic number is missing');
  const wide = head[6]! >= 2;
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  const headerLength = wide ? view.getUint32(8, true) : view.getUint16(8, true);
  const start = wide ? 12 : 10;
  if (start + headerLength > size) broken('the header is longer than the file');
  const header = new TextDecoder('latin1').decode(read(start, headerLength));
  const descr = /'descr':\s*'([<>|=])(\w+)'/.exec(header);
  const shapeText = /'shape':\s*\(([^)]*)\)/.exec(header)?.[1];
  if (descr === null || shapeText === undefined)
    return broken('the header cannot be read (only plain number arrays are supported)');
  const type = TYPES[descr[2]!];
  if (type === undefined) return broken(`element type "${descr[2]}" is not supported`);
  if (descr[1] === '>' && type.bytes > 1) broken('big-endian values are not supported');
  if (/'fortran_order':\s*True/.test(header))
    broken('Fortran order is not supported; save it with numpy.ascontiguousarray');
  const shape = shapeText
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')
    .map(Number);
  if (shape.length === 0 || shape.some((dim) => !Number.isSafeInteger(dim) || dim < 0))
    broken('it has no sample axis');
  const rowValues = shape.slice(1).reduce((product, dim) => product * dim, 1);
  const rowBytes = rowValues * type.bytes;
  const data = start + headerLength;
  if (data + rowBytes * shape[0]! > size)
    broken(`its shape [${shape.join(', ')}] needs more bytes than the file has`);
  return {
    shape,
    type: type.name,
    rows(from, to) {
      const bytes = read(data + from * rowBytes, (to - from) * rowBytes);
      return type.make(bytes.slice().buffer as ArrayBuffer);
    },
  };
}
