import { defaultCache, isCacheEntry } from '@quantsmith/engine';
import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { EXIT } from '../output/exitCodes.js';

import { printJson, printLines } from '../output/terminal.js';
export const CACHE_ACTIONS = ['info', 'clean'] as const;

/** `quantsmith cache`: what the cache of calibration statistics holds, or empties it. Returns the exit code. */
export async function cacheCommand(
  action: (typeof CACHE_ACTIONS)[number],
  { json }: { readonly json?: boolean },
): Promise<number> {
  const { dir, maxBytes } = defaultCache();
  const names = (await readdir(dir).catch(() => [])).filter(isCacheEntry);
  const sizes = await Promise.all(
    names.map(async (name) => (await stat(join(dir, name)).catch(() => null))?.size ?? 0),
  );

  const bytes = sizes.reduce((sum, size) => sum + size, 0);
  if (action === 'clean') await Promise.all(names.map((name) => rm(join(dir, name), { force: true })));
  const facts = { folder: dir, entries: names.length, bytes, max_bytes: maxBytes };
  const what = `${names.length} ${names.length === 1 ? 'entry' : 'entries'}, ${(bytes / 1e6).toFixed(1)} MB`;
  const line =
    action === 'clean'
      ? `Removed ${what} from ${dir}.`
      : `${dir}: ${what} of at most ${(maxBytes / 1e6).toFixed(0)} MB.`;

  if (json === true) printJson({ schema_version: 1, action, ...facts });
  else printLines([line]);
  return EXIT.ok;
}
