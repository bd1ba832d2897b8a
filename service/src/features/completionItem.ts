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

/** What lists that are cut are filtered by beforehand: a text has the typed letters in their order, as clients filter. */
export function typedFilter(word: string): (text: string) => boolean {
  const typed = word.replace(/^["']|["']$/g, '').toLowerCase();
  return (text) => {
    let matched = 0;
    for (const letter of text.toLowerCase()) if (letter === typed[matched]) matched++;
    return matched >= typed.length;
  };
}
