import { above } from '@quantsmith/schemas';
import {
  CompletionItemKind,
  InsertTextFormat,
  TextEdit,
  type CompletionItem,
} from 'vscode-languageserver-types';
import { languageOf, type ConfigDocument } from '../document/document.js';
import { block, inline } from '../document/edit.js';
import { findNode, resolved } from '../document/tree.js';
import { schemaOf } from '../knowledge/schema.js';
import type { Cursor } from './cursor.js';
import { hasSkeletons, type Skeleton } from './skeletons.js';

/** Whether a cursor stands where a mapping begins, behind its key: `preprocess: ‸`. */
export const takesMapping = ({ kind, path, word }: Cursor): boolean =>
  kind === 'value' &&
  path.length > 0 &&
  !/^["'*[{]/.test(word) &&
  [schemaOf(path)?.type ?? []].flat().includes('object');

/** Whether the files near the config are wanted there, for sections that fit them. */
export const takesSection = (cursor: Cursor): boolean =>
  takesMapping(cursor) && hasSkeletons(above(cursor.path));

/** The cursor as it is where the keys of the mapping stand: on the line below, or in braces on the same. */
export function cursorInside(document: ConfigDocument, cursor: Cursor): Cursor {
  const mapping = resolved(findNode(document.tree, cursor.path));
  const [first] = mapping?.kind === 'mapping' ? mapping.entries : [];
  const indent =
    first === undefined
      ? `${cursor.indent}${cursor.step}`
      : ' '.repeat(document.text.positionAt(first.start).character);

  return { ...cursor, kind: 'key', word: '', prefix: '', suffix: '', indent, siblings: [], repairs: [] };
}

/** Keys, and whole sections, as they are written behind the key of their mapping. `snippets`: whether the client understands them. */
export function mappingItems(
  document: ConfigDocument,
  cursor: Cursor,
  offered: { readonly keys: readonly CompletionItem[]; readonly sections: readonly Skeleton[] },
  snippets: boolean,
): CompletionItem[] {
  const inside = cursorInside(document, cursor);
  const language = languageOf(document.text);
  const isOnLine = language === 'json' || cursor.step === '';
  const hole = snippets && language === 'yaml' ? '$0' : '';
  const keys = offered.keys.map((item): CompletionItem => {
    const text = item.textEdit?.newText ?? item.label;
    if (!isOnLine) return { ...item, ...onLineBelow(document, cursor, `${inside.indent}${text}`) };
    const format = hole === '' ? {} : { insertTextFormat: InsertTextFormat.Snippet };

    return { ...item, ...format, ...inPlace(cursor, `{${text}${hole}}`) };
  });

  const sections = offered.sections
    .filter(({ key }) => key === cursor.path.at(-1))
    .map(({ key, label, value }): CompletionItem => {
      const [, ...lines] = block(key, value, cursor.indent, cursor.step);
      const edits = isOnLine
        ? inPlace(cursor, inline(value, language))
        : onLineBelow(document, cursor, lines.join('\n'));

      return { label, kind: CompletionItemKind.Snippet, filterText: label, ...edits };
    });

  return [...sections, ...keys];
}

const inPlace = ({ range, prefix, suffix, repairs }: Cursor, text: string) => ({
  textEdit: TextEdit.replace(range, `${prefix}${text}${suffix}`),
  additionalTextEdits: [...repairs],
});

/** On a line of its own; the space behind the colon goes. */
function onLineBelow({ text }: ConfigDocument, { range, suffix }: Cursor, lines: string) {
  const { start } = range;
  const before = text.getText({ start: { line: start.line, character: 0 }, end: start });
  const end = { line: start.line, character: before.trimEnd().length };

  return {
    textEdit: TextEdit.replace(range, `\n${lines}${suffix}`),
    additionalTextEdits: end.character === start.character ? [] : [TextEdit.del({ start: end, end: start })],
  };
}
