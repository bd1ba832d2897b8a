import { dirname, join, resolve } from 'node:path';
import { type ConfigDocument, effectiveValue, inherit, isConfigName, isMapping } from '@quantsmith/service';
import type { Sources } from '../sources/sources.js';

const SKIPPED = /^(node_modules|__pycache__)$/;
/** Where the search ends in huge folders. */
const MAX_CONFIGS = 1000;
const MAX_FOLDERS = 5000;
const MAX_ENTRIES = 20_000;
/** Milliseconds for which a listing holds, unless files are known to have changed. */
const LISTING_MS = 30_000;

/** A config of the workspace, and the model that it is about. */
export interface WorkspaceConfig {
  readonly file: string;
  readonly document: ConfigDocument;
  /** Absolute; null where none is named. */
  readonly model: string | null;
}

/** The folders that the client works in, and the configs in them. */
export interface Workspace {
  readonly setFolders: (folders: readonly string[]) => void;
  readonly changeFolders: (added: readonly string[], removed: readonly string[]) => void;
  /** Files have come or gone. */
  readonly forget: () => void;
  /** All configs, those outside of the folders that are open too. `isCancelled` ends the search early. */
  readonly configs: (open: readonly string[], isCancelled: () => boolean) => Promise<WorkspaceConfig[]>;
}

export function createWorkspace(sources: Sources): Workspace {
  let folders: readonly string[] = [];
  let listing: { key: string; time: number; files: Promise<string[]> } | null = null;
  /** A client without folders works where its open configs lie. */
  const files = (open: readonly string[]) => {
    const roots = folders.length > 0 ? folders : [...new Set(open.map((file) => dirname(file)))];
    const key = roots.join('\n');
    if (listing === null || listing.key !== key || Date.now() - listing.time > LISTING_MS)
      listing = { key, time: Date.now(), files: findConfigs(roots, sources) };
    return listing.files;
  };

  const setFolders = (roots: readonly string[]) => {
    folders = [...new Set(roots)];
    listing = null;
  };

  return {
    setFolders,
    changeFolders: (added, removed) =>
      setFolders([...folders.filter((folder) => !removed.includes(folder)), ...added]),
    forget: () => void (listing = null),
    async configs(open, isCancelled) {
      const configs: WorkspaceConfig[] = [];
      for (const file of new Set([...open, ...(await files(open))])) {
        if (isCancelled()) break;
        const document = await sources.config(file);
        if (document !== null)
          configs.push({ file, document, model: await modelOf(document, file, sources) });
      }

      return configs;
    },
  };
}

async function modelOf(document: ConfigDocument, file: string, sources: Sources): Promise<string | null> {
  const value = effectiveValue(document, await inherit(document, file, sources.config));
  const model = isMapping(value) ? value['model'] : null;
  return typeof model === 'string' && model !== '' ? resolve(dirname(file), model) : null;
}

/** The configs below some folders, level by level. */
async function findConfigs(folders: readonly string[], sources: Sources): Promise<string[]> {
  const files = new Set<string>();
  const queue = [...folders];
  for (const [visited, folder] of queue.entries()) {
    if (visited >= MAX_FOLDERS) break;
    for (const { name, kind, isLink } of (await sources.entries(folder, MAX_ENTRIES)) ?? []) {
      if (kind === 'folder' && !isLink && !SKIPPED.test(name)) queue.push(join(folder, name));
      else if (kind === 'file' && isConfigName(name)) files.add(join(folder, name));
      if (files.size >= MAX_CONFIGS) return [...files];
    }
  }

  return [...files];
}
