import type { EntryKind, FolderEntry } from '@quantsmith/service';
import { bytesOf, withFile } from '@quantsmith/model/files';
import { opendir, stat } from 'node:fs/promises';
import { join } from 'node:path';

// Looking at files that anybody may have made: only regular ones are opened, and every look has a bound.

/** What a path leads to. Never throws. */
export async function lookAt(path: string): Promise<EntryKind> {
  try {
    const info = await stat(path);
    return info.isFile() ? 'file' : info.isDirectory() ? 'folder' : 'other';
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : null;
    // What no path can be is not there either: a null character, a name that is too long, a file as a folder.
    const impossible = /^(ENOENT|ENOTDIR|ENAMETOOLONG|ELOOP|EINVAL|ERR_INVALID_ARG_VALUE)$/;
    return impossible.test(String(code)) ? 'missing' : 'unknown';
  }
}

/** The first entries of a folder, by name, hidden ones left out; links are what they lead to. null: it cannot be read. */
export async function entriesOf(folder: string, maxEntries: number): Promise<FolderEntry[] | null> {
  try {
    const entries: FolderEntry[] = [];
    for await (const entry of await opendir(folder, { bufferSize: 256 })) {
      if (entry.name.startsWith('.')) continue;
      const kind = entry.isFile()
        ? 'file'
        : entry.isDirectory()
          ? 'folder'
          : entry.isSymbolicLink()
            ? await lookAt(join(folder, entry.name))
            : 'other';

      entries.push({ name: entry.name, kind, ...(entry.isSymbolicLink() ? { isLink: true } : {}) });
      if (entries.length >= maxEntries) break;
    }

    return entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  } catch {
    return null;
  }
}

/** A whole text file; null when it is larger than `maxBytes`. Throws where it cannot be read. */
export async function textOf(path: string, maxBytes: number): Promise<string | null> {
  return withFile(path, async (handle, size) =>
    size > maxBytes ? null : new TextDecoder().decode(await bytesOf(handle, 0, size)),
  );
}
