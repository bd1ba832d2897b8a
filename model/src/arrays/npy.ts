import { fail, type ConfigPath } from '@quantsmith/schemas';
import { whyUnreadable, withFileSync } from '../files/regular.js';
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
  const opened = <T>(use: (read: ReadAt, size: number) => T): T => {
    try {
      return withFileSync(path, use);
    } catch (error) {
      if (!(error instanceof Error && 'code' in error)) throw error;
      return fail('data-not-found', `The array file ${path} ${whyUnreadable(error)}.`, {
        file: path,
        configPath,
      });
    }
  };

  const size = opened((_, bytes) => bytes);
  const readAt: ReadAt = (offset, length) => opened((read) => read(offset, length));

  return parseArray(path, size, inBlocks(readAt, size), configPath);
}

/** Rows are read in the order of the file, and opening it for a small one costs more than reading it. */
const BLOCK_BYTES = 2 ** 18;

/** Reads small pieces in blocks, of which the last one is kept. */
function inBlocks(read: ReadAt, size: number): ReadAt {
  let kept: { readonly start: number; readonly bytes: Uint8Array } = { start: 0, bytes: new Uint8Array(0) };
  return (offset, length) => {
    if (length >= BLOCK_BYTES) return read(offset, length);
    const isKept = offset >= kept.start && offset + length <= kept.start + kept.bytes.length;
    if (!isKept) kept = { start: offset, bytes: read(offset, Math.min(BLOCK_BYTES, size - offset)) };
    return kept.bytes.subarray(offset - kept.start, offset - kept.start + length);
  };
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

/** NumPy reads no longer header. */
const MAX_HEADER_BYTES = 10_000;
/** Enough of the beginning of a .npy for its header. */
export const ARRAY_HEAD_BYTES = 12 + MAX_HEADER_BYTES;

/** What the header of a .npy says, checked against the size of the file. */
export interface ArrayLayout {
  readonly shape: readonly number[];
  readonly type: string;
  /** Where the values begin. */
  readonly dataStart: number;
  /** Bytes of one value. */
  readonly valueBytes: number;
}

/**
 * Reads the header of a .npy. `head`: its first ARRAY_HEAD_BYTES, or all of it; `size`: bytes of the whole file. A text says
 * what is wrong, as the end of a sentence.
 */
export function arrayLayout(head: Uint8Array, size: number): ArrayLayout | string {
  if (head.length < 10 || head[0] !== 0x93 || new TextDecoder().decode(head.subarray(1, 6)) !== 'NUMPY')
    return 'it does not begin like a file that numpy.save writes';
  const isWide = head[6]! >= 2;
  const start = isWide ? 12 : 10;
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  if (head.length < start) return 'the header is longer than the file';
  const headerLength = isWide ? view.getUint32(8, true) : view.getUint16(8, true);
  const dataStart = start + headerLength;
  if (headerLength > MAX_HEADER_BYTES) return `the header is longer than ${MAX_HEADER_BYTES} bytes`;
  if (dataStart > size || dataStart > head.length) return 'the header is longer than the file';

  const header = new TextDecoder('latin1').decode(head.subarray(start, dataStart));
  const descr = /'descr':\s*'([<>|=])(\w+)'/.exec(header);
  const shapeText = /'shape':\s*\(([^()]*)\)/.exec(header)?.[1];
  if (descr === null || shapeText === undefined)
    return 'the header cannot be read (only plain number arrays are supported)';
  const type = Object.hasOwn(TYPES, descr[2]!) ? TYPES[descr[2]!] : undefined;
  if (type === undefined) return `element type "${descr[2]}" is not supported`;
  if (descr[1] === '>' && type.bytes > 1) return 'big-endian values are not supported';
  if (/'fortran_order':\s*True/.test(header))
    return 'Fortran order is not supported; save it with numpy.ascontiguousarray';

  const shape = shapeText
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')
    .map(Number);

  if (shape.length === 0 || shape.some((dim) => !Number.isSafeInteger(dim) || dim < 0))
    return 'it has no sample axis';
  const values = shape.reduce((product, dim) => product * dim, 1);
  if (dataStart + values * type.bytes > size)
    return `its shape [${shape.join(', ')}] needs more bytes than the file has`;

  return { shape, type: type.name, dataStart, valueBytes: type.bytes };
}

/** The values in some bytes of an array; bytes that have memory to themselves, as those just read, become the values' own. */
export function arrayValues(type: string, bytes: Uint8Array): TensorData {
  const entry = Object.values(TYPES).find(({ name }) => name === type)!;
  const { buffer } = bytes;
  const isWhole = buffer instanceof ArrayBuffer && buffer.byteLength === bytes.byteLength;
  // Else a copy: the memory of a Buffer may be shared, and its `slice` copies nothing.
  return entry.make(isWhole ? buffer : new Uint8Array(bytes).buffer);
}

function parseArray(name: string, size: number, read: ReadAt, configPath: ConfigPath): RowArray {
  const layout = arrayLayout(read(0, Math.min(size, ARRAY_HEAD_BYTES)), size);
  if (typeof layout === 'string')
    return fail('array-invalid', `${name} is not a readable .npy array: ${layout}.`, {
      file: name,
      configPath,
    });

  const { shape, type, dataStart, valueBytes } = layout;
  const rowBytes = shape.slice(1).reduce((product, dim) => product * dim, 1) * valueBytes;

  return {
    shape,
    type,
    rows(from, to) {
      const wanted = (to - from) * rowBytes;
      const bytes = read(dataStart + from * rowBytes, wanted);
      if (bytes.length < wanted)
        fail('array-invalid', `${name} became shorter while it was being read.`, { file: name, configPath });
      return arrayValues(type, bytes);
    },
  };
}
