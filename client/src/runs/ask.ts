import type * as vscode from 'vscode';
import { type LanguageClient, ExecuteCommandRequest } from 'vscode-languageclient/node';

/** Sends a command of the server that takes a config alone. */
export const ask = <T>(client: LanguageClient, command: string, config: vscode.Uri): Promise<T> =>
  client.sendRequest(ExecuteCommandRequest.type, {
    command,
    arguments: [config.toString()],
  }) as Promise<T>;
