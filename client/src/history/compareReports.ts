import * as vscode from 'vscode';
import { activeConfig } from '../config/activeConfig.js';
import { configOf, newestReportOf, readReport, reportFiles } from '../report/files.js';
import type { Server } from '../server/server.js';
import { showComparison, type ComparedRun } from './comparison.js';
import type { PageStates } from '../report/pageStates.js';
import { historyOf } from './store.js';

/** Shows two reports side by side. Without arguments: the report of the config in view, and one to choose. */
export async function compareReports(
  server: Server,
  states: PageStates,
  first?: vscode.Uri,
  second?: vscode.Uri,
): Promise<void> {
  const a = first ?? (await ownReport());
  if (a === undefined) return;
  const b = second ?? (await otherReport(a));
  if (b === undefined) return;
  const [runA, runB] = await Promise.all([comparedRun(a), comparedRun(b)]);
  if (runA === null || runB === null) {
    const file = (runA === null ? a : b).fsPath;
    void vscode.window.showErrorMessage(
      vscode.l10n.t('{0} is not a report that this version can show.', file),
    );
    return;
  }

  await showComparison(server, states, [runA, runB]);
}

/** A report by its model, with the config that the history keeps of its run. */
async function comparedRun(report: vscode.Uri): Promise<ComparedRun | null> {
  const content = await readReport(report);
  if (content === null) return null;
  const { runs } = await historyOf(configOf(report, content));
  const run = runs.find(({ content: { created } }) => created === content.created);
  const label = content.output.path.split(/[\\/]/).at(-1) ?? content.output.path;
  return { label, report, configText: run?.configText ?? null, content };
}

async function ownReport(): Promise<vscode.Uri | undefined> {
  const config = activeConfig();
  const newest = config === undefined ? undefined : await newestReportOf(config.uri);
  if (config !== undefined && newest === undefined)
    void vscode.window.showInformationMessage(
      vscode.l10n.t('This config has no report yet: run the quantization first.'),
    );
  return newest;
}

async function otherReport(current: vscode.Uri): Promise<vscode.Uri | undefined> {
  const others = (await reportFiles(current)).filter((file) => file.toString() !== current.toString());
  if (others.length === 0) {
    void vscode.window.showInformationMessage(
      vscode.l10n.t('There is no other report in this folder to compare with.'),
    );
    return undefined;
  }

  const items = others.map((uri) => ({ label: vscode.workspace.asRelativePath(uri), uri }));

  return (
    await vscode.window.showQuickPick(items, { placeHolder: vscode.l10n.t('The report to compare with') })
  )?.uri;
}
