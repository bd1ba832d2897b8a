import { TextEdit, type CompletionItem, type CompletionItemKind } from 'vscode-languageserver-types';
import { quoted } from '../document/edit.js';
import type { Cursor } from './cursor.js';

/** The edit that puts a text where the cursor is; clients filter by the text that they see there. */
export function edited(written: string, cursor: Cursor): Pick<CompletionItem, 'filterText' | 'textEdit'> {
  return {
    filterText:
      cursor.word === '' || /^["']/.test(cursor.word) ? written : written.replace(/^["']|["']$/g, ''),
    textEdit: TextEdit.replace(cursor.range, `${cursor.prefix}${written}${cursor.suffix}`),
  };
}

/** A name of the model or of a file, in the quotes that the cursor stands in. */
export function textItem(
  text: string,
  detail: string,
  kind: CompletionItemKind,
  cursor: Cursor,
): CompletionItem {
  return { label: text, kind, detail, ...edited(quoted(text, cursor.quote), cursor) };
}

/**
 * The first of a list that is too long to be offered whole, by how well they fit what is typed: the same text, then texts that
 * begin with it, have it in them, and have its letters in their order, as clients filter. A text typed to its end is always among them.
 */
export function bestFitting<T>(
  items: readonly T[],
  word: string,
  count: number,
  textOf: (item: T) => string,
): readonly T[] {
  if (items.length <= count) return items;
  const typed = word.replace(/^["']|["']$/g, '').toLowerCase();

  return items
    .map((item) => ({ item, distance: distanceOf(textOf(item).toLowerCase(), typed) }))
    .filter(({ distance }) => Number.isFinite(distance))
    .sort((a, b) => a.distance - b.distance)
    .slice(0, count)
    .map(({ item }) => item);
}

/** Infinity: the text does not have the typed letters in their order. */
function distanceOf(text: string, typed: string): number {
  if (text === typed) return 0;
  if (text.startsWith(typed)) return 1;
  if (text.includes(typed)) return 2;
  let matched = 0;
  for (const letter of text) if (letter === typed[matched]) matched++;
  return matched >= typed.length ? 3 : Number.POSITIVE_INFINITY;
}
