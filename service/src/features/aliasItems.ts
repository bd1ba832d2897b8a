import { CompletionItemKind, type CompletionItem } from 'vscode-languageserver-types';
import type { ConfigDocument } from '../document/document.js';
import { anchorsOf, pathOf, type TreeNode } from '../document/tree.js';
import { schemaOf } from '../knowledge/schema.js';
import { edited } from './completionItem.js';
import type { Cursor } from './cursor.js';

/** `*name` of nodes above that stand under the same key, such as a shared preprocess; of mappings for a merge key. */
export function aliasItems(document: ConfigDocument, cursor: Cursor): CompletionItem[] {
  if (document.tree.language === 'json') return [];
  const offset = document.text.offsetAt(cursor.range.start);
  const key = cursor.path.at(-1);
  const anchors = anchorsOf(document.tree).filter(({ node }) => node.end <= offset);
  const isAlike = ({ node }: (typeof anchors)[number]) =>
    key === '<<' ? node.kind === 'mapping' : pathOf(node).at(-1) === key;
  // Who has written the asterisk wants one, but not all of the other data section: accuracy would be measured on it.
  const isSection = cursor.path[0] === 'data' && cursor.path.length === 2;
  const others =
    cursor.word.startsWith('*') && !isSection
      ? anchors.filter((item) => !isAlike(item) && isOfKind(item.node, cursor))
      : [];

  return [...anchors.filter(isAlike), ...others].map(({ anchor }) => ({
    label: `*${anchor.name}`,
    kind: CompletionItemKind.Reference,
    detail: 'alias',
    ...edited(`*${anchor.name}`, cursor),
  }));
}

/** Whether a node is of the kind that the value at the cursor is: a mapping, a list, or a scalar. */
function isOfKind(node: TreeNode, { path }: Cursor): boolean {
  const types = [schemaOf(path)?.type ?? []].flat();
  const kinds = { mapping: 'object', sequence: 'array', scalar: null, alias: null };
  const type = kinds[node.kind];
  return type === null ? types.some((name) => name !== 'object' && name !== 'array') : types.includes(type);
}
