import {
  CompletionItemKind,
  SymbolKind,
  type CodeAction,
  type CompletionItem,
  type CompletionList,
  type DocumentSymbol,
  type SymbolInformation,
} from 'vscode-languageserver';
import type { ClientAbilities, CompletionAbilities } from './capabilities.js';

// Answers in the form that a client has said it takes. The features give all that they know.

export function fitCompletion(list: CompletionList, abilities: CompletionAbilities): CompletionList {
  return { ...list, items: list.items.map((item) => fitItem(item, abilities)) };
}

function fitItem(item: CompletionItem, abilities: CompletionAbilities): CompletionItem {
  const { tags, preselect, insertTextMode, kind = CompletionItemKind.Text, ...rest } = item;
  return {
    ...rest,
    kind: abilities.kinds.has(kind) ? kind : CompletionItemKind.Value,
    ...(tags !== undefined && abilities.tags ? { tags } : {}),
    ...(preselect !== undefined && abilities.preselect ? { preselect } : {}),
    ...(insertTextMode !== undefined && abilities.insertTextMode ? { insertTextMode } : {}),
  };
}

/** Clients of the protocol's first version take commands only, and have none of ours. */
export function fitActions(actions: readonly CodeAction[], abilities: ClientAbilities): CodeAction[] {
  if (!abilities.codeActions) return [];
  return actions.map(({ isPreferred, ...action }) => ({
    ...action,
    ...(isPreferred !== undefined && abilities.preferredActions ? { isPreferred } : {}),
  }));
}

/** The outline as a tree, or one after the other with the names of their parents. */
export function fitOutline(
  symbols: readonly DocumentSymbol[],
  uri: string,
  abilities: ClientAbilities,
): DocumentSymbol[] | SymbolInformation[] {
  const kindOf = (kind: SymbolKind) => fitKind(kind, abilities.symbolKinds);
  const tree = ({ kind, children = [], ...symbol }: DocumentSymbol): DocumentSymbol => ({
    ...symbol,
    kind: kindOf(kind),
    children: children.map(tree),
  });

  if (abilities.symbolTree) return symbols.map(tree);
  const flat = (
    { name, kind, range, children = [] }: DocumentSymbol,
    containerName: string | null,
  ): SymbolInformation[] => [
    {
      name,
      kind: kindOf(kind),
      location: { uri, range },
      ...(containerName === null ? {} : { containerName }),
    },
    ...children.flatMap((child) => flat(child, name)),
  ];

  return symbols.flatMap((symbol) => flat(symbol, null));
}

export function fitSymbols(
  symbols: readonly SymbolInformation[],
  abilities: ClientAbilities,
): SymbolInformation[] {
  return symbols.map((symbol) => ({ ...symbol, kind: fitKind(symbol.kind, abilities.workspaceSymbolKinds) }));
}

const fitKind = (kind: SymbolKind, known: ReadonlySet<number>) =>
  known.has(kind) ? kind : SymbolKind.Variable;
