import type { Diagnostic } from 'vscode-languageserver/node';
import type { TextDocument } from 'vscode-languageserver-textdocument';
import type { KnownClientCapabilities } from '../client/capabilities.js';
import type { Client } from '../client/client.js';
import type { Log } from '../client/log.js';

/** Milliseconds of silence before pushed diagnostics are made, for clients that do not pull: what is asked with a key goes first. */
const PUSH_DELAY_MS = 2;
/** Milliseconds of silence after changes of files before clients are asked to ask again. */
const TELL_DELAY_MS = 50;

/** What the server says unasked: diagnostics to clients that do not pull, and that others should ask again. */
export interface Refresh {
  /** The text of a document has changed. */
  readonly changed: (text: TextDocument) => void;
  readonly closed: (uri: string) => void;
  /** Files or settings have changed: all clients are refreshed, after a while. */
  readonly everything: () => void;
  /** Diagnostics of some open documents have changed with another one. */
  readonly diagnostics: (texts: readonly TextDocument[]) => void;
}

export interface TellingOptions {
  readonly client: Client;
  readonly capabilities: () => KnownClientCapabilities;
  readonly open: () => readonly TextDocument[];
  readonly diagnose: (text: TextDocument) => Promise<Diagnostic[]>;
  /** Waits for those who ask. */
  readonly pause: () => Promise<void>;
  readonly log: Log;
}

export function createRefresh(options: TellingOptions): Refresh {
  const { client, capabilities, open, diagnose, pause, log } = options;
  const timers = new Map<string, NodeJS.Timeout>();
  let refresh: NodeJS.Timeout | undefined;

  const push = (text: TextDocument) => {
    clearTimeout(timers.get(text.uri));
    const send = async () => {
      await pause();
      const { version } = text;
      const diagnostics = await diagnose(text);
      const current = open().find(({ uri }) => uri === text.uri);
      // Newer text is on its way with findings of its own.
      if (current?.version === version) client.publish({ uri: text.uri, version, diagnostics });
    };

    timers.set(
      text.uri,
      setTimeout(() => void send().catch((error: unknown) => log('error', error)), PUSH_DELAY_MS),
    );
  };

  return {
    changed(text) {
      if (!capabilities().pullDiagnostics) push(text);
    },
    closed(uri) {
      clearTimeout(timers.get(uri));
      timers.delete(uri);
      if (!capabilities().pullDiagnostics) client.publish({ uri, diagnostics: [] });
    },
    everything() {
      // A folder of images changes file by file.
      clearTimeout(refresh);
      refresh = setTimeout(() => {
        log('debug', 'Files or settings have changed: refreshing all clients.');
        if (capabilities().pullDiagnostics) client.refreshDiagnostics();
        else for (const text of open()) push(text);
        client.refreshCodeLens();
        client.refreshInlayHints();
      }, TELL_DELAY_MS);
    },
    diagnostics(texts) {
      if (texts.length === 0) return;
      if (capabilities().pullDiagnostics) client.refreshDiagnostics();
      else for (const text of texts) push(text);
    },
  };
}
