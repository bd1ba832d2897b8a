import type { FolderEntry, WantedListing } from '@quantsmith/service';
import { resolve } from 'node:path';
import type { Sources } from './sources.js';

/** Folders near a config that are looked into, and those in a folder that is being typed in. */
const MAX_FOLDERS = 100;
const MAX_INSIDE = 24;
/** Entries of the folder that is being typed in: of a folder of images, what fits may come last. */
const MAX_ENTRIES = 20_000;

/** The entries of folders that a completion offers. */
export async function listingsFor(
  sources: Pick<Sources, 'entries'>,
  wanted: WantedListing | null,
): Promise<ReadonlyMap<string, readonly FolderEntry[]>> {
  if (wanted === null) return new Map();
  const { folder, near } = wanted;
  const first = near ? [folder, resolve(folder, 'data')] : [folder];
  const listings = await listAll(sources, first, MAX_ENTRIES);
  const below = [...listings].flatMap(([parent, entries]) =>
    entries.filter(({ kind }) => kind === 'folder').map(({ name }) => resolve(parent, name)),
  );

  return new Map([...listings, ...(await listAll(sources, below.slice(0, near ? MAX_FOLDERS : MAX_INSIDE)))]);
}

async function listAll(
  sources: Pick<Sources, 'entries'>,
  folders: readonly string[],
  maxEntries?: number,
): Promise<Map<string, readonly FolderEntry[]>> {
  const listed = await Promise.all(
    folders.map(async (folder) => [folder, (await sources.entries(folder, maxEntries)) ?? []] as const),
  );

  return new Map(listed);
}
