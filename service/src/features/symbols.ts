import { SymbolKind, type DocumentSymbol } from 'vscode-languageserver-types';
import { rangeOf, type ConfigDocument } from '../document/document.js';
import type { Entry, TreeNode } from '../document/tree.js';

/** Outlines of huge documents end here: clients get slow with more. */
const MAX = 5000;

/** The outline: keys with the keys and items below them. */
export function documentSymbols(document: ConfigDocument): DocumentSymbol[] {
  let left = MAX;
  const below = (node: TreeNode | null): DocumentSymbol[] => {
    if (node?.kind === 'mapping') return node.entries.flatMap((entry) => (left-- > 0 ? [symbol(entry)] : []));
    if (node?.kind !== 'sequence') return [];
    return node.items.flatMap((item, index) =>
      item.kind === 'mapping' && left-- > 0
        ? [
            {
              name: `[${index}]`,
              kind: SymbolKind.Object,
              range: rangeOf(document, item),
              selectionRange: rangeOf(document, item),
              children: below(item),
            },
          ]
        : [],
    );
  };

  const symbol = (entry: Entry): DocumentSymbol => ({
    name: entry.key === '' ? '""' : entry.key,
    ...(entry.value?.kind === 'scalar' ? { detail: String(entry.value.value) } : {}),
    kind: kindOf(entry.value),
    range: rangeOf(document, entry),
    selectionRange: rangeOf(document, entry.keySpan),
    children: below(entry.value),
  });

  return below(document.tree.root);
}

function kindOf(node: TreeNode | null): SymbolKind {
  if (node?.kind === 'mapping') return SymbolKind.Object;
  if (node?.kind === 'sequence') return SymbolKind.Array;
  if (node?.kind !== 'scalar') return SymbolKind.Null;
  if (typeof node.value === 'number') return SymbolKind.Number;
  return typeof node.value === 'boolean' ? SymbolKind.Boolean : SymbolKind.String;
}
