import {
  CompletionItemKind,
  SymbolKind,
  type CodeAction,
  type CompletionItem,
  type CompletionList,
  type DocumentSymbol,
  type SymbolInformation,
  type WorkspaceEdit,
} from 'vscode-languageserver';
import type { KnownClientCapabilities, CompletionCapabilities } from './capabilities.js';

// Answers in the form that a client has said it takes. The features give all that they know.

export function adaptCompletion(list: CompletionList, capabilities: CompletionCapabilities): CompletionList {
  return { ...list, items: list.items.map((item) => adaptItem(item, capabilities)) };
}

function adaptItem(item: CompletionItem, capabilities: CompletionCapabilities): CompletionItem {
  const { tags, preselect, insertTextMode, kind = CompletionItemKind.Text, ...rest } = item;
  return {
    ...rest,
    kind: capabilities.kinds.has(kind) ? kind : CompletionItemKind.Value,
    ...(tags !== undefined && capabilities.tags ? { tags } : {}),
    ...(preselect !== undefined && capabilities.preselect ? { preselect } : {}),
    ...(insertTextMode !== undefined && capabilities.insertTextMode ? { insertTextMode } : {}),
  };
}

/** Edits of open documents say which version they were made for, so that a client does not make them in a later one. */
export function adaptEdit(
  edit: WorkspaceEdit,
  versionOf: (uri: string) => number | null,
  { versionedEdits }: KnownClientCapabilities,
): WorkspaceEdit {
  const { changes } = edit;
  if (!versionedEdits || changes === undefined) return edit;
  const documentChanges = Object.entries(changes).map(([uri, edits]) => ({
    textDocument: { uri, version: versionOf(uri) },
    edits,
  }));

  return { documentChanges };
}

/** Clients of the protocol's first version take commands only, and have none of ours. */
export function adaptActions(
  actions: readonly CodeAction[],
  versionOf: (uri: string) => number | null,
  capabilities: KnownClientCapabilities,
): CodeAction[] {
  if (!capabilities.codeActions) return [];
  return actions.map(({ isPreferred, edit, ...action }) => ({
    ...action,
    ...(edit === undefined ? {} : { edit: adaptEdit(edit, versionOf, capabilities) }),
    ...(isPreferred !== undefined && capabilities.preferredActions ? { isPreferred } : {}),
  }));
}

/** The outline as a tree, or one after the other with the names of their parents. */
export function adaptOutline(
  symbols: readonly DocumentSymbol[],
  uri: string,
  capabilities: KnownClientCapabilities,
): DocumentSymbol[] | SymbolInformation[] {
  const kindOf = (kind: SymbolKind) => adaptKind(kind, capabilities.symbolKinds);
  const tree = ({ kind, children = [], ...symbol }: DocumentSymbol): DocumentSymbol => ({
    ...symbol,
    kind: kindOf(kind),
    children: children.map(tree),
  });

  if (capabilities.symbolTree) return symbols.map(tree);
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

export function adaptSymbols(
  symbols: readonly SymbolInformation[],
  capabilities: KnownClientCapabilities,
): SymbolInformation[] {
  return symbols.map((symbol) => ({
    ...symbol,
    kind: adaptKind(symbol.kind, capabilities.workspaceSymbolKinds),
  }));
}

const adaptKind = (kind: SymbolKind, known: ReadonlySet<number>) =>
  known.has(kind) ? kind : SymbolKind.Variable;
