import { dirname, resolve } from 'node:path';
import { CompletionItemKind, type CompletionItem } from 'vscode-languageserver-types';
import type { FolderEntry } from '../facts/facts.js';
import { textItem } from './completionItem.js';
import type { Cursor } from './cursor.js';

const MAX_ITEMS = 200;

const FILES: Readonly<Record<string, RegExp | 'folder'>> = {
  model: /\.onnx$/i,
  extends: /\.(ya?ml|jsonc?)$/i,
  labels: /\.(csv|npy|json|jsonl|tsv)$/i,
  classes: /\.(txt|names|csv)$/i,
  alphabet: /\.txt$/i,
  arrays: /\.np[yz]$/i,
  images: 'folder',
  tensors: 'folder',
  loader: /\.[cm]?[jt]s$/i,
  metric: /\.[cm]?[jt]s$/i,
};

/** Files and folders that fit the key, one level at a time. `own`: the config itself, which it cannot extend. */
export function fileItems(
  cursor: Cursor,
  baseDir: string | null,
  listings: ReadonlyMap<string, readonly FolderEntry[]>,
  own: string,
): CompletionItem[] {
  const key = String(cursor.path.at(-1));
  const wanted = Object.hasOwn(FILES, key) ? FILES[key] : undefined;
  if (wanted === undefined || baseDir === null) return [];

  const folder = folderOf(cursor);
  const isSelf = (name: string) => key === 'extends' && resolve(baseDir, folder, name) === own;

  return (listings.get(resolve(baseDir, folder)) ?? [])
    .filter(
      ({ name, kind }) =>
        kind === 'folder' || (wanted !== 'folder' && kind === 'file' && wanted.test(name) && !isSelf(name)),
    )
    .slice(0, MAX_ITEMS)
    .map(({ name, kind }) =>
      textItem(
        `${folder}${name}`,
        kind,
        kind === 'folder' ? CompletionItemKind.Folder : CompletionItemKind.File,
        cursor,
      ),
    );
}

/** The folder part of the path that is being typed. */
function folderOf({ word }: Cursor): string {
  const typed = word.replace(/^["']|["']$/g, '');
  return typed.includes('/') ? `${dirname(`${typed}x`)}/` : '';
}

/** The folder whose entries a completion offers; null where it offers no files. */
export function folderOffered(cursor: Cursor, baseDir: string): string | null {
  return cursor.kind === 'value' && Object.hasOwn(FILES, String(cursor.path.at(-1)))
    ? resolve(baseDir, folderOf(cursor))
    : null;
}
