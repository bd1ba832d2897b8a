import {
  CodeLensRefreshRequest,
  RegistrationRequest,
  type Connection,
  type PublishDiagnosticsParams,
  type WorkDoneProgressServerReporter,
} from 'vscode-languageserver/node';
import type { KnownClientCapabilities } from './capabilities.js';
import type { Log } from './log.js';

/** All that is asked of the client. What it answers with an error is logged, and never thrown: it may refuse anything. */
export interface Client {
  readonly refreshDiagnostics: () => void;
  readonly refreshCodeLens: () => void;
  readonly refreshInlayHints: () => void;
  readonly publish: (params: PublishDiagnosticsParams) => void;
  readonly notify: (method: string, params: object) => void;
  /** Asks for notifications of a kind. */
  readonly register: (method: string, options?: object) => void;
  /** null: it has none, or did not say. */
  readonly configuration: (section: string) => Promise<unknown>;
  /** null: it shows none. */
  readonly createProgress: () => Promise<WorkDoneProgressServerReporter | null>;
  readonly showDocument: (uri: string) => Promise<boolean>;
}

export function createClient(
  connection: Connection,
  capabilities: () => KnownClientCapabilities,
  log: Log,
): Client {
  const settled = async <T, F>(answer: Promise<T>, fallback: F): Promise<T | F> => {
    try {
      return await answer;
    } catch (error) {
      log('warning', error instanceof Error ? `The client refused: ${error.message}` : error);
      return fallback;
    }
  };

  /** Requests that nothing waits for. */
  const send = (isSupported: boolean, request: () => Promise<unknown>) => {
    if (isSupported) void settled(request(), undefined);
  };

  return {
    refreshDiagnostics: () =>
      send(capabilities().pullDiagnostics, () => connection.sendRequest('workspace/diagnostic/refresh')),
    refreshCodeLens: () =>
      send(capabilities().refreshCodeLens, () => connection.sendRequest(CodeLensRefreshRequest.type)),
    refreshInlayHints: () =>
      send(capabilities().refreshInlayHints, () => connection.languages.inlayHint.refresh()),
    publish: (params) => send(true, () => connection.sendDiagnostics(params)),
    notify: (method, params) => send(true, () => connection.sendNotification(method, params)),
    register: (method, registerOptions) =>
      send(true, () =>
        connection.sendRequest(RegistrationRequest.type, {
          registrations: [{ id: method, method, registerOptions }],
        }),
      ),
    configuration: async (section) =>
      capabilities().configuration
        ? settled(connection.workspace.getConfiguration(section) as Promise<unknown>, null)
        : null,
    createProgress: async () =>
      capabilities().progress ? settled(connection.window.createWorkDoneProgress(), null) : null,
    async showDocument(uri) {
      const answer = await settled(connection.window.showDocument({ uri }), null);
      return answer?.success === true;
    },
  };
}
