import type * as vscode from 'vscode';
import { Uri } from 'vscode';
import type { LanguageClient } from 'vscode-languageclient/node';
import type { OpenReport } from '../reportPanel.js';
import { runTask, savedConfig } from './engineTask.js';

/** The server's command for a run; its argument is the config's URI. */
export const SERVER_RUN = 'quantsmith.server.run';

interface RunResult {
  readonly reportPath: string;
  readonly outputPath: string;
  readonly satisfied: boolean | null;
}

/** Runs a config, or the one in the active editor, with a notification that can cancel it, and opens the report. */
export async function runQuantization(
  client: LanguageClient,
  output: vscode.LogOutputChannel,
  openReport: OpenReport,
  config?: vscode.Uri,
): Promise<RunResult | undefined> {
  const document = await savedConfig(config);
  if (document === undefined) return undefined;
  const task = { command: SERVER_RUN, title: 'Quantsmith', failure: 'Quantization failed' };
  const result = await runTask<RunResult>(client, output, task, document);
  if (result !== undefined) await openReport(Uri.file(result.reportPath));
  return result;
}
