import { compare, comparisonMarkdown, subjectOfReport } from '@quantsmith/report';
import type { QuantizationReport } from '@quantsmith/schemas';
import * as vscode from 'vscode';
import { activeConfig } from '../config/activeConfig.js';
import { newestReportOf, readReport, reportFiles } from '../report/files.js';

/**
 * Shows two reports side by side as Markdown. Without arguments: the report of the config in view, and one to choose.
 */
export async function compareReports(first?: vscode.Uri, second?: vscode.Uri): Promise<void> {
  const a = first ?? (await ownReport());
  if (a === undefined) return;
  const b = second ?? (await otherReport(a));
  if (b === undefined) return;
  const [reportA, other] = await Promise.all([readReport(a), readReport(b)]);
  if (reportA === null || other === null) {
    const file = (reportA === null ? a : b).fsPath;
    void vscode.window.showErrorMessage(`${file} is not a report that this version can show.`);
    return;
  }

  const subject = (report: QuantizationReport) => subjectOfReport(report.output.path, report);
  const content = comparisonMarkdown(compare(subject(reportA), subject(other)));
  const document = await vscode.workspace.openTextDocument({ language: 'markdown', content });
  await vscode.commands.executeCommand('markdown.showPreviewToSide', document.uri);
}

async function ownReport(): Promise<vscode.Uri | undefined> {
  const config = activeConfig();
  const newest = config === undefined ? undefined : await newestReportOf(config.uri);
  if (config !== undefined && newest === undefined)
    void vscode.window.showInformationMessage('This config has no report yet: run the quantization first.');
  return newest;
}

async function otherReport(current: vscode.Uri): Promise<vscode.Uri | undefined> {
  const others = (await reportFiles(current)).filter((file) => file.toString() !== current.toString());
  if (others.length === 0) {
    void vscode.window.showInformationMessage('There is no other report in this folder to compare with.');
    return undefined;
  }

  const items = others.map((uri) => ({ label: vscode.workspace.asRelativePath(uri), uri }));

  return (await vscode.window.showQuickPick(items, { placeHolder: 'The report to compare with' }))?.uri;
}
