import {
  DocumentHighlightKind,
  type DocumentHighlight,
  type Location,
  type Range,
  type TextEdit,
  type WorkspaceEdit,
} from 'vscode-languageserver-types';
import { rangeOf, type ConfigDocument } from '../document/document.js';
import { quoted } from '../document/edit.js';
import type { ScalarNode } from '../document/tree.js';
import { mentionsOf, type Mention } from '../knowledge/ignoredScope.js';

/** Every place of these configs that names the layer. */
export function layerReferences(documents: readonly ConfigDocument[], name: string): Location[] {
  return documents.flatMap((document) =>
    mentionsOf(document)
      .filter((mention) => mention.name === name)
      .map(({ node }) => ({ uri: document.text.uri, range: rangeOf(document, node) })),
  );
}

export function layerHighlights(document: ConfigDocument, name: string): DocumentHighlight[] {
  return layerReferences([document], name).map(({ range }) => ({ range, kind: DocumentHighlightKind.Text }));
}

/** The name without its quotes. */
export function prepareLayerRename(
  document: ConfigDocument,
  { name, node }: Mention,
): { range: Range; placeholder: string } {
  const { start, end } = node;
  const range = rangeOf(document, node.quoted ? { start: start + 1, end: end - 1 } : node);
  return { range, placeholder: name };
}

/** The same layer under another name in every config; texts keep their quotes where that is possible. */
export function renameLayer(
  documents: readonly ConfigDocument[],
  name: string,
  newName: string,
): WorkspaceEdit | null {
  if (newName === '') return null;
  const changes: Record<string, TextEdit[]> = {};
  for (const document of documents) {
    const edits = mentionsOf(document)
      .filter((mention) => mention.name === name)
      .map(({ node }) => ({ range: rangeOf(document, node), newText: written(document, node, newName) }));

    if (edits.length > 0) changes[document.text.uri] = edits;
  }

  return { changes };
}

function written(
  { text, tree }: ConfigDocument,
  { start, quoted: inQuotes }: ScalarNode,
  name: string,
): string {
  if (tree.language === 'json') return JSON.stringify(name);
  return quoted(name, inQuotes ? (text.getText().charAt(start) as '"' | "'") : '');
}

/** Where a report tells of a layer: what a layer's name leads to. */
export function reportPlace(reportText: string, name: string): Range | null {
  const layers = reportText.lastIndexOf('"layers": [');
  const offset = reportText.indexOf(`"name": ${JSON.stringify(name)}`, layers);
  if (layers === -1 || offset === -1) return null;
  const before = reportText.slice(0, offset).split('\n');
  const start = { line: before.length - 1, character: before.at(-1)!.length };
  return { start, end: { ...start, character: start.character + JSON.stringify(name).length + 8 } };
}
