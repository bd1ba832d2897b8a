// Plays `vscode-languageclient/node` in tests of the extension (vitest.config.ts): a test answers what is sent.
import { ExecuteCommandRequest } from 'vscode-languageserver-protocol';
import { editor, on } from './editor.js';

export { DidChangeConfigurationNotification, ExecuteCommandRequest } from 'vscode-languageserver-protocol';

export const TransportKind = { stdio: 0, ipc: 1 } as const;

export class LanguageClient {
  constructor(id: string, _name: string, server: unknown, options: unknown) {
    editor.registered.set(`client ${id}`, { server, options });
  }

  start(): Promise<void> {
    return this.#note('start');
  }

  stop(): Promise<void> {
    return this.#note('stop');
  }

  sendNotification(type: { readonly method: string }): Promise<void> {
    return this.#note(type.method);
  }

  onNotification(name: string, listener: (event: never) => void): { dispose(): void } {
    return on(name, listener);
  }

  sendRequest(
    type: { readonly method: string },
    { command, arguments: args = [] }: { readonly command: string; readonly arguments?: readonly unknown[] },
    token?: Parameters<typeof editor.server>[0]['token'],
  ): Promise<unknown> {
    if (type.method !== ExecuteCommandRequest.method) throw new Error(`${type.method} is not played.`);
    return Promise.resolve().then(() => editor.server({ name: command, args, token }));
  }

  #note(text: string): Promise<void> {
    editor.log.push(`client: ${text}`);
    return Promise.resolve();
  }
}
