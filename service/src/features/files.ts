import { resolve } from 'node:path';
import { CompletionItemKind, type CompletionItem } from 'vscode-languageserver-types';
import type { FolderEntry } from '../facts/facts.js';
import { isConfigName } from '../knowledge/configNames.js';
import { bestFitting, textItem } from './completionItem.js';
import type { Cursor } from './cursor.js';
import { IMAGE, LABELS, sectionRank } from './fileNames.js';

/** Files that are offered at once; more are offered as they are typed. */
const MAX_ITEMS = 200;

/** What runs write: nobody quantizes it again, or reads labels from it. */
const QUANTIZED = /\.int8\.onnx$/i;
const REPORT = /\.report\.json$/i;
const OF_FOLDERS: Readonly<Record<string, RegExp>> = {
  images: IMAGE,
  tensors: /^test_data_set_\d+$/,
  audio: /\.wav$/i,
};

const FILES: Readonly<Record<string, RegExp | 'folder'>> = {
  model: /\.onnx$/i,
  extends: /\.(ya?ml|jsonc?)$/i,
  labels: /\.(csv|npy|json|jsonl|tsv)$/i,
  classes: /\.(txt|names|csv)$/i,
  alphabet: /\.txt$/i,
  arrays: /\.np[yz]$/i,
  images: 'folder',
  tensors: 'folder',
  audio: 'folder',
  texts: /\.(txt|tsv|jsonl)$/i,
  tokenizer: /\.json$/i,
  loader: /\.[cm]?[jt]s$/i,
  metric: /\.[cm]?[jt]s$/i,
};

export interface FileItems {
  readonly items: readonly CompletionItem[];
  /** Whether there are more. */
  readonly isCut: boolean;
}

/**
 * Files that fit the key, then folders, one level at a time; first what lies near and fits (`near`, paths as they are
 * written), and folders that hold what fits. `currentPath`: the config itself, which it cannot extend; `written`: the keys
 * beside, whose files are no labels.
 */
export function fileItems(
  cursor: Cursor,
  baseDir: string | null,
  listings: ReadonlyMap<string, readonly FolderEntry[]>,
  currentPath: string,
  near: readonly string[],
  written: Readonly<Record<string, unknown>> = {},
): FileItems {
  const key = String(cursor.path.at(-1));
  const wanted = Object.hasOwn(FILES, key) ? FILES[key] : undefined;
  if (wanted === undefined || baseDir === null) return { items: [], isCut: false };

  const folder = folderOf(cursor);
  const listed = listings.get(resolve(baseDir, folder)) ?? [];
  const isFitting = (name: string) =>
    wanted !== 'folder' &&
    wanted.test(name) &&
    !(key === 'extends' && resolve(baseDir, folder, name) === currentPath) &&
    !(key === 'model' && QUANTIZED.test(name)) &&
    !((key === 'labels' || key === 'tokenizer') && (isConfigName(name) || REPORT.test(name))) &&
    !(key === 'labels' && Object.values(written).includes(`${folder}${name}`));
  const isHeld = ({ name, kind }: FolderEntry) =>
    wanted === 'folder' ? OF_FOLDERS[key]?.test(name) === true : kind === 'file' && isFitting(name);
  const holds = ({ name }: FolderEntry) => {
    const inside = listings.get(resolve(baseDir, folder, name)) ?? [];
    // Folders alone are the classes of images and audio.
    const isOfClasses = inside.length > 0 && inside.every(({ kind }) => kind === 'folder');
    return inside.some(isHeld) || (wanted === 'folder' && isOfClasses);
  };

  // Labels and tokenizers lie where the samples do.
  const isOfSource = ({ name }: FolderEntry) =>
    Object.entries(written).some(
      ([other, path]) =>
        other !== key &&
        typeof path === 'string' &&
        path.replace(/^\.\//, '').startsWith(`${folder}${name}/`),
    );

  const first = new Set(near.map((path) => resolve(baseDir, path)));
  const folders = inSection(
    cursor.path,
    listed.filter(({ kind }) => kind === 'folder'),
  )
    .map((entry) => ({ entry, rank: isOfSource(entry) ? 0 : holds(entry) ? 1 : 2 }))
    .sort((a, b) => a.rank - b.rank)
    .map(({ entry }) => entry);
  const rest = [
    ...inSection(
      cursor.path,
      listed.filter(({ name, kind }) => kind === 'file' && isFitting(name)),
    ),
    ...folders,
  ]
    .filter(({ name }) => !first.has(resolve(baseDir, folder, name)))
    .map(({ name, kind }) => ({ path: `${folder}${name}`, kind }));

  const kindOfNear = wanted === 'folder' ? 'folder' : 'file';
  const beside = near.map((path) => ({ path, kind: kindOfNear }));
  const all = [...beside, ...bestFitting(rest, cursor.word, MAX_ITEMS, ({ path }) => path)];
  const items = all
    .slice(0, MAX_ITEMS)
    .map(({ path, kind }) =>
      textItem(path, kind, kind === 'folder' ? CompletionItemKind.Folder : CompletionItemKind.File, cursor),
    );

  return { items, isCut: all.length > MAX_ITEMS || listed.length > MAX_ITEMS };
}

/** The folder part of the path that is being typed. */
function folderOf({ word }: Pick<Cursor, 'word'>): string {
  const typed = word.replace(/^["']|["']$/g, '');
  return typed.slice(0, typed.lastIndexOf('/') + 1);
}

/** The folder whose entries a completion offers; null where it offers no files. */
export function folderOffered(cursor: Cursor, baseDir: string): string | null {
  return hasFiles(cursor) ? resolve(baseDir, folderOf(cursor)) : null;
}

/** Whether files are offered for what is being typed. */
export const hasFiles = ({ kind, path }: Pick<Cursor, 'kind' | 'path'>): boolean =>
  kind === 'value' && Object.hasOwn(FILES, String(path.at(-1)));

/** Entries of a folder, first those whose names fit the key and the data section that it is in. */
function inSection([top, section, key]: Cursor['path'], entries: readonly FolderEntry[]): FolderEntry[] {
  const rank = ({ name }: FolderEntry) => {
    if (key === 'labels' && !LABELS.test(name)) return 3;
    return key === 'tokenizer' && !/^tokenizer/i.test(name) ? 3 : sectionRank(section, name);
  };

  return top === 'data' ? [...entries].sort((a, b) => rank(a) - rank(b)) : [...entries];
}
