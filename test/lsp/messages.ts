import type * as lsp from 'vscode-languageserver-protocol';

/** What each request of a client is answered with, as the protocol's own types have it. */
export interface Results {
  initialize: lsp.InitializeResult;
  shutdown: null;
  'textDocument/completion': lsp.CompletionItem[] | lsp.CompletionList | null;
  'completionItem/resolve': lsp.CompletionItem;
  'textDocument/hover': lsp.Hover | null;
  'textDocument/definition': lsp.Location | lsp.Location[] | lsp.LocationLink[] | null;
  'textDocument/references': lsp.Location[] | null;
  'textDocument/documentHighlight': lsp.DocumentHighlight[] | null;
  'textDocument/documentSymbol': lsp.SymbolInformation[] | lsp.DocumentSymbol[] | null;
  'textDocument/codeAction': (lsp.Command | lsp.CodeAction)[] | null;
  'codeAction/resolve': lsp.CodeAction;
  'textDocument/codeLens': lsp.CodeLens[] | null;
  'codeLens/resolve': lsp.CodeLens;
  'textDocument/documentLink': lsp.DocumentLink[] | null;
  'textDocument/inlayHint': lsp.InlayHint[] | null;
  'textDocument/foldingRange': lsp.FoldingRange[] | null;
  'textDocument/selectionRange': lsp.SelectionRange[] | null;
  'textDocument/prepareRename': lsp.PrepareRenameResult | null;
  'textDocument/rename': lsp.WorkspaceEdit | null;
  'textDocument/formatting': lsp.TextEdit[] | null;
  'textDocument/rangeFormatting': lsp.TextEdit[] | null;
  'workspace/willRenameFiles': lsp.WorkspaceEdit | null;
  'textDocument/semanticTokens/full': lsp.SemanticTokens | null;
  'textDocument/semanticTokens/full/delta': lsp.SemanticTokens | lsp.SemanticTokensDelta | null;
  'textDocument/semanticTokens/range': lsp.SemanticTokens | null;
  'textDocument/diagnostic': lsp.DocumentDiagnosticReport;
  'workspace/diagnostic': lsp.WorkspaceDiagnosticReport;
  'workspace/symbol': lsp.SymbolInformation[] | lsp.WorkspaceSymbol[] | null;
  'workspace/executeCommand': lsp.LSPAny;
}

/** What a server may send on its own: the parameters of its requests and notifications. */
export interface Sent {
  'client/registerCapability': lsp.RegistrationParams;
  'client/unregisterCapability': lsp.UnregistrationParams;
  'workspace/configuration': lsp.ConfigurationParams;
  'workspace/applyEdit': lsp.ApplyWorkspaceEditParams;
  'workspace/workspaceFolders': null;
  'workspace/diagnostic/refresh': null;
  'workspace/codeLens/refresh': null;
  'workspace/inlayHint/refresh': null;
  'workspace/semanticTokens/refresh': null;
  'workspace/foldingRange/refresh': null;
  'workspace/inlineValue/refresh': null;
  'workspace/textDocumentContent/refresh': lsp.TextDocumentContentRefreshParams;
  'window/workDoneProgress/create': lsp.WorkDoneProgressCreateParams;
  'window/showDocument': lsp.ShowDocumentParams;
  'window/showMessageRequest': lsp.ShowMessageRequestParams;
  'window/showMessage': lsp.ShowMessageParams;
  'window/logMessage': lsp.LogMessageParams;
  'textDocument/publishDiagnostics': lsp.PublishDiagnosticsParams;
  '$/progress': Progress;
  '$/logTrace': lsp.LogTraceParams;
  'telemetry/event': lsp.LSPAny;
  /** This server's own, for its own client. */
  'quantsmith/progress': lsp.LSPAny;
}

interface Progress {
  token: lsp.ProgressToken;
  value: lsp.WorkDoneProgressBegin | lsp.WorkDoneProgressReport | lsp.WorkDoneProgressEnd;
}

/** The forms of every message, for the generator. */
export interface Messages {
  results: Results;
  sent: Sent;
}
