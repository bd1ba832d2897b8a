import * as vscode from 'vscode';
import { configInView } from '../config/activeConfig.js';
import { allReports, isReport, newestReportOf } from '../report/files.js';
import type { ReportPanels } from '../report/panels.js';

/** Opens a report: the given one, the newest of the given config or of the one in view, or one to choose. */
export async function showReport(panels: ReportPanels, given?: vscode.Uri): Promise<void> {
  if (given !== undefined && isReport(given)) return panels.open(given);
  const config = given ?? configInView()?.uri;
  if (config === undefined) return pickReport(panels);
  const newest = await newestReportOf(config);
  if (newest !== undefined) return panels.open(newest);
  const run = vscode.l10n.t('Run');
  const chosen = await vscode.window.showInformationMessage(
    vscode.l10n.t('This config has no report yet: run the quantization first.'),
    run,
  );

  if (chosen === run) await vscode.commands.executeCommand('quantsmith.run', config);
}

async function pickReport(panels: ReportPanels): Promise<void> {
  const reports = (await allReports()).filter(({ path }) => !path.includes('/.quantsmith/'));
  if (reports.length === 0) {
    void vscode.window.showInformationMessage(
      vscode.l10n.t('There is no report in this workspace yet: quantize a model first.'),
    );
    return;
  }

  const items = reports.map((uri) => ({ label: vscode.workspace.asRelativePath(uri), uri }));
  const chosen = await vscode.window.showQuickPick(items, {
    placeHolder: vscode.l10n.t('The report to show'),
  });
  if (chosen !== undefined) await panels.open(chosen.uri);
}
