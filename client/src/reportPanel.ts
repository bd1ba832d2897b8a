import { randomBytes } from 'node:crypto';
import * as vscode from 'vscode';
import { reportHtml, type ReportView } from './reportHtml.js';

/** Shows a report beside the editor. The panel runs no script and loads nothing. */
export async function openReport(file: vscode.Uri): Promise<void> {
  const report = JSON.parse(new TextDecoder().decode(await vscode.workspace.fs.readFile(file))) as ReportView;
  const name = report.output.path.split(/[\\/]/).at(-1) ?? '';
  const panel = vscode.window.createWebviewPanel(
    'quantsmith.report',
    `Report: ${name}`,
    { viewColumn: vscode.ViewColumn.Beside, preserveFocus: true },
    { enableScripts: false, localResourceRoots: [] },
  );
  panel.webview.html = reportHtml(report, { nonce: randomBytes(16).toString('base64') });
}
