import * as vscode from 'vscode';
import type { LanguageClient } from 'vscode-languageclient/node';
import { ExecuteCommandRequest } from 'vscode-languageclient/node';
import { activeConfig } from '../activeConfig.js';
import type { OpenReport } from '../reportPanel.js';

/** The server's command for a run; its argument is the config's URI. */
export const SERVER_RUN = 'quantsmith.server.run';

interface RunResult {
  readonly reportPath: string;
  readonly outputPath: string;
  readonly satisfied: boolean | null;
}
interface ProgressMessage {
  readonly uri: string;
  readonly fraction: number;
  readonly message: string;
}

/** Runs a config, or the one in the active editor, with a notification that can cancel it, and opens the report. */
export async function runQuantization(
  client: LanguageClient,
  output: vscode.LogOutputChannel,
  openReport: OpenReport,
  config?: vscode.Uri,
): Promise<RunResult | undefined> {
  const document = config === undefined ? activeConfig() : await vscode.workspace.openTextDocument(config);
  if (document === undefined) return undefined;
  if (document.isDirty && !(await document.save())) return undefined;
  const uri = document.uri.toString();
  const options = { location: vscode.ProgressLocation.Notification, title: 'Quantsmith', cancellable: true };
  const result = await vscode.window.withProgress(options, async (progress, token) => {
    let shown = 0;
    const listener = client.onNotification('quantsmith/progress', (event: ProgressMessage) => {
      if (event.uri !== uri) return;
      const percent = 100 * event.fraction;
      progress.report({ message: event.message, increment: Math.max(0, percent - shown) });
      shown = Math.max(shown, percent);
    });
    try {
      const params = { command: SERVER_RUN, arguments: [uri] };
      return (await client.sendRequest(ExecuteCommandRequest.type, params, token)) as RunResult;
    } catch (error) {
      if (token.isCancellationRequested) return undefined;
      const message = error instanceof Error ? error.message : String(error);
      output.error(message);
      void vscode.window.showErrorMessage(`Quantization failed: ${message}`);
      return undefined;
    } finally {
      listener.dispose();
    }
  });
  if (result !== undefined) await openReport(vscode.Uri.file(result.reportPath));
  return result;
}
