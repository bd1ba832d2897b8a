import * as vscode from 'vscode';
import { activeConfig } from '../activeConfig.js';
import { openReport } from '../reportPanel.js';

/** Opens the report of the config in the active editor: the newest one whose config it is. */
export async function showReport(): Promise<void> {
  const document = activeConfig();
  if (document === undefined) return;
  const found = await reportOf(document);
  if (found !== undefined) return openReport(found);
  void vscode.window.showInformationMessage(
    'There is no report of this config yet: run the quantization first.',
  );
}

async function reportOf(document: vscode.TextDocument): Promise<vscode.Uri | undefined> {
  const folder = vscode.Uri.joinPath(document.uri, '..');
  const files = await vscode.workspace.findFiles(
    new vscode.RelativePattern(folder, '**/*.report.json'),
    '**/node_modules/**',
    200,
  );
  for (const file of files) {
    if ((await configOf(file)) === document.uri.fsPath) return file;
  }
  return undefined;
}

/** The config that a report names; undefined for a file that is no report. */
async function configOf(file: vscode.Uri): Promise<string | undefined> {
  try {
    const report = JSON.parse(new TextDecoder().decode(await vscode.workspace.fs.readFile(file))) as {
      config?: { path?: string };
    } | null;
    return report?.config?.path;
  } catch {
    return undefined;
  }
}
