import { runsHtml } from '@quantsmith/report';
import * as vscode from 'vscode';
import { findConfigs } from '../config/configs.js';
import { timeOf } from '../report/files.js';
import { restorePages, showPage, type Page } from '../report/page.js';
import type { PageStates } from '../report/pageStates.js';
import { nameOf } from '../runs/run.js';
import type { Server } from '../server/server.js';
import {
  listedRun,
  OPEN_REPORT,
  restoreComparisons,
  showComparison,
  type ComparedRun,
} from './comparison.js';
import { historyOf, type PastRun } from './store.js';
import type { HistoryNode, HistoryTree } from './tree.js';

type RunNode = HistoryNode & { readonly kind: 'run' };

/** Menus hand over the row that was clicked and all that are selected with it; keys and the palette nothing. */
type Handed = readonly [node?: HistoryNode, nodes?: readonly (HistoryNode | undefined)[]];

/** Commands on runs of the history. */
export function registerHistoryCommands(
  server: Server,
  tree: HistoryTree,
  states: PageStates,
): vscode.Disposable {
  const command = (name: string, body: (runs: readonly RunNode[]) => unknown) =>
    vscode.commands.registerCommand(`quantsmith.history.${name}`, (...handed: Handed) =>
      body(meantRuns(tree, handed)),
    );
  const onFirst =
    (body: (run: RunNode) => unknown) =>
    ([first]: readonly RunNode[]) =>
      first === undefined ? undefined : body(first);

  return vscode.Disposable.from(
    restoreComparisons(server, states),
    restorePages(SCATTER_VIEW, states, scatterPage),
    vscode.commands.registerCommand('quantsmith.history.refresh', tree.refresh),
    vscode.commands.registerCommand('quantsmith.history.scatter', showScatter),
    command(
      'open',
      onFirst(({ run }) => vscode.commands.executeCommand(OPEN_REPORT, run.report)),
    ),
    command('compare', (runs) => compareRuns(server, states, runs)),
    command(
      'restore',
      onFirst(({ config, run }) => restoreConfig(config, run)),
    ),
    command('delete', async (runs) => {
      await deleteRuns(runs.map(({ run }) => run));
      tree.refresh();
    }),
  );
}

/** The runs that a command is meant for. Rows that are being read anew come as undefined: then the selection is what was meant. */
function meantRuns(tree: HistoryTree, handed: Handed): RunNode[] {
  const [node, nodes] = handed;
  const isUnknown = handed.length === 0 || nodes?.includes(undefined) === true;
  const meant = isUnknown ? tree.selection() : (nodes ?? [node]);

  return meant.filter((item) => item?.kind === 'run');
}

/** Of one run alone the run before is the other one. */
async function compareRuns(server: Server, states: PageStates, chosen: readonly RunNode[]): Promise<void> {
  const [first] = chosen;
  const before = chosen.length === 1 ? first?.before : undefined;
  const runs = chosen.map(({ config, run }) => comparedRun(config, run));
  if (first !== undefined && before !== undefined) runs.push(comparedRun(first.config, before));
  if (runs.length < 2) {
    void vscode.window.showInformationMessage(vscode.l10n.t('Select two or more runs to compare.'));
    return;
  }

  await showComparison(server, states, runs);
}

const comparedRun = (config: vscode.Uri, run: PastRun): ComparedRun => ({
  ...run,
  label: `${nameOf(config)}, ${timeOf(run.content)}`,
});

/** Puts the text that a run was made with back into the config, as an edit that can be undone. */
async function restoreConfig(config: vscode.Uri, { configText }: PastRun): Promise<void> {
  const text = new TextDecoder().decode(await vscode.workspace.fs.readFile(configText));
  const document = await vscode.workspace.openTextDocument(config);
  const whole = new vscode.Range(0, 0, document.lineCount, 0);
  const edit = new vscode.WorkspaceEdit();
  edit.replace(config, whole, text);
  await vscode.workspace.applyEdit(edit);
  await vscode.window.showTextDocument(document, vscode.ViewColumn.One);
}

async function deleteRuns(runs: readonly PastRun[]): Promise<void> {
  if (runs.length === 0) return;
  const message =
    runs.length === 1
      ? vscode.l10n.t('Delete this run from the history? The models stay.')
      : vscode.l10n.t('Delete these {0} runs from the history? The models stay.', runs.length);
  const confirm = vscode.l10n.t('Delete');
  if ((await vscode.window.showWarningMessage(message, { modal: true }, confirm)) !== confirm) return;
  for (const { folder } of runs) await vscode.workspace.fs.delete(folder, { recursive: true });
}

async function showScatter(): Promise<void> {
  const page = await scatterPage();
  if (page === null)
    void vscode.window.showInformationMessage(vscode.l10n.t('There are no runs in this workspace yet.'));
  else showPage(page);
}

const SCATTER_VIEW = 'quantsmith.runs';

/** All runs of the workspace, accuracy against latency and size; points open their reports. null: there are none. */
async function scatterPage(): Promise<Page | null> {
  const configs = await findConfigs();
  const runsByConfig = await Promise.all(
    configs.map(async (config) => (await historyOf(config)).runs.map((run) => comparedRun(config, run))),
  );
  const runs = runsByConfig.flat();
  if (runs.length === 0) return null;

  return {
    view: SCATTER_VIEW,
    title: vscode.l10n.t('Quantization runs'),
    html: (host) => runsHtml(runs.map(listedRun), null, host),
    commands: [OPEN_REPORT],
    // Nothing is kept: it is made from what lies in the workspace.
    state: {},
  };
}
