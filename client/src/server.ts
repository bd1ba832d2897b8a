import type * as vscode from 'vscode';
import type { OwnCommands } from './languageClient.js';

/**
 * The language server as the rest of the extension sees it. The library that speaks with it is loaded when the extension has
 * registered what it offers: that takes three times as long as all else that an activation does.
 */
export interface Server {
  /** Runs one of its commands; waits for a server that is still starting. */
  readonly execute: (
    command: string,
    args: readonly unknown[],
    token?: vscode.CancellationToken,
  ) => Promise<unknown>;
  readonly onNotification: (name: string, listener: (event: never) => void) => vscode.Disposable;
  readonly start: () => Promise<void>;
  /** Tells it that the user's settings count differently now. */
  readonly tellSettings: () => Promise<void>;
  readonly stop: () => Promise<void>;
}

/** The server, not started yet. `ownCommands` are those of its commands that run here. */
export function createServer(
  context: vscode.ExtensionContext,
  output: vscode.LogOutputChannel,
  ownCommands: () => OwnCommands,
): Server {
  const library = import('./languageClient.js');
  const loaded = library.then(({ createLanguageClient }) =>
    createLanguageClient(context, output, ownCommands),
  );

  return {
    execute: async (command, args, token) => (await library).execute(await loaded, command, args, token),
    onNotification(name, listener) {
      const registered = loaded.then((client) => client.onNotification(name, listener));
      return { dispose: () => void registered.then((listening) => void listening.dispose()) };
    },
    start: async () => (await loaded).start(),
    tellSettings: async () => (await library).tellSettings(await loaded),
    stop: async () => (await loaded).stop(),
  };
}
