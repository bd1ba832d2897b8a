import { createHash, randomUUID } from 'node:crypto';
import { mkdir, readdir, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readText } from '@quantsmith/model/files';
import { reasonOf, type Problem } from '@quantsmith/schemas';

/** Where results are kept for later runs, and how many bytes of them. */
export interface Cache {
  readonly dir: string;
  readonly maxBytes: number;
}

export const CACHE_BYTES = 256 * 2 ** 20;

/** Entries of another format are never read: the format is part of the key. */
const FORMAT = 2;

/** SHA-256 over everything that a result follows from. Parts are told apart by their lengths. */
export function cacheKey(what: string, parts: readonly (string | Uint8Array)[]): string {
  const hash = createHash('sha256').update(`quantsmith ${what} ${FORMAT}\n`);
  for (const part of parts) hash.update(`${part.length}\n`).update(part);
  return hash.digest('hex');
}

/**
 * What was kept before under the same key, as JSON gives it, or null. What cannot be read, or is not what it should be, counts
 * as absent.
 */
export async function readEntry(cache: Cache, key: string): Promise<unknown> {
  const path = entryPath(cache, key);
  try {
    const content = await readText(path, cache.maxBytes);
    const [sum = '', text = ''] = content.split('\n', 2);
    // Damaged, changed, or of another key.
    if (sum !== checksum(key, text)) return null;
    // The entries that were not used for longest go first.
    await utimes(path, new Date(), new Date()).catch(() => undefined);
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/**
 * Keeps a result for later runs. Entries appear whole, so that runs side by side can share the folder; the oldest ones go when
 * there are too many bytes. Returns what is to be said where the file system refuses.
 */
export async function keepEntry(
  cache: Cache,
  key: string,
  { value, what }: { readonly value: unknown; readonly what: string },
): Promise<Problem[]> {
  const path = entryPath(cache, key);
  const temporary = `${path}.${randomUUID()}.tmp`;
  try {
    await mkdir(cache.dir, { recursive: true });
    const text = JSON.stringify(value);
    await writeFile(temporary, `${checksum(key, text)}\n${text}`);
    await rename(temporary, path);
    await evict(cache);
    return [];
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined);
    const reason = reasonOf(error);
    return [
      {
        code: 'cache-not-written',
        severity: 'info',
        message: `${what} cannot be kept in ${cache.dir} for the next run: ${reason}.`,
        file: cache.dir,
      },
    ];
  }
}

/** Whether a file of the folder is an entry, or on its way to become one: what else lies there is nobody's business here. */
export const isCacheEntry = (name: string) => /^[0-9a-f]{64}\.json(\..*\.tmp)?$/.test(name);

const entryPath = (cache: Cache, key: string) => join(cache.dir, `${key}.json`);

async function evict({ dir, maxBytes }: Cache): Promise<void> {
  const entries = await Promise.all(
    (await readdir(dir)).filter(isCacheEntry).map(async (name) => {
      const path = join(dir, name);
      // Another run may have removed it meanwhile.
      const facts = await stat(path).catch(() => null);
      return facts === null ? [] : [{ path, bytes: facts.size, used: facts.mtimeMs }];
    }),
  );

  let bytes = 0;
  for (const entry of entries.flat().sort((a, b) => b.used - a.used)) {
    bytes += entry.bytes;
    if (bytes > maxBytes) await rm(entry.path, { force: true });
  }
}

/** Covers the key, so that an entry under another name is no entry. */
const checksum = (key: string, text: string) =>
  createHash('sha256').update(`${key}\n`).update(text).digest('hex');
