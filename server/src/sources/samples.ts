import { readArrayFile } from '@quantsmith/model/arrays';
import { readdir, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { isMapping } from '@quantsmith/service';

const IMAGE = /\.(jpe?g|png|webp)$/i;
/** Folders with more entries are not counted. */
const MOST_ENTRIES = 20_000;

/** Counts the samples of a data section; null for loaders, .npz files and whatever cannot be read. */
export async function countSamples(section: unknown, baseDir: string): Promise<number | null> {
  if (!isMapping(section)) return null;
  const { images, arrays, tensors, limit } = section;
  const found =
    typeof images === 'string'
      ? await countImages(resolve(baseDir, images))
      : typeof arrays === 'string'
        ? countRows(resolve(baseDir, arrays))
        : typeof tensors === 'string'
          ? await countSets(resolve(baseDir, tensors))
          : null;
  return found === null || typeof limit !== 'number' ? found : Math.min(found, limit);
}

async function countImages(path: string): Promise<number | null> {
  const info = await stat(path).catch(() => null);
  if (info === null) return null;
  if (!info.isDirectory()) return 1;
  const names = await readdir(path, { recursive: true }).catch(() => []);
  return names.length > MOST_ENTRIES ? null : positive(names.filter((name) => IMAGE.test(name)).length);
}

async function countSets(path: string): Promise<number | null> {
  const names = await readdir(path).catch(() => []);
  return positive(names.filter((name) => /^test_data_set_\d+$/.test(name)).length);
}

function countRows(path: string): number | null {
  if (!/\.npy$/i.test(path)) return null;
  try {
    return readArrayFile(path, []).shape[0] ?? null;
  } catch {
    return null;
  }
}

/** No samples at all is another problem. */
const positive = (count: number) => (count === 0 ? null : count);
