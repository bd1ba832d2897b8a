import * as vscode from 'vscode';
import type { LanguageClient } from 'vscode-languageclient/node';
import { ExecuteCommandRequest } from 'vscode-languageclient/node';
import { activeConfig } from '../activeConfig.js';

interface ProgressMessage {
  readonly uri: string;
  readonly fraction: number;
  readonly message: string;
}

/** A command of the server that an engine process serves. */
export interface EngineTask {
  /** The server's command; its argument is the config's URI. */
  readonly command: string;
  /** Of the notification. */
  readonly title: string;
  /** How a message about its failure begins. */
  readonly failure: string;
}

/** The config, saved, that a command is about: the given one or the one in the active editor. */
export async function savedConfig(config?: vscode.Uri): Promise<vscode.TextDocument | undefined> {
  const document = config === undefined ? activeConfig() : await vscode.workspace.openTextDocument(config);
  if (document === undefined || (document.isDirty && !(await document.save()))) return undefined;
  return document;
}

/** Sends the task with a notification that shows its progress and can cancel it; undefined: cancelled, or failed and said so. */
export async function runTask<T>(
  client: LanguageClient,
  output: vscode.LogOutputChannel,
  { command, title, failure }: EngineTask,
  document: vscode.TextDocument,
): Promise<T | undefined> {
  const uri = document.uri.toString();
  const options = { location: vscode.ProgressLocation.Notification, title, cancellable: true };
  return vscode.window.withProgress(options, async (progress, token) => {
    let shown = 0;
    const listener = client.onNotification('quantsmith/progress', (event: ProgressMessage) => {
      if (event.uri !== uri) return;
      const percent = 100 * event.fraction;
      progress.report({ message: event.message, increment: Math.max(0, percent - shown) });
      shown = Math.max(shown, percent);
    });
    try {
      const params = { command, arguments: [uri] };
      return (await client.sendRequest(ExecuteCommandRequest.type, params, token)) as T;
    } catch (error) {
      if (token.isCancellationRequested) return undefined;
      const message = error instanceof Error ? error.message : String(error);
      output.error(message);
      void vscode.window.showErrorMessage(`${failure}: ${message}`);
      return undefined;
    } finally {
      listener.dispose();
    }
  });
}
