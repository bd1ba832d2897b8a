import type { InitializeParams } from 'vscode-languageserver-protocol';

/** A client that asks for diagnostics when it wants them. */
export const PULLING: Partial<InitializeParams> = {
  capabilities: {
    textDocument: {
      diagnostic: { relatedDocumentSupport: false },
      publishDiagnostics: { relatedInformation: true, codeDescriptionSupport: true },
      hover: { contentFormat: ['markdown'] },
      completion: { completionItem: { snippetSupport: true, documentationFormat: ['markdown'] } },
    },
  },
};
