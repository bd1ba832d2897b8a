import type * as vscode from 'vscode';

/** The language server as the rest of the extension sees it. */
export interface Server {
  /** Runs one of its commands; waits for a server that is still starting. */
  readonly execute: (
    command: string,
    args: readonly unknown[],
    token?: vscode.CancellationToken,
  ) => Promise<unknown>;
  readonly onNotification: (name: string, listener: (event: unknown) => void) => vscode.Disposable;
  readonly start: () => Promise<void>;
  /** Tells it that the user's settings count differently now. */
  readonly tellSettings: () => Promise<void>;
  readonly stop: () => Promise<void>;
}

/**
 * A server whose library is still being loaded: what is asked of it waits. That library takes three times as long as all else
 * that an activation does, so it is loaded when the extension has registered what it offers.
 */
export function loadedLater(server: Promise<Server>): Server {
  return {
    execute: async (command, args, token) => (await server).execute(command, args, token),
    onNotification(name, listener) {
      const registered = server.then((loaded) => loaded.onNotification(name, listener));
      return { dispose: () => void registered.then((listening) => void listening.dispose()) };
    },
    start: async () => (await server).start(),
    tellSettings: async () => (await server).tellSettings(),
    stop: async () => (await server).stop(),
  };
}
