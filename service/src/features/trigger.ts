import type { ConfigDocument } from '../document/document.js';
import { hasFiles } from './files.js';
import { scopeList } from './modelItems.js';
import type { Cursor } from './cursor.js';

/**
 * Whether a completion that a typed character asked for is one that somebody wants: a colon behind a key, a slash in a path,
 * the quote that opens a text. `character`: null where a person asked.
 */
export function isWantedBehind(
  { text }: ConfigDocument,
  cursor: Cursor,
  character: string | null | undefined,
): boolean {
  if (character === null || character === undefined) return true;
  const { start } = cursor.range;
  const before = text.getText({ start: { line: start.line, character: 0 }, end: start });
  const isEmpty = /^["']{0,2}$/.test(cursor.word);
  if (cursor.kind === 'comment') return character === ' ' && /quantsmith-disable/.test(before);

  switch (character) {
    case ' ':
    case '"':
      return isEmpty;
    case ':':
      return cursor.kind === 'value' && isEmpty && before.trimEnd().endsWith(':');
    case '-':
      return /^\s*(-\s*)*$/.test(before) && isEmpty;
    case '/':
      return hasFiles(cursor) || scopeList(cursor.path) !== null;
    case '*':
      return cursor.kind === 'value';
    default:
      return true;
  }
}
