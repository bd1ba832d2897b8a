import { create } from '@bufbuild/protobuf';
import { basename } from 'node:path';
import { fail } from '@quantsmith/schemas';
import { fileSha256 } from '../files/hash.js';
import { systemReason } from '../files/regular.js';
import { writeAt, writeSynced } from '../files/write.js';
import type { ModelProto } from './model.js';
import { StringStringEntryProtoSchema, TensorProto_DataLocation, type TensorProto } from './onnx_pb.js';
import { encodeModel, streamModel } from './encode.js';
import { elementBytes, elementCount, isExternal, rawBytes } from './tensor.js';

export interface WriteOptions {
  /** Folder of the external data that the model refers to. */
  readonly sourceDir: string;
  /** Whether weights go into a data file; auto: when they would not fit into one file. */
  readonly externalData: 'auto' | boolean;
  /** Where external data goes, and the name by which the model refers to it; default: `<path>.data` beside the model. */
  readonly data?: { readonly path: string; readonly nameFor: (sha256: string) => string };
}

export interface WrittenModel {
  /** Of the model file and its data file together. */
  readonly bytes: number;
  /** Of the model file. */
  readonly sha256: string;
  /** The name by which the model refers to its data file; null: it has none. */
  readonly dataName: string | null;
}

/** Weights above this total cannot be inside the file (protobuf ends at 2 GiB). */
const EXTERNAL_LIMIT = 1.9e9;
/** Small tensors stay in the file. */
const EXTERNAL_MINIMUM = 1024;

/**
 * Writes a model, and its weights beside it where they are external, and waits until both are on disk. Files appear as
 * they are written: who needs them to appear whole writes them elsewhere and renames them. Throws `write-failed`.
 */
export async function writeModel(
  model: ModelProto,
  path: string,
  options: WriteOptions,
): Promise<WrittenModel> {
  const isExternalData =
    options.externalData === 'auto' ? weightBytes(model) > EXTERNAL_LIMIT : options.externalData;
  const { path: dataPath, nameFor } = options.data ?? {
    path: `${path}.data`,
    nameFor: () => `${basename(path)}.data`,
  };

  try {
    const data = isExternalData
      ? await writeExternal(model, { path: dataPath, nameFor, sourceDir: options.sourceDir })
      : null;

    let modelBytes = 0;
    await writeSynced(path, async (handle) => {
      // Tensors that were just given a place outside stay references.
      if (data !== null) await handle.writeFile(encodeModel(data.model));
      else await streamModel(model, handle, options.sourceDir);
      modelBytes = (await handle.stat()).size;
    });
    return {
      bytes: modelBytes + (data?.bytes ?? 0),
      sha256: await fileSha256(path),
      dataName: data?.name ?? null,
    };
  } catch (error) {
    if (!(error instanceof Error && 'code' in error)) throw error;
    return fail('write-failed', `${path} cannot be written: ${systemReason(error)}.`, {
      file: path,
      data: { reason: systemReason(error) },
    });
  }
}

const sizeOf = (tensor: TensorProto) => Math.ceil(elementCount(tensor.dims) * elementBytes(tensor.dataType));

/** The bytes of all initializers, in the file or beside it. */
export function weightBytes(model: ModelProto): number {
  return model.graph.initializer.reduce((sum, tensor) => sum + sizeOf(tensor), 0);
}

/** A tensor whose values, wherever they lie, are in the file. */
function inlined(tensor: TensorProto, sourceDir: string): TensorProto {
  if (!isExternal(tensor)) return tensor;
  const rawData = rawBytes(tensor, sourceDir);
  return { ...tensor, rawData, externalData: [], dataLocation: TensorProto_DataLocation.DEFAULT };
}

interface ExternalTarget {
  readonly path: string;
  readonly nameFor: (sha256: string) => string;
  readonly sourceDir: string;
}

/**
 * Streams the weights into a data file, one tensor in memory at a time, each at a multiple of 4096 bytes. The file's name
 * may follow from its content, so that references to it are made last.
 */
async function writeExternal(
  model: ModelProto,
  { path, nameFor, sourceDir }: ExternalTarget,
): Promise<{ model: ModelProto; bytes: number; name: string }> {
  const graph = model.graph;
  let end = 0;
  const initializer: TensorProto[] = [];
  const placed: { index: number; offset: number; length: number }[] = [];
  await writeSynced(path, async (handle) => {
    for (const [index, tensor] of graph.initializer.entries()) {
      if (sizeOf(tensor) < EXTERNAL_MINIMUM) {
        initializer.push(inlined(tensor, sourceDir));
        continue;
      }

      const bytes = rawBytes(tensor, sourceDir);
      const offset = Math.ceil(end / 4096) * 4096;
      await writeAt(handle, bytes, offset);

      initializer.push(tensor);
      placed.push({ index, offset, length: bytes.byteLength });
      end = offset + bytes.byteLength;
    }
  });

  const name = nameFor(await fileSha256(path));
  for (const { index, offset, length } of placed)
    initializer[index] = reference(initializer[index]!, name, offset, length);

  return { model: { ...model, graph: { ...graph, initializer } }, bytes: end, name };
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
