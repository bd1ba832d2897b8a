import type { TextEdit } from 'vscode-languageserver-types';
import { TextDocument } from 'vscode-languageserver-textdocument';
import { parseConfig, type ConfigDocument } from './document.js';

/** The document after some edits. */
export function edited({ text }: ConfigDocument, edits: readonly TextEdit[]): ConfigDocument {
  const after = TextDocument.applyEdits(text, [...edits]);
  return parseConfig(TextDocument.create(text.uri, text.languageId, text.version, after));
}

/** Several changes, each made on what the one before left, as one edit; null where one of them cannot be made. */
export function inOrder(
  document: ConfigDocument,
  changes: readonly ((current: ConfigDocument) => readonly TextEdit[] | null)[],
): TextEdit[] | null {
  let current = document;
  for (const change of changes) {
    const edits = change(current);
    if (edits === null) return null;
    current = edited(current, edits);
  }

  const edit = difference(document, current.text.getText());

  return edit === null ? [] : [edit];
}

/** One edit for everything between the first and the last difference; null where there is none. */
export function difference({ text }: ConfigDocument, after: string): TextEdit | null {
  const before = text.getText();
  if (before === after) return null;
  let start = 0;
  while (start < before.length && before[start] === after[start]) start++;
  let tail = 0;
  const max = Math.min(before.length, after.length) - start;
  while (tail < max && before.at(-1 - tail) === after.at(-1 - tail)) tail++;

  return {
    range: { start: text.positionAt(start), end: text.positionAt(before.length - tail) },
    newText: after.slice(start, after.length - tail),
  };
}
