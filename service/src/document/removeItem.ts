import type { TextEdit } from 'vscode-languageserver-types';
import type { ConfigDocument } from './document.js';
import { removeEntry } from './edit.js';
import type { TreeNode } from './tree.js';

/** The edits that take an item out of its list, and the list with its last item; null where it has no line of its own. */
export function removeItem(document: ConfigDocument, item: TreeNode): TextEdit[] | null {
  const list = item.parent;
  if (list?.kind !== 'sequence') return null;
  if (list.items.length === 1)
    return list.parent?.kind === 'entry' ? removeEntry(document, list.parent) : null;
  const text = document.text.getText();
  const edit = (start: number, end: number): TextEdit[] => [
    { range: { start: document.text.positionAt(start), end: document.text.positionAt(end) }, newText: '' },
  ];

  const index = list.items.indexOf(item);
  if (text.charAt(list.start) === '[') {
    const next = list.items[index + 1];
    return next === undefined
      ? edit(list.items[index - 1]!.end, item.end)
      : edit(item.anchor?.start ?? item.start, next.anchor?.start ?? next.start);
  }

  const start = text.lastIndexOf('\n', item.start - 1) + 1;
  if (!/^\s*-\s*$/.test(text.slice(start, item.start))) return null;
  const newline = text.indexOf('\n', item.end);
  const end = newline === -1 ? text.length : newline + 1;
  // What else stands behind it, but for a comment, is no part of a list of texts.
  if (!/^\s*(#.*)?$/.test(text.slice(item.end, end).trimEnd())) return null;

  return edit(start, end);
}
