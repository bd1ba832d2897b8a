import { append } from '@quantsmith/schemas';
import { opendir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { lookAt } from '../sources/look.js';

/** A folder below the one that was looked through; `path` is relative to it, with `/`, '' for itself. */
export interface FoundFolder {
  readonly path: string;
  readonly files: readonly string[];
  readonly folders: readonly string[];
}

const MAX_DEPTH = 4;
/** Entries that are read of one folder, and of all. */
const MAX_OF_FOLDER = 20_000;
const MAX_ENTRIES = 100_000;
const SKIPPED = /^(\.|node_modules$|__pycache__$|__MACOSX$)/;

/** The files of a folder and of those below it, within bounds, in the order of their names; nothing is opened. */
export async function treeOf(root: string): Promise<FoundFolder[]> {
  const folders: FoundFolder[] = [];
  const queue = [{ path: '', depth: 0 }];
  const seen = new Set<string>();
  let remaining = MAX_ENTRIES;
  for (const { path, depth } of queue) {
    // Links are followed, each folder once, so that circles of links end.
    const info = await stat(join(root, path), { bigint: true }).catch(() => null);
    const identity = `${info?.dev}:${info?.ino}`;
    if (remaining <= 0 || info === null || seen.has(identity)) continue;
    seen.add(identity);
    const folder = await entriesOf(join(root, path), Math.min(remaining, MAX_OF_FOLDER));
    remaining -= folder.files.length + folder.folders.length;
    folders.push({ path, ...folder });
    if (depth === MAX_DEPTH) continue;
    const below = folder.folders.map((name) => (path === '' ? name : `${path}/${name}`));
    append(
      queue,
      below.map((folder) => ({ path: folder, depth: depth + 1 })),
    );
  }

  return folders;
}

async function entriesOf(dir: string, maxEntries: number): Promise<Omit<FoundFolder, 'path'>> {
  const [files, folders]: [string[], string[]] = [[], []];
  try {
    for await (const entry of await opendir(dir, { bufferSize: 256 })) {
      if (SKIPPED.test(entry.name)) continue;
      if (files.length + folders.length >= maxEntries) break;
      const kind = entry.isSymbolicLink()
        ? await lookAt(join(dir, entry.name))
        : entry.isDirectory()
          ? 'folder'
          : 'file';

      if (kind === 'folder') folders.push(entry.name);
      else if (kind === 'file') files.push(entry.name);
    }
  } catch {
    // What cannot be read holds no data.
  }

  return { files: files.sort(), folders: folders.sort() };
}

/** The files of a tree whose names fit, with their paths. */
export const filesIn = (tree: readonly FoundFolder[], pattern: RegExp): string[] =>
  tree.flatMap(({ path, files }) =>
    files.filter((name) => pattern.test(name)).map((name) => (path === '' ? name : `${path}/${name}`)),
  );
