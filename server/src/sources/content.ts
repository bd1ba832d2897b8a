import { dataContent } from '@quantsmith/engine';
import { createHash } from 'node:crypto';
import { withFile } from '@quantsmith/model/files';

/** Larger files are not read to find out whether they changed. */
const MAX_HASHED_BYTES = 2 * 1024 ** 3;

export interface ContentHash {
  readonly sha256: string;
  /** Whether it may be a model with weights in other files, which its own content says nothing of. */
  readonly mayBeExternal: boolean;
}

/** Hashes a regular file piece by piece, so that answers go on meanwhile; null where it is too large. */
export function contentHash(path: string): Promise<ContentHash | null> {
  return withFile(path, async (handle, size) => {
    if (size > MAX_HASHED_BYTES) return null;
    const hash = createHash('sha256');
    let mayBeExternal = false;
    for await (const chunk of handle.createReadStream({ start: 0, autoClose: false })) {
      const bytes = chunk as Buffer;
      hash.update(bytes);
      // The key under which ONNX names such a file.
      mayBeExternal ||= bytes.includes('location');
    }

    return { sha256: hash.digest('hex'), mayBeExternal };
  });
}

/** Hashes data again only when a file of it has another time: gigabytes are not read at every key stroke. */
export function createDataContent(
  changed: (path: string) => Promise<number | null>,
): (paths: readonly string[]) => Promise<string | null> {
  let last: { readonly state: string; readonly hash: Promise<string | null> } | null = null;
  return async (paths) => {
    const times = await Promise.all(paths.map(changed));
    if (times.includes(null)) return null;
    const state = JSON.stringify([paths, times]);
    if (last?.state !== state) last = { state, hash: dataContent(paths) };
    return last.hash;
  };
}
