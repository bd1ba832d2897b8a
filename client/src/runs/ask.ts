import type * as vscode from 'vscode';
import type { Server } from '../server/server.js';

/** Sends a command of the server that takes a config alone. */
export const ask = <T>(server: Server, command: string, config: vscode.Uri): Promise<T> =>
  server.execute(command, [config.toString()]) as Promise<T>;
