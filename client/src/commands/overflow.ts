import type * as vscode from 'vscode';
import { Uri } from 'vscode';
import type { LanguageClient } from 'vscode-languageclient/node';
import type { OpenReport } from '../reportPanel.js';
import { runTask, savedConfig } from './engineTask.js';

/** The server's command for the comparison; its argument is the config's URI. */
export const SERVER_OVERFLOW = 'quantsmith.server.overflow';

/**
 * Measures what each overflow_fix gives here and on CPUs without VNNI, with a notification that can cancel it. The result
 * is put into the report, which opens, and stands on the line of overflow_fix.
 */
export async function compareOverflowFixes(
  client: LanguageClient,
  output: vscode.LogOutputChannel,
  openReport: OpenReport,
  config?: vscode.Uri,
): Promise<{ reportPath: string } | undefined> {
  const document = await savedConfig(config);
  if (document === undefined) return undefined;
  const task = {
    command: SERVER_OVERFLOW,
    title: 'Overflow fixes',
    failure: 'The overflow fixes could not be compared',
  };
  const result = await runTask<{ reportPath: string }>(client, output, task, document);
  if (result !== undefined) await openReport(Uri.file(result.reportPath));
  return result;
}
