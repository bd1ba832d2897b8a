import { parseReport, reportHtml } from '@quantsmith/report';
import * as vscode from 'vscode';

/** Shows a report file beside the editor. */
export type OpenReport = (file: vscode.Uri) => Promise<void>;

/**
 * One panel for each report file: a file that is open already is read again and comes to the front. Panels run no
 * script and load nothing.
 */
export function createReportPanels(): OpenReport {
  const panels = new Map<string, vscode.WebviewPanel>();
  return async (file) => {
    const parsed = parseReport(new TextDecoder().decode(await vscode.workspace.fs.readFile(file)));
    if ('problem' in parsed) {
      void vscode.window.showErrorMessage(`${file.fsPath} cannot be shown. ${parsed.problem}`);
      return;
    }
    const key = file.toString();
    const panel = panels.get(key) ?? newPanel(parsed.report.output.path, () => panels.delete(key));
    panels.set(key, panel);
    panel.webview.html = reportHtml(parsed.report);
    panel.reveal(undefined, true);
  };
}

function newPanel(output: string, onClosed: () => void): vscode.WebviewPanel {
  const name = output.split(/[\\/]/).at(-1) ?? '';
  const panel = vscode.window.createWebviewPanel(
    'quantsmith.report',
    `Report: ${name}`,
    { viewColumn: vscode.ViewColumn.Beside, preserveFocus: true },
    { enableScripts: false, localResourceRoots: [] },
  );
  panel.onDidDispose(onClosed);
  return panel;
}
