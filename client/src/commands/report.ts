import * as vscode from 'vscode';
import { activeConfig } from '../config/activeConfig.js';
import { isReport, newestReportOf } from '../report/files.js';
import type { ReportPanels } from '../report/panels.js';

/** Opens a report: the given one, or the newest of the given config, or of the one in the active editor. */
export async function showReport(panels: ReportPanels, given?: vscode.Uri): Promise<void> {
  if (given !== undefined && isReport(given)) return panels.open(given);
  const config = given ?? activeConfig()?.uri;
  if (config === undefined) return;
  const found = await newestReportOf(config);
  if (found !== undefined) return panels.open(found);
  const chosen = await vscode.window.showInformationMessage(
    'This config has no report yet: run the quantization first.',
    'Run',
  );

  if (chosen === 'Run') await vscode.commands.executeCommand('quantsmith.run', config);
}
