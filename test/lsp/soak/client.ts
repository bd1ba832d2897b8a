import type { InitializeParams } from 'vscode-languageserver-protocol';

/** A client that asks for diagnostics when it wants them; without links, which depend on where a server lies. */
export const PULLING: Partial<InitializeParams> = {
  capabilities: {
    textDocument: {
      diagnostic: { relatedDocumentSupport: false },
      publishDiagnostics: { relatedInformation: true },
      hover: { contentFormat: ['markdown'] },
      completion: { completionItem: { snippetSupport: true, documentationFormat: ['markdown'] } },
    },
  },
};
