import * as lsp from 'vscode-languageserver-protocol';

/** A message of the protocol, as the library that implements it describes it (metaModel.json has the same). */
export interface Method {
  readonly method: string;
  readonly direction: 'clientToServer' | 'serverToClient' | 'both';
  /** Where the client says that it takes part, e.g. `textDocument.hover`. */
  readonly capability: string | null;
}

/** Every request and notification of the protocol. */
export function methodsOf(): Map<string, Method> {
  const found = new Map<string, Method>();
  for (const described of Object.values(lsp) as unknown[]) {
    if (typeof described !== 'object' || described === null || !('messageDirection' in described)) continue;
    const { method, messageDirection, capabilities } = described as {
      method: string;
      messageDirection: Method['direction'];
      capabilities?: { client?: string };
    };
    found.set(method, { method, direction: messageDirection, capability: capabilities?.client ?? null });
  }

  return found;
}

/** What the library's description of messages leaves out or says too generally. */
export const REFINED: Readonly<Record<string, string | null>> = {
  'workspace/codeLens/refresh': 'workspace.codeLens.refreshSupport',
  // Taken by every client: the capability tells of its forms.
  'textDocument/publishDiagnostics': null,
  'window/showMessage': null,
  'window/showMessageRequest': null,
  'workspace/textDocumentContent/refresh': 'workspace.textDocumentContent',
};

/** Error codes that the protocol and JSON-RPC have; servers may have others outside of the reserved ranges. */
const KNOWN_ERRORS: ReadonlySet<number> = new Set(
  [...Object.values(lsp.ErrorCodes), ...Object.values(lsp.LSPErrorCodes)].filter(
    (code): code is lsp.ErrorCodes => typeof code === 'number',
  ),
);
export const isErrorCode = (code: number) =>
  KNOWN_ERRORS.has(code) || (!within(code, -32899, -32800) && !within(code, -32768, -32000));
const within = (code: number, low: number, high: number) => low <= code && code <= high;
