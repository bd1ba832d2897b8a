import { createHash } from 'node:crypto';
import { readdir, stat } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { fileSha256 } from '@quantsmith/model/files';

/** More bytes or files are not read only to find out whether they are the same. */
const MAX_BYTES = 2 * 1024 ** 3;
const MAX_FILES = 100_000;
/** What runs read of folders; other files in them say nothing. */
const READ = /\.(jpe?g|png|webp|wav|np[yz]|pb|csv|tsv|jsonl?|txt)$/i;

/**
 * A hash of the contents of files and folders and of the names in them, whatever their times: a clone has the same one. null:
 * something is not there or cannot be read, or all is more than 2 GiB or 100,000 files.
 */
export async function dataContent(paths: readonly string[]): Promise<string | null> {
  const hash = createHash('sha256');
  let [bytes, count] = [0, 0];
  for (const [index, path] of paths.entries()) {
    const files = await filesAt(path).catch(() => null);
    if (files === null) return null;
    for (const file of files) {
      const info = await stat(file).catch(() => null);
      if (info?.isFile() !== true) return null;
      [bytes, count] = [bytes + info.size, count + 1];
      if (bytes > MAX_BYTES || count > MAX_FILES) return null;
      const sha256 = await fileSha256(file).catch(() => null);
      if (sha256 === null) return null;
      hash.update(JSON.stringify([index, relative(path, file).split(sep).join('/'), sha256]));
    }
  }

  return hash.digest('hex');
}

/** Changes with the contents of files, and of those in folders, by what the system says of them. */
export async function fileStamps(paths: readonly string[]): Promise<string> {
  const hash = createHash('sha256');
  for (const path of paths) {
    for (const file of await filesAt(path).catch(() => [])) {
      const info = await stat(file, { bigint: true }).catch(() => null);
      const facts = info === null ? [] : [info.size, info.ino, info.mtimeNs, info.ctimeNs];
      hash.update(JSON.stringify([file, ...facts.map(String)]));
    }
  }

  return hash.digest('hex');
}

/** A file, or those below a folder in an order that is the same everywhere. */
async function filesAt(path: string): Promise<string[]> {
  if ((await stat(path)).isFile()) return [path];
  const entries = await readdir(path, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => !entry.isDirectory() && !entry.name.startsWith('.') && READ.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}
