import * as vscode from 'vscode';
import { activeConfig } from '../activeConfig.js';
import type { OpenReport } from '../reportPanel.js';

/** Opens the newest report of the config in the active editor. */
export async function showReport(openReport: OpenReport): Promise<void> {
  const document = activeConfig();
  if (document === undefined) return;
  const found = await newestReportOf(document.uri);
  if (found !== undefined) return openReport(found);
  void vscode.window.showInformationMessage(
    'There is no report of this config yet: run the quantization first.',
  );
}

/** A config can have been run with several outputs, anywhere in its workspace folder. */
async function newestReportOf(config: vscode.Uri): Promise<vscode.Uri | undefined> {
  const folder = vscode.workspace.getWorkspaceFolder(config)?.uri ?? vscode.Uri.joinPath(config, '..');
  const files = await vscode.workspace.findFiles(
    new vscode.RelativePattern(folder, '**/*.report.json'),
    '**/node_modules/**',
    1000,
  );
  const heads = await Promise.all(files.map(headOf));
  const own = heads.filter((head) => head?.config === config.toString()).map((head) => head!);
  return own.sort((a, b) => Date.parse(b.created) - Date.parse(a.created))[0]?.file;
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
