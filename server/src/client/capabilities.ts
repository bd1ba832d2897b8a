import {
  CompletionItemKind,
  MarkupKind,
  SymbolKind,
  type ClientCapabilities,
} from 'vscode-languageserver/node';

/** What the client can do, as far as it changes our answers. */
export interface KnownClientCapabilities {
  /** Whether it asks for diagnostics, and can be told to ask again; to others they are pushed. */
  readonly pullDiagnostics: boolean;
  readonly refreshCodeLens: boolean;
  readonly refreshInlayHints: boolean;
  /** Whether edits may say which version of a text they are for. */
  readonly versionedEdits: boolean;
  /** Whether it asks before it gives files other names. */
  readonly fileMoves: boolean;
  /** Whether an edit may make files. */
  readonly createFiles: boolean;
  readonly showDocument: boolean;
  readonly workspaceFolders: boolean;
  readonly configuration: boolean;
  readonly registerConfiguration: boolean;
  readonly registerWatchers: boolean;
  readonly progress: boolean;
  readonly hoverMarkdown: boolean;
  readonly completion: CompletionCapabilities;
  readonly relatedInformation: boolean;
  readonly codeDescription: boolean;
  readonly diagnosticTags: boolean;
  /** Whether diagnostics come back with the data that they were sent with. */
  readonly diagnosticData: boolean;
  /** Whether code actions may be more than commands, and one of them the preferred one. */
  readonly codeActions: boolean;
  readonly preferredActions: boolean;
  readonly prepareRename: boolean;
  /** Whether an outline may be a tree, and what may be in it. */
  readonly symbolTree: boolean;
  readonly symbolKinds: ReadonlySet<number>;
  readonly workspaceSymbolKinds: ReadonlySet<number>;
  readonly maxFoldings: number;
}

export interface CompletionCapabilities {
  readonly markdown: boolean;
  readonly snippets: boolean;
  readonly tags: boolean;
  readonly preselect: boolean;
  readonly insertTextMode: boolean;
  readonly kinds: ReadonlySet<number>;
}

/** What clients know that do not say which kinds they know: those of the protocol's first version. */
const FIRST_ITEM_KINDS = upTo(CompletionItemKind.Reference);
const FIRST_SYMBOL_KINDS = upTo(SymbolKind.Array);
const MAX_FOLDINGS = 5000;

/** Reads what a client says of itself; whatever it does not say, it cannot do. */
export function knownCapabilities({
  textDocument,
  workspace,
  window,
}: ClientCapabilities): KnownClientCapabilities {
  const pulled = textDocument?.diagnostic;
  const pushed = textDocument?.publishDiagnostics;
  const edits = workspace?.workspaceEdit;
  const kinds = (set: { valueSet?: number[] } | undefined) =>
    set?.valueSet === undefined ? FIRST_SYMBOL_KINDS : new Set(set.valueSet);

  return {
    pullDiagnostics: pulled !== undefined && workspace?.diagnostics?.refreshSupport === true,
    refreshCodeLens: workspace?.codeLens?.refreshSupport === true,
    refreshInlayHints: workspace?.inlayHint?.refreshSupport === true,
    versionedEdits: edits?.documentChanges === true,
    fileMoves: workspace?.fileOperations?.willRename === true,
    createFiles: edits?.documentChanges === true && edits.resourceOperations?.includes('create') === true,
    showDocument: window?.showDocument?.support === true,
    workspaceFolders: workspace?.workspaceFolders === true,
    configuration: workspace?.configuration === true,
    registerConfiguration: workspace?.didChangeConfiguration?.dynamicRegistration === true,
    registerWatchers: workspace?.didChangeWatchedFiles?.dynamicRegistration === true,
    progress: window?.workDoneProgress === true,
    hoverMarkdown: textDocument?.hover?.contentFormat?.includes(MarkupKind.Markdown) === true,
    completion: completionCapabilities(textDocument?.completion),
    // Clients that pull said so of pushed diagnostics too, before the protocol had a place for it.
    relatedInformation: (pulled?.relatedInformation ?? pushed?.relatedInformation) === true,
    codeDescription: (pulled?.codeDescriptionSupport ?? pushed?.codeDescriptionSupport) === true,
    diagnosticTags: (pulled?.tagSupport ?? pushed?.tagSupport) !== undefined,
    diagnosticData: (pulled?.dataSupport ?? pushed?.dataSupport) === true,
    codeActions: textDocument?.codeAction?.codeActionLiteralSupport !== undefined,
    preferredActions: textDocument?.codeAction?.isPreferredSupport === true,
    prepareRename: textDocument?.rename?.prepareSupport === true,
    symbolTree: textDocument?.documentSymbol?.hierarchicalDocumentSymbolSupport === true,
    symbolKinds: kinds(textDocument?.documentSymbol?.symbolKind),
    workspaceSymbolKinds: kinds(workspace?.symbol?.symbolKind),
    maxFoldings: Math.min(MAX_FOLDINGS, textDocument?.foldingRange?.rangeLimit ?? MAX_FOLDINGS),
  };
}

function completionCapabilities(
  completion: NonNullable<ClientCapabilities['textDocument']>['completion'],
): CompletionCapabilities {
  const item = completion?.completionItem;
  const kinds = completion?.completionItemKind?.valueSet;
  return {
    markdown: item?.documentationFormat?.includes(MarkupKind.Markdown) === true,
    snippets: item?.snippetSupport === true,
    tags: item?.tagSupport !== undefined,
    preselect: item?.preselectSupport === true,
    insertTextMode: item?.insertTextModeSupport !== undefined,
    kinds: kinds === undefined ? FIRST_ITEM_KINDS : new Set(kinds),
  };
}

function upTo(last: number): ReadonlySet<number> {
  return new Set(Array.from({ length: last }, (_, index) => index + 1));
}
