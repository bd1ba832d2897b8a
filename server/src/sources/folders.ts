import type { Dirent } from 'node:fs';
import { opendir, stat } from 'node:fs/promises';
import { pseudoFolders } from '@quantsmith/model/files';
import { isAudioPath, isImagePath } from '@quantsmith/schemas';
import { basename, join, relative, sep } from 'node:path';
import { entriesOf, lookAt } from './look.js';

/** Entries that are visited below a folder; what holds more is not decided. */
const MAX_ENTRIES = 120_000;
/** Files whose times are asked for at once. */
const STATS_AT_ONCE = 32;

/** Entries of a folder among which configs are looked for. */
const MAX_LISTED = 1000;
const CONFIG_NAME = /(^quantization|\.quant)\.(ya?ml|jsonc?)$/;

/** Images of a folder that are kept by name. */
const MAX_NAMED = 20_000;

/** The files of a section that are samples, or hold them. */
export interface SampleFiles {
  readonly count: number;
  /** Their paths below the folder, with slashes, as a run reads them; null: not known, or too many. */
  readonly names: readonly string[] | null;
}

/**
 * The images below a folder by their paths in it, with their sizes, through links, each folder once. null: there are more than
 * `maxFiles`, or it was cancelled.
 */
export async function filesBelow(
  root: string,
  maxFiles: number,
  signal: AbortSignal,
): Promise<{ path: string; bytes: number }[] | null> {
  if ((await lookAt(root)) !== 'folder') return null;
  const paths: string[] = [];
  const counting = new AbortController();
  const isComplete = await walk(root, AbortSignal.any([signal, counting.signal]), (name, folder) => {
    if (!isImagePath(name)) return;
    paths.push(join(folder, name));
    if (paths.length > maxFiles) counting.abort();
  });
  if (!isComplete || paths.length > maxFiles) return null;

  const files: { path: string; bytes: number }[] = [];
  for (let start = 0; start < paths.length; start += STATS_AT_ONCE) {
    const some = paths.slice(start, start + STATS_AT_ONCE);
    const infos = await Promise.all(some.map((path) => stat(path).catch(() => null)));
    for (const [index, path] of some.entries())
      files.push({ path: relative(root, path).split(sep).join('/'), bytes: infos[index]?.size ?? 0 });
  }

  return files;
}

/** The images below a folder, through links, each folder once; a file is one; null: not known. */
export const listImages = (path: string, signal: AbortSignal): Promise<SampleFiles | null> =>
  listSamples(path, isImagePath, signal);

/** The .wav files below a folder, in the same way. */
export const listAudio = (path: string, signal: AbortSignal): Promise<SampleFiles | null> =>
  listSamples(path, isAudioPath, signal);

async function listSamples(
  path: string,
  isSample: (name: string) => boolean,
  signal: AbortSignal,
): Promise<SampleFiles | null> {
  const kind = await lookAt(path);
  if (kind === 'file') return { count: 1, names: [basename(path)] };
  if (kind !== 'folder') return null;

  const names: string[] = [];
  let count = 0;
  let hasLinks = false;
  const isComplete = await walk(path, signal, (name, folder, isLink) => {
    if (!isSample(name)) return;
    count++;
    hasLinks ||= isLink;
    if (names.length < MAX_NAMED) names.push(relative(path, join(folder, name)).split(sep).join('/'));
  });

  if (!isComplete) return null;
  // A run reads no links, which somebody may have meant: what it will read is not known then.
  const areKnown = count === names.length && !hasLinks;

  return { count, names: areKnown ? inByteOrder(names) : null };
}

/** The names of the files below a folder, with slashes; null: not known, or too many. */
export async function listFiles(path: string, signal: AbortSignal): Promise<readonly string[] | null> {
  const names: string[] = [];
  const isComplete = await walk(path, signal, (name, folder) => {
    if (names.length <= MAX_NAMED) names.push(relative(path, join(folder, name)).split(sep).join('/'));
  });

  return isComplete && names.length <= MAX_NAMED ? names : null;
}

/** As a run sorts its samples, the same on every system. */
const inByteOrder = (names: readonly string[]) =>
  [...names].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));

/** The names of the configs in a folder. */
export async function configNames(folder: string): Promise<string[]> {
  const entries = (await entriesOf(folder, MAX_LISTED)) ?? [];
  return entries.map(({ name }) => name).filter((name) => CONFIG_NAME.test(name));
}

/** Milliseconds of the latest change of a file, or of a folder and all that lies below it; 0 where there is none; null: not known. */
export async function latestChange(path: string, signal: AbortSignal): Promise<number | null> {
  const info = await stat(path).catch(() => null);
  if (info === null) return 0;
  if (!info.isDirectory()) return info.mtimeMs;

  let latest = info.mtimeMs;
  let waiting: Promise<void>[] = [];
  const ask = async (file: string) => {
    const entry = await stat(file).catch(() => null);
    latest = Math.max(latest, entry?.mtimeMs ?? 0);
  };

  const isComplete = await walk(path, signal, async (name, folder) => {
    waiting.push(ask(join(folder, name)));
    if (waiting.length < STATS_AT_ONCE) return;
    await Promise.all(waiting);
    waiting = [];
  });

  await Promise.all(waiting);

  return isComplete ? latest : null;
}

/**
 * Visits the files below a folder. Links are followed, each folder is visited once, so that circles of links end. Says
 * whether everything was visited: not beyond MAX_ENTRIES, and not when it was cancelled. Nothing of /proc and /sys is.
 */
async function walk(
  root: string,
  signal: AbortSignal,
  visit: (name: string, folder: string, isLink: boolean) => void | Promise<void>,
): Promise<boolean> {
  const queue = [{ folder: root, linked: false }];
  const seen = new Set<string>();
  const isPseudo = pseudoFolders();
  let visited = 0;

  for (const { folder, linked } of queue) {
    const info = await stat(folder, { bigint: true }).catch(() => null);
    const identity = `${info?.dev}:${info?.ino}`;
    if (info === null || seen.has(identity) || (await isPseudo(folder, info.dev))) continue;
    seen.add(identity);

    for await (const entry of readableEntries(folder)) {
      if (signal.aborted || ++visited > MAX_ENTRIES) return false;
      const path = join(folder, entry.name);
      const isLink = linked || entry.isSymbolicLink();
      const kind = entry.isSymbolicLink() ? await lookAt(path) : entry.isDirectory() ? 'folder' : 'file';
      if (kind === 'folder') queue.push({ folder: path, linked: isLink });
      else if (kind === 'file') await visit(entry.name, folder, isLink);
    }
  }

  return true;
}

/** The entries of a folder, as far as they can be read: some of /proc open, and then refuse to be read. */
async function* readableEntries(folder: string): AsyncGenerator<Dirent> {
  try {
    yield* await opendir(folder, { bufferSize: 256 });
  } catch (error) {
    if (!(error instanceof Error && 'code' in error)) throw error;
  }
}
