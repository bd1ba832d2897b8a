import { ElementType } from './elementTypes.js';
import { fromBinary } from '@bufbuild/protobuf';
import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { fileSha256, hashFile, sha256 } from '../files/hash.js';
import { bytesOf, whyUnreadable, withFile } from '../files/regular.js';
import { fail, reasonOf } from '@quantsmith/schemas';
import { subgraphs } from './node.js';
import { hasGraph, type ModelProto } from './model.js';
import { ModelProtoSchema, type GraphProto, type TensorProto } from './onnx_pb.js';
import { elementBytes, elementCount, externalReference, isExternal, missingData } from './tensor.js';

export interface LoadedModel {
  readonly model: ModelProto;
  /** Absolute path. */
  readonly path: string;
  /** Folder that external data is relative to. */
  readonly dir: string;
  /** Bytes of the model file and of its external data files. */
  readonly fileBytes: number;
  /** Absolute paths of the external data files, in the order of first use. */
  readonly externalFiles: readonly string[];
  /** SHA-256 of the model file's bytes as they were read. */
  readonly sha256: string;
  /** What tells each external file from a later version of it: its size, inode and times. */
  readonly externalStamps: readonly string[];
}

const TWO_GIB = 2 ** 31;

/**
 * Reads an ONNX file. External tensors stay references until they are read. Throws `model-not-found`,
 * `model-not-onnx`, `model-truncated`, `model-too-large`, `tensor-size-mismatch` or an `external-data-*` problem.
 */
export async function readModel(path: string): Promise<LoadedModel> {
  const file = resolve(path);
  const bytes = await readBytes(file);
  const model = decodeModel(bytes, file);
  const dir = dirname(file);
  const sizes = new Map<string, number>();
  for (const tensor of allTensors(model.graph)) {
    checkTensor(tensor, file);
    if (!isExternal(tensor)) continue;
    const { file: data, offset, length } = externalReference(tensor, dir);
    if (!sizes.has(data)) sizes.set(data, await externalSize(data, tensor.name));
    const needed = offset + (length ?? tensorBytes(tensor));
    const available = sizes.get(data)!;
    if (needed > available) {
      fail(
        'external-data-truncated',
        `"${data}" has ${available} bytes, but tensor "${tensor.name}" of ${file} needs ${needed}.`,
        { file: data, data: { tensor: tensor.name } },
      );
    }
  }

  const external = [...sizes.values()].reduce((sum, size) => sum + size, 0);
  const externalFiles = [...sizes.keys()];

  return {
    model,
    path: file,
    dir,
    fileBytes: bytes.byteLength + external,
    externalFiles,
    sha256: sha256(bytes),
    externalStamps: await Promise.all(externalFiles.map(stampOf)),
  };
}

/**
 * SHA-256 of a model as it was read: that of its file; with external data, that over the file's hash and the bytes of the
 * data files, in order.
 */
export async function modelSha256({ sha256, externalFiles }: LoadedModel): Promise<string> {
  if (externalFiles.length === 0) return sha256;
  const hash = createHash('sha256').update(sha256);
  for (const file of externalFiles)
    await hashFile(hash, file).catch((error: unknown) => {
      if (!(error instanceof Error && 'code' in error)) throw error;
      unreadableModel(file, error);
    });

  return hash.digest('hex');
}

/** The files of a model that are not any more what they were when it was read. */
export async function changedFiles(loaded: LoadedModel): Promise<string[]> {
  const now = await fileSha256(loaded.path).catch(() => null);
  const stamps = await Promise.all(loaded.externalFiles.map(stampOf));
  const external = loaded.externalFiles.filter((_, index) => stamps[index] !== loaded.externalStamps[index]);
  return [...(now === loaded.sha256 ? [] : [loaded.path]), ...external];
}

async function stampOf(file: string): Promise<string> {
  const info = await stat(file, { bigint: true }).catch(() => null);
  return info === null ? '' : `${info.size}:${info.ino}:${info.mtimeNs}:${info.ctimeNs}`;
}

async function readBytes(file: string): Promise<Uint8Array> {
  try {
    return await withFile(file, (handle, size) => {
      if (size >= TWO_GIB) {
        fail(
          'model-too-large',
          `${file} is ${size} bytes; an ONNX file above 2 GB has to keep its weights as external data.`,
          { file },
        );
      }

      return bytesOf(handle, 0, size);
    });
  } catch (error) {
    if (!(error instanceof Error && 'code' in error)) throw error;
    return unreadableModel(file, error);
  }
}

/** The bytes of a file of external data, which is opened already here: a run must not end in the middle for it. */
function externalSize(file: string, tensor: string): Promise<number> {
  return withFile(file, (_, size) => Promise.resolve(size)).catch((error: unknown) =>
    missingData(tensor, file, whyUnreadable(error)),
  );
}

/** Throws `model-not-found` or `model-not-readable`. */
export function unreadableModel(file: string, error: unknown): never {
  const why = whyUnreadable(error);
  const code = why === 'does not exist' ? 'model-not-found' : 'model-not-readable';
  return fail(code, `The model file ${file} ${why}.`, { file });
}

function decodeModel(bytes: Uint8Array, file: string): ModelProto {
  if (bytes.byteLength === 0) fail('model-not-onnx', `${file} is empty.`, { file });
  let model;
  try {
    model = fromBinary(ModelProtoSchema, bytes);
  } catch (error) {
    // Field 1 (ir_version) as a varint is how every ONNX file begins.
    const reason = reasonOf(error);
    if (bytes[0] === 0x08) {
      return fail(
        'model-truncated',
        `${file} starts like an ONNX model but is truncated or damaged (${reason}).`,
        { file },
      );
    }

    return fail('model-not-onnx', `${file} is not an ONNX model.`, { file });
  }

  if (!hasGraph(model) || model.opsetImport.length === 0 || model.irVersion === 0n) {
    return fail('model-not-onnx', `${file} is not an ONNX model: it has no graph or names no operator set.`, {
      file,
    });
  }

  return model;
}

function* allTensors(graph: GraphProto): Generator<TensorProto> {
  yield* graph.initializer;
  for (const node of graph.node) {
    for (const attribute of node.attribute) {
      if (attribute.t !== undefined) yield attribute.t;
      yield* attribute.tensors;
    }

    for (const inner of subgraphs(node)) yield* allTensors(inner);
  }
}

const tensorBytes = (tensor: TensorProto) =>
  Math.ceil(elementCount(tensor.dims) * elementBytes(tensor.dataType));

function checkTensor(tensor: TensorProto, file: string): void {
  const count = elementCount(tensor.dims);
  const shape = `[${tensor.dims.join(', ')}]`;
  if (tensor.dims.some((dim) => dim < 0n) || !Number.isSafeInteger(count)) {
    fail('tensor-size-mismatch', `Tensor "${tensor.name}" of ${file} has the impossible shape ${shape}.`, {
      file,
    });
  }

  const typed =
    tensor.floatData.length +
    tensor.int32Data.length +
    tensor.int64Data.length +
    tensor.doubleData.length +
    tensor.uint64Data.length;

  if (isExternal(tensor) || tensor.dataType === ElementType.STRING || elementBytes(tensor.dataType) < 1)
    return;
  const wrong =
    tensor.rawData.length > 0
      ? tensor.rawData.length !== tensorBytes(tensor)
      : typed !== count && tensor.dataType < 14;

  if (wrong) {
    fail(
      'tensor-size-mismatch',
      `Tensor "${tensor.name}" of ${file} claims the shape ${shape} but holds ${tensor.rawData.length > 0 ? `${tensor.rawData.length} bytes` : `${typed} values`}.`,
      { file, data: { tensor: tensor.name } },
    );
  }
}
