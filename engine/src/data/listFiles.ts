import { opendir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pseudoFolders } from '@quantsmith/model/files';
import { append, QuantsmithError } from '@quantsmith/schemas';
import { countEntries, type Counted } from './entryLimit.js';

/**
 * The files below a folder whose names are `wanted`, in the byte order of their paths, which is the same on every system. Links are followed; a
 * folder is visited once, by its own path where it has one below `root`, so that circles of links end. What is no regular file
 * (a device, a FIFO) is none, nor is anything of /proc and /sys. Throws what reading `root` throws, and `data-too-large` where `maxEntries` are not enough: `/` is a
 * folder too.
 */
export async function listFiles(
  root: string,
  wanted: (name: string) => boolean,
  counted: Counted = countEntries(root),
): Promise<string[]> {
  const files: string[] = [];
  const seen = new Set<string>();
  const isPseudo = pseudoFolders();
  // Links come after all folders that are there themselves: those keep their own names, which may be classes.
  const folders = [root];
  const linked: string[] = [];
  for (let next = folders.shift(); next !== undefined; next = folders.shift() ?? linked.shift()) {
    const info = await stat(next, { bigint: true }).catch(() => null);
    const identity = `${info?.dev}:${info?.ino}`;
    if (info === null || seen.has(identity) || (await isPseudo(next, info.dev))) continue;
    seen.add(identity);
    const listing = await look(next, wanted, next === root, counted);
    append(files, listing.files);
    append(folders, listing.folders);
    append(linked, listing.linked);
  }

  const bytes = new Map(files.map((path) => [path, Buffer.from(path)]));
  return files.sort((a, b) => Buffer.compare(bytes.get(a)!, bytes.get(b)!));
}

interface Found {
  readonly files: string[];
  readonly folders: string[];
  /** Links that lead to folders. */
  readonly linked: string[];
}

async function look(
  folder: string,
  wanted: (name: string) => boolean,
  isRoot: boolean,
  counted: Counted,
): Promise<Found> {
  const listing: Found = { files: [], folders: [], linked: [] };
  const links: string[] = [];
  try {
    for await (const entry of await opendir(folder, { bufferSize: 1024 })) {
      counted();
      const path = join(folder, entry.name);
      if (entry.isDirectory()) listing.folders.push(path);
      else if (entry.isSymbolicLink()) links.push(path);
      else if (entry.isFile() && wanted(entry.name)) listing.files.push(path);
    }
  } catch (error) {
    // Some folders of /proc open, and then refuse to be read.
    if (isRoot || error instanceof QuantsmithError) throw error;
  }

  await Promise.all(
    links.map(async (path) => {
      const info = await stat(path).catch(() => null);
      if (info?.isDirectory() === true) listing.linked.push(path);
      else if (info?.isFile() === true && wanted(path)) listing.files.push(path);
    }),
  );

  listing.folders.sort();
  listing.linked.sort();

  return listing;
}
