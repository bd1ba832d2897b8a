import { createHash, randomUUID } from 'node:crypto';
import { mkdir, readdir, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readText } from '@quantsmith/model/files';
import type { Collected } from './collect.js';

/** Where statistics are kept, and how many bytes of them. */
export interface StatisticsCache {
  readonly dir: string;
  readonly maxBytes: number;
}

export const CACHE_BYTES = 256 * 2 ** 20;

/** Entries of another format are never read: the format is part of the key. */
const FORMAT = 2;

/** SHA-256 over everything that the statistics follow from. Parts are told apart by their lengths. */
export function cacheKey(parts: readonly (string | Uint8Array)[]): string {
  const hash = createHash('sha256').update(`quantsmith statistics ${FORMAT}\n`);
  for (const part of parts) hash.update(`${part.length}\n`).update(part);
  return hash.digest('hex');
}

/**
 * What was collected before under the same key, or null. What cannot be read, or is not what it should be, counts as
 * absent.
 */
export async function readStatistics(cache: StatisticsCache, key: string): Promise<Collected | null> {
  const path = entryPath(cache, key);
  try {
    const collected = decode(key, await readText(path, cache.maxBytes));
    // The entries that were not used for longest go first.
    if (collected !== null) await utimes(path, new Date(), new Date()).catch(() => undefined);
    return collected;
  } catch {
    return null;
  }
}

/**
 * Keeps what was collected, for later runs. Entries appear whole, so that runs side by side can share the folder; the
 * oldest ones go when there are too many bytes. Throws what the file system throws: the caller decides what it means.
 */
export async function keepStatistics(
  cache: StatisticsCache,
  key: string,
  collected: Collected,
): Promise<void> {
  await mkdir(cache.dir, { recursive: true });
  const path = entryPath(cache, key);
  const temporary = `${path}.${randomUUID()}.tmp`;
  try {
    const text = JSON.stringify(encode(collected));
    await writeFile(temporary, `${checksum(key, text)}\n${text}`);
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }

  await evict(cache);
}

/** Whether a file of the folder is an entry, or on its way to become one: what else lies there is nobody's business here. */
export const isCacheEntry = (name: string) => /^[0-9a-f]{64}\.json(\..*\.tmp)?$/.test(name);

const entryPath = (cache: StatisticsCache, key: string) => join(cache.dir, `${key}.json`);

async function evict({ dir, maxBytes }: StatisticsCache): Promise<void> {
  const entries = await Promise.all(
    (await readdir(dir)).filter(isCacheEntry).map(async (name) => {
      const path = join(dir, name);
      // Another run may have removed it meanwhile.
      const entry = await stat(path).catch(() => null);
      return entry === null ? [] : [{ path, bytes: entry.size, used: entry.mtimeMs }];
    }),
  );

  let bytes = 0;
  for (const entry of entries.flat().sort((a, b) => b.used - a.used)) {
    bytes += entry.bytes;
    if (bytes > maxBytes) await rm(entry.path, { force: true });
  }
}

interface Entry {
  readonly samples: number;
  readonly ranges: readonly (readonly [id: string, min: readonly number[], max: readonly number[]])[];
  readonly channelMeans: readonly (readonly [tensor: string, means: readonly number[]])[];
}

/** Numbers survive JSON to the last bit: it writes the shortest text that reads as the same double. */
function encode({ samples, ranges, channelMeans }: Collected): Entry {
  return {
    samples,
    ranges: [...ranges].map(([id, { min, max }]) => [id, [...min], [...max]]),
    channelMeans: [...channelMeans].map(([tensor, means]) => [tensor, [...means]]),
  };
}

/** Covers the key, so that an entry under another name is no entry. */
const checksum = (key: string, text: string) =>
  createHash('sha256').update(`${key}\n`).update(text).digest('hex');

/** null: the entry is damaged, was changed, or belongs to another key. */
function decode(key: string, content: string): Collected | null {
  const [sum = '', text = ''] = content.split('\n', 2);
  if (sum !== checksum(key, text)) return null;
  const value: unknown = JSON.parse(text);
  if (!isEntry(value)) return null;

  return {
    samples: value.samples,
    ranges: new Map(
      value.ranges.map(([id, min, max]) => [
        id,
        { min: Float32Array.from(min), max: Float32Array.from(max) },
      ]),
    ),
    channelMeans: new Map(value.channelMeans.map(([tensor, means]) => [tensor, Float64Array.from(means)])),
  };
}

function isEntry(value: unknown): value is Entry {
  const { samples, ranges, channelMeans } = (value ?? {}) as Partial<Record<keyof Entry, unknown>>;
  const numbers = (list: unknown) => Array.isArray(list) && list.every((item) => typeof item === 'number');
  const rows = (list: unknown, vectors: number) =>
    Array.isArray(list) &&
    list.every(
      (row: unknown) =>
        Array.isArray(row) &&
        row.length === vectors + 1 &&
        typeof row[0] === 'string' &&
        row.slice(1).every(numbers),
    );

  return typeof samples === 'number' && rows(ranges, 2) && rows(channelMeans, 1);
}
