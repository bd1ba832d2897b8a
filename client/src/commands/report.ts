import * as vscode from 'vscode';
import { activeConfig } from '../activeConfig.js';
import type { OpenReport } from '../reportPanel.js';

/** Opens a report, or the newest one of the config in the active editor. */
export async function showReport(openReport: OpenReport, file?: unknown): Promise<void> {
  // Menus hand over the file that they belong to, lenses the address of a report.
  if (typeof file === 'string') return openReport(vscode.Uri.parse(file));
  const document = activeConfig();
  if (document === undefined) return;
  const found = await newestReportOf(document.uri);
  if (found !== undefined) return openReport(found);
  void vscode.window.showInformationMessage(
    'There is no report of this config yet: run the quantization first.',
  );
}

/** A config can have been run with several outputs, anywhere in its workspace folder. */
export async function newestReportOf(config: vscode.Uri): Promise<vscode.Uri | undefined> {
  const heads = await Promise.all((await reportFiles(config)).map(headOf));
  const own = heads.filter((head) => head?.config === config.toString()).map((head) => head!);
  return own.sort((a, b) => Date.parse(b.created) - Date.parse(a.created))[0]?.file;
}

/** The reports in the workspace folder of a file. */
export async function reportFiles(of: vscode.Uri): Promise<vscode.Uri[]> {
  const folder = vscode.workspace.getWorkspaceFolder(of)?.uri ?? vscode.Uri.joinPath(of, '..');
  const pattern = new vscode.RelativePattern(folder, '**/*.report.json');
  return vscode.workspace.findFiles(pattern, '**/node_modules/**', 1000);
}

/** When a report was made, and of which config; undefined for a file that is no report. */
async function headOf(
  file: vscode.Uri,
): Promise<{ file: vscode.Uri; config: string; created: string } | undefined> {
  try {
    const text = new TextDecoder().decode(await vscode.workspace.fs.readFile(file));
    const { config, created } = JSON.parse(text) as { config: { path: string }; created: string };
    return { file, config: vscode.Uri.file(config.path).toString(), created };
  } catch {
    return undefined;
  }
}
