import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** What lies in a folder. */
export interface FolderEntry {
  readonly name: string;
  readonly isFolder: boolean;
}

/** The first entries of a folder that are not hidden; links are what they lead to. Nothing where it cannot be read. */
export function entriesIn(folder: string, most: number): FolderEntry[] {
  try {
    return readdirSync(folder, { withFileTypes: true })
      .filter((entry) => !entry.name.startsWith('.'))
      .slice(0, most)
      .map((entry) => ({
        name: entry.name,
        isFolder: entry.isSymbolicLink()
          ? statSync(join(folder, entry.name), { throwIfNoEntry: false })?.isDirectory() === true
          : entry.isDirectory(),
      }));
  } catch {
    return [];
  }
}
