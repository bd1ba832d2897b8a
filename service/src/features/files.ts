import { dirname, join, resolve } from 'node:path';
import { CompletionItemKind, type CompletionItem } from 'vscode-languageserver-types';
import { entriesIn } from './folder.js';
import { textItem } from './completionItem.js';
import type { Cursor } from './cursor.js';

/** Entries of a folder that are looked at. */
const MOST_ENTRIES = 1000;
const MOST_ITEMS = 200;

const FILES: Readonly<Record<string, RegExp | 'folder'>> = {
  model: /\.onnx$/i,
  extends: /\.(ya?ml|jsonc?)$/i,
  labels: /\.(csv|npy)$/i,
  arrays: /\.np[yz]$/i,
  images: 'folder',
  tensors: 'folder',
  loader: /\.[cm]?[jt]s$/i,
  metric: /\.[cm]?[jt]s$/i,
};

/** Files and folders that fit the key, one level at a time. `own`: the config itself, which it cannot extend. */
export function fileItems(cursor: Cursor, baseDir: string | null, own: string): CompletionItem[] {
  const key = String(cursor.path.at(-1));
  const wanted = FILES[key];
  if (wanted === undefined || baseDir === null) return [];
  const typed = cursor.word.replace(/^["']|["']$/g, '');
  const folder = typed.includes('/') ? `${dirname(`${typed}x`)}/` : '';
  const isSelf = (name: string) => key === 'extends' && resolve(baseDir, folder, name) === own;
  return entriesIn(join(baseDir, folder), MOST_ENTRIES)
    .filter(({ name, isFolder }) => isFolder || (wanted !== 'folder' && wanted.test(name) && !isSelf(name)))
    .slice(0, MOST_ITEMS)
    .map(({ name, isFolder }) =>
      textItem(
        `${folder}${name}`,
        isFolder ? 'folder' : 'file',
        isFolder ? CompletionItemKind.Folder : CompletionItemKind.File,
        cursor,
      ),
    );
}
