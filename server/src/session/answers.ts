import { ErrorCodes, LSPErrorCodes, ResponseError, type CancellationToken } from 'vscode-languageserver/node';
import type { ConfigDocument } from '@quantsmith/service';
import type { Log } from '../client/log.js';

/** Requests are answered only while a session is running. */
export type Phase = 'new' | 'running' | 'ended';

/** Before `initialize` and after `shutdown` the protocol has errors for answers. */
export function refuseUnlessRunning({ phase }: { readonly phase: Phase }): void {
  if (phase === 'new')
    throw new ResponseError(ErrorCodes.ServerNotInitialized, 'The server is not initialized yet.');
  if (phase === 'ended') throw new ResponseError(ErrorCodes.InvalidRequest, 'The server is shut down.');
}

/** `data`: the problem that a failure is. */
export const refused = (message: string, data?: unknown) =>
  new ResponseError(LSPErrorCodes.RequestFailed, message, data);

export const cancelled = () => new ResponseError(LSPErrorCodes.RequestCancelled, 'Cancelled.');

/** A handler for a request about a document; `fallback` for documents that are not open or not ours, and when the body fails. */
export type OnDocument = <P extends { textDocument: { uri: string } }, R>(
  fallback: R,
  body: (document: ConfigDocument, params: P, token: CancellationToken) => R | Promise<R>,
) => (params: P, token: CancellationToken) => Promise<R>;

/** `documentOf` is asked late: it parses what has been typed meanwhile. */
export function createOnDocument(
  session: { readonly phase: Phase },
  isServed: (uri: string) => Promise<boolean>,
  documentOf: (uri: string) => ConfigDocument | null,
  log: Log,
): OnDocument {
  return (fallback, body) => async (params, token) => {
    refuseUnlessRunning(session);
    const { uri } = params.textDocument;
    // Typing that has arrived meanwhile comes first, and may have cancelled this.
    await new Promise((resolve) => setImmediate(resolve));
    if (token.isCancellationRequested) throw cancelled();
    try {
      const document = (await isServed(uri)) ? documentOf(uri) : null;
      if (document === null) return fallback;
      const answer = await body(document, params, token);
      if (token.isCancellationRequested) throw cancelled();
      return answer;
    } catch (error) {
      if (error instanceof ResponseError) throw error;
      log('error', error);
      return fallback;
    }
  };
}
