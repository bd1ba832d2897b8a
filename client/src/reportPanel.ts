import { reportHtml } from '@quantsmith/report';
import type { QuantizationReport } from '@quantsmith/schemas';
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
    const page = await readPage(file);
    if (page === null) {
      void vscode.window.showErrorMessage(`${file.fsPath} is not a report that this version can show.`);
      return;
    }
    const key = file.toString();
    const panel = panels.get(key) ?? newPanel(page.output, () => panels.delete(key));
    panels.set(key, panel);
    panel.webview.html = page.html;
    panel.reveal(undefined, true);
  };
}

/** null for what is no report; checking it against the schema would make the extension half as large again. */
async function readPage(file: vscode.Uri): Promise<{ html: string; output: string } | null> {
  const text = new TextDecoder().decode(await vscode.workspace.fs.readFile(file));
  try {
    const report = JSON.parse(text) as QuantizationReport;
    return { html: reportHtml(report), output: report.output.path };
  } catch {
    return null;
  }
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
