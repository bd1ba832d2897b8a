import * as vscode from 'vscode';
import { savedConfig } from '../config/activeConfig.js';
import type { ReportPanels } from '../report/panels.js';
import { nameOf, type RunKind, type RunOptions, type Runs } from '../runs/run.js';

/** The server's command for a run; its argument is the config's URI. */
export const SERVER_RUN = 'quantsmith.server.run';

const RUN: RunKind = {
  command: SERVER_RUN,
  verb: vscode.l10n.t('Quantizing'),
  failure: vscode.l10n.t('quantization failed'),
  resumes: true,
};

export interface RunResult {
  readonly reportPath: string;
  readonly outputPath: string;
  /** Whether the target was met; null: there was none. */
  readonly satisfied: boolean | null;
  /** Why the figures are not to be trusted, in one sentence; null: nothing speaks against them. */
  readonly distrust: string | null;
}

/**
 * Runs a config, or the one in the active editor. The report opens by itself where its config is in view; else a message
 * says how it ended.
 */
export async function runQuantization(
  runs: Runs,
  panels: ReportPanels,
  output: vscode.LogOutputChannel,
  given?: vscode.Uri,
  options: RunOptions = {},
): Promise<RunResult | undefined> {
  const config = await savedConfig(given);
  if (config === undefined) return undefined;
  const result = await runs.start<RunResult>(RUN, config, options);
  if (result === undefined) return undefined;
  const report = vscode.Uri.file(result.reportPath);
  if (isInView(config)) await panels.open(report);
  else void tellEnd(config, result, { panels, output });

  return result;
}

const isInView = (config: vscode.Uri) =>
  vscode.window.visibleTextEditors.some(({ document }) => document.uri.toString() === config.toString());

async function tellEnd(
  config: vscode.Uri,
  { satisfied, distrust, reportPath }: RunResult,
  { panels, output }: { panels: ReportPanels; output: vscode.LogOutputChannel },
): Promise<void> {
  const verdict = {
    true: vscode.l10n.t('target met'),
    false: vscode.l10n.t('target missed'),
    null: vscode.l10n.t('quantized'),
  }[String(satisfied)];
  const message =
    distrust === null
      ? `${nameOf(config)}: ${verdict}.`
      : vscode.l10n.t('{0}: not trustworthy. {1}', nameOf(config), distrust);
  const show =
    satisfied === false || distrust !== null
      ? vscode.window.showWarningMessage
      : vscode.window.showInformationMessage;

  const [open, problems, log] = [vscode.l10n.t('Report'), vscode.l10n.t('Problems'), vscode.l10n.t('Log')];
  const chosen = await show(message, open, problems, log);
  if (chosen === open) await panels.open(vscode.Uri.file(reportPath));
  if (chosen === problems) await vscode.commands.executeCommand('workbench.actions.view.problems');
  if (chosen === log) output.show();
}
