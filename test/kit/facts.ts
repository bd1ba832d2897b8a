import { dirname, join } from 'node:path';
import { NO_FACTS, type EntryKind, type FileFacts, type FolderEntry } from '../../service/src/facts/facts.js';

/** The listings of all folders of a made-up tree of files below `root`. */
export function listingsOf(root: string, files: readonly string[]): Map<string, FolderEntry[]> {
  const listings = new Map<string, FolderEntry[]>();
  const add = (path: string, kind: EntryKind) => {
    const folder = dirname(path);
    const entries = listings.get(folder) ?? [];
    const name = path.slice(folder.length + 1);
    if (entries.some((entry) => entry.name === name)) return;
    listings.set(folder, [...entries, { name, kind }]);
    if (folder !== root) add(folder, 'folder');
  };

  for (const file of files) add(join(root, file), 'file');
  return listings;
}

/** Facts of which some are given. */
export const facts = (given: Partial<FileFacts>): FileFacts => ({ ...NO_FACTS, ...given });
