import * as vscode from 'vscode';
import { activeConfig } from '../config/activeConfig.js';
import { isReport, newestReportOf } from '../report/files.js';
import type { ReportPanels } from '../report/panels.js';

/** Opens a report: the given one, the one in the active editor, or the newest of the config in it. */
export async function showReport(panels: ReportPanels, given?: unknown): Promise<void> {
  // Menus hand over the file that they belong to, lenses the address of a report.
  const file = typeof given === 'string' ? vscode.Uri.parse(given) : given;
  const active = vscode.window.activeTextEditor?.document.uri;
  const named = [file, active].find((uri) => uri instanceof vscode.Uri && isReport(uri));
  if (named instanceof vscode.Uri) return panels.open(named);
  const config = file instanceof vscode.Uri ? file : activeConfig()?.uri;
  if (config === undefined) return;
  const found = await newestReportOf(config);
  if (found !== undefined) return panels.open(found);
  const chosen = await vscode.window.showInformationMessage(
    'This config has no report yet: run the quantization first.',
    'Run',
  );

  if (chosen === 'Run') await vscode.commands.executeCommand('quantsmith.run', config);
}
