import { tensorFolder } from '@quantsmith/engine';
import type { TensorFacts } from '@quantsmith/service';

/** Folders of more sets, and tensor files of more bytes, are not looked into. */
const MAX_FOLDERS = 20_000;
const MAX_BYTES = 4 * 1024 ** 2;

/** The ONNX test data in a folder, by the engine's reader; null: not known. */
export async function readTensorFolder(path: string): Promise<TensorFacts | null> {
  const folder = await tensorFolder(path, { maxFolders: MAX_FOLDERS, maxBytes: MAX_BYTES }).catch(() => null);
  if (folder === null) return null;
  const { names, first, problem } = folder;
  return {
    names,
    problem,
    first: first?.map(({ name, type, dims }) => ({ name, header: { type, shape: dims } })) ?? null,
  };
}
