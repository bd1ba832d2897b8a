import { create, toBinary } from '@bufbuild/protobuf';
import { access, open, rename, rm, type FileHandle } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { fail } from '@quantsmith/schemas';
import {
  ModelProtoSchema,
  StringStringEntryProtoSchema,
  TensorProto_DataLocation,
  type ModelProto,
  type TensorProto,
} from './onnx_pb.js';
import { streamModel } from './stream.js';
import { elementBytes, elementCount, isExternal, rawBytes } from './tensor.js';

/** The model as the bytes of an ONNX file. */
export function encodeModel(model: ModelProto): Uint8Array {
  return toBinary(ModelProtoSchema, model);
}

export interface WriteOptions {
  /** Folder of the external data that the model refers to. */
  readonly sourceDir: string;
  /** Whether weights go into a file `<name>.data` beside the model; auto: when they would not fit into one file. */
  readonly externalData: 'auto' | boolean;
  /** Told of every file before it is made and after it is gone or in place. */
  readonly onTemporary?: (path: string, exists: boolean) => void;
}

/** Weights above this total cannot be inside the file (protobuf ends at 2 GiB). */
const EXTERNAL_LIMIT = 1.9e9;
/** Small tensors stay in the file. */
const EXTERNAL_MINIMUM = 1024;

/**
 * Writes a model whole or not at all: beside its place, synced, renamed. With external data the data file appears
 * before the model that refers to it. Returns the bytes written. Throws `write-failed`.
 */
export async function writeModel(model: ModelProto, path: string, options: WriteOptions): Promise<number> {
  const external =
    options.externalData === 'auto' ? weightBytes(model) > EXTERNAL_LIMIT : options.externalData;
  const pending: { temporary: string; final: string }[] = [];
  const begin = (final: string) => {
    const temporary = `${final}.${process.pid}.tmp`;
    options.onTemporary?.(temporary, true);
    pending.push({ temporary, final });
    return temporary;
  };
  try {
    let written = 0;
    let rest = model;
    if (external) {
      const dataPath = `${path}.data`;
      const result = await writeExternal(model, begin(dataPath), basename(dataPath), options.sourceDir);
      rest = result.model;
      written += result.bytes;
    }
    await writeWhole(begin(path), async (handle) => {
      // Tensors that were just given a place outside stay references.
      if (external) await handle.writeFile(encodeModel(rest));
      else await streamModel(rest, handle, options.sourceDir);
      written += (await handle.stat()).size;
    });
    await putInPlace(pending);
    await syncFolder(dirname(path));
    return written;
  } catch (error) {
    await Promise.all(pending.map(({ temporary }) => rm(temporary, { force: true })));
    if (!(error instanceof Error && 'code' in error)) throw error;
    return fail('write-failed', `${path} cannot be written: ${error.message}.`, { file: path });
  } finally {
    for (const { temporary } of pending) options.onTemporary?.(temporary, false);
  }
}

/** Renames all files or none: what was new is taken away again when a later one fails. */
async function putInPlace(files: readonly { temporary: string; final: string }[]): Promise<void> {
  const placed: string[] = [];
  try {
    for (const { temporary, final } of files) {
      const isNew = await access(final).then(
        () => false,
        () => true,
      );
      await rename(temporary, final);
      if (isNew) placed.push(final);
    }
  } catch (error) {
    await Promise.all(placed.map((file) => rm(file, { force: true })));
    throw error;
  }
}

/** Writes a text file whole or not at all. */
export async function writeText(path: string, text: string): Promise<void> {
  const temporary = `${path}.${process.pid}.tmp`;
  try {
    await writeWhole(temporary, async (handle) => void (await handle.writeFile(text)));
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    const reason = error instanceof Error ? error.message : String(error);
    fail('write-failed', `${path} cannot be written: ${reason}.`, { file: path });
  }
}

async function writeWhole(path: string, body: (handle: FileHandle) => Promise<void>): Promise<void> {
  const handle = await open(path, 'w');
  try {
    await body(handle);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function syncFolder(dir: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await open(dir, 'r');
  await handle.sync().catch(() => undefined);
  await handle.close();
}

const sizeOf = (tensor: TensorProto) => Math.ceil(elementCount(tensor.dims) * elementBytes(tensor.dataType));

/** The bytes of all initializers, in the file or beside it. */
export function weightBytes(model: ModelProto): number {
  return model.graph!.initializer.reduce((sum, tensor) => sum + sizeOf(tensor), 0);
}

/** A tensor whose values, wherever they lie, are in the file. */
function inlined(tensor: TensorProto, sourceDir: string): TensorProto {
  if (!isExternal(tensor)) return tensor;
  const rawData = rawBytes(tensor, sourceDir);
  return { ...tensor, rawData, externalData: [], dataLocation: TensorProto_DataLocation.DEFAULT };
}

/** Streams the weights into a data file, one tensor in memory at a time, each at a multiple of 4096 bytes. */
async function writeExternal(
  model: ModelProto,
  path: string,
  location: string,
  sourceDir: string,
): Promise<{ model: ModelProto; bytes: number }> {
  const graph = model.graph!;
  let offset = 0;
  const initializer: TensorProto[] = [];
  await writeWhole(path, async (handle) => {
    for (const tensor of graph.initializer) {
      if (sizeOf(tensor) < EXTERNAL_MINIMUM) {
        initializer.push(inlined(tensor, sourceDir));
        continue;
      }
      const bytes = rawBytes(tensor, sourceDir);
      offset = Math.ceil(offset / 4096) * 4096;
      for (let done = 0; done < bytes.byteLength;) {
        const { bytesWritten } = await handle.write(
          bytes,
          done,
          Math.min(bytes.byteLength - done, 1 << 30),
          offset + done,
        );
        done += bytesWritten;
      }
      initializer.push(reference(tensor, location, offset, bytes.byteLength));
      offset += bytes.byteLength;
    }
  });
  return { model: { ...model, graph: { ...graph, initializer } }, bytes: offset };
}

function reference(tensor: TensorProto, location: string, offset: number, length: number): TensorProto {
  const entry = (key: string, value: string) => create(StringStringEntryProtoSchema, { key, value });
  return {
    ...tensor,
    rawData: new Uint8Array(0),
    floatData: [],
    int32Data: [],
    int64Data: [],
    doubleData: [],
    uint64Data: [],
    dataLocation: TensorProto_DataLocation.EXTERNAL,
    externalData: [
      entry('location', location),
      entry('offset', String(offset)),
      entry('length', String(length)),
    ],
  };
}
