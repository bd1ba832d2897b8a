import { compare, comparisonMarkdown, runsHtml, runsMarkdown, subjectOfReport } from '@quantsmith/report';
import * as vscode from 'vscode';
import { findConfigs } from '../config/configs.js';
import { nameOf } from '../runs/run.js';
import { historyOf, type PastRun } from './store.js';
import type { HistoryNode, HistoryTree } from './tree.js';

/** Commands on runs of the history. Menus hand over the run that was clicked, and all that are selected. */
export function registerHistoryCommands(tree: HistoryTree): vscode.Disposable {
  const command = (name: string, body: (node?: HistoryNode, nodes?: readonly HistoryNode[]) => unknown) =>
    vscode.commands.registerCommand(`quantsmith.history.${name}`, body);
  const runsOf = (node?: HistoryNode, nodes?: readonly HistoryNode[]): PastRun[] => {
    const chosen = nodes ?? (node === undefined ? tree.selection() : [node]);
    return chosen.flatMap((item) => (item.kind === 'run' ? [item.run] : []));
  };

  return vscode.Disposable.from(
    command('refresh', tree.refresh),
    command('open', (node) =>
      node?.kind === 'run'
        ? vscode.commands.executeCommand('quantsmith.showReport', node.run.report)
        : undefined,
    ),
    command('compare', (node, nodes) => compareRuns(runsOf(node, nodes), node)),
    command('restore', (node) => (node?.kind === 'run' ? restoreConfig(node.config, node.run) : undefined)),
    command('delete', (node, nodes) => deleteRuns(runsOf(node, nodes))),
    command('scatter', showScatter),
  );
}

/** Settings first, then figures and layers; of one run the run before is the other one. */
async function compareRuns(chosen: readonly PastRun[], node?: HistoryNode): Promise<void> {
  const before = chosen.length === 1 && node?.kind === 'run' ? node.before : undefined;
  const runs = before === undefined ? chosen : [before, ...chosen];
  if (runs.length < 2) {
    void vscode.window.showInformationMessage('Select two or more runs to compare.');
    return;
  }

  const ordered = [...runs].sort((a, b) => Date.parse(a.content.created) - Date.parse(b.content.created));
  const [first, last] = [ordered[0], ordered.at(-1)];
  if (first === undefined || last === undefined) return;
  const figures =
    ordered.length > 2
      ? runsMarkdown(ordered.map((run) => listed(run, null)))
      : comparisonMarkdown(
          compare(
            subjectOfReport(`A: ${labelOf(first)}`, first.content),
            subjectOfReport(`B: ${labelOf(last)}`, last.content),
          ),
        );

  const content = `${await settingsDiff(first, last)}\n\n${figures}`;
  const document = await vscode.workspace.openTextDocument({ language: 'markdown', content });
  await vscode.commands.executeCommand('markdown.showPreviewToSide', document.uri);
}

/** Lines of the configs that one run had and the other had not. */
async function settingsDiff(a: PastRun, b: PastRun): Promise<string> {
  const [before, after] = await Promise.all([linesOf(a), linesOf(b)]);
  const removed = before.filter((line) => !after.includes(line)).map((line) => `- ${line}`);
  const added = after.filter((line) => !before.includes(line)).map((line) => `+ ${line}`);
  const changes = [...removed, ...added];
  if (changes.length === 0) return '## Settings\n\nThe configs are alike.';
  const fence = '`'.repeat(Math.max(3, ...changes.map((line) => (/`+/.exec(line)?.[0].length ?? 0) + 1)));
  return `## Settings\n\n${fence}diff\n${changes.join('\n')}\n${fence}`;
}

async function linesOf({ configText }: PastRun): Promise<string[]> {
  const text = await vscode.workspace.fs.readFile(configText).then(
    (bytes) => new TextDecoder().decode(bytes),
    () => '',
  );

  return text.split(/\r?\n/).filter((line) => line.trim() !== '');
}

/** Puts the text that a run was made with back into the config, as an edit that can be undone. */
async function restoreConfig(config: vscode.Uri, { configText }: PastRun): Promise<void> {
  const text = new TextDecoder().decode(await vscode.workspace.fs.readFile(configText));
  const document = await vscode.workspace.openTextDocument(config);
  const whole = new vscode.Range(0, 0, document.lineCount, 0);
  const edit = new vscode.WorkspaceEdit();
  edit.replace(config, whole, text);
  await vscode.workspace.applyEdit(edit);
  await vscode.window.showTextDocument(document);
}

async function deleteRuns(runs: readonly PastRun[]): Promise<void> {
  if (runs.length === 0) return;
  const what = runs.length === 1 ? 'this run' : `these ${runs.length} runs`;
  const message = `Delete ${what} from the history? The models stay.`;
  if ((await vscode.window.showWarningMessage(message, { modal: true }, 'Delete')) !== 'Delete') return;
  for (const { folder } of runs) await vscode.workspace.fs.delete(folder, { recursive: true });
}

/** All runs of the workspace, accuracy against latency and size; points open their reports. */
async function showScatter(): Promise<void> {
  const configs = await findConfigs();
  const runs = (
    await Promise.all(
      configs.map(async (config) => (await historyOf(config)).runs.map((run) => ({ config, run }))),
    )
  ).flat();

  if (runs.length === 0) {
    void vscode.window.showInformationMessage('There are no runs in this workspace yet.');
    return;
  }

  const panel = vscode.window.createWebviewPanel(
    'quantsmith.runs',
    'Quantization runs',
    vscode.ViewColumn.Active,
    { enableCommandUris: ['quantsmith.showReport'], enableFindWidget: true, localResourceRoots: [] },
  );

  panel.webview.html = runsHtml(
    runs.map(({ config, run }) => ({
      ...listed(run, commandOf(run)),
      label: `${nameOf(config)}, ${labelOf(run)}`,
    })),
  );
}

const listed = (run: PastRun, href: string | null) => ({ label: labelOf(run), report: run.content, href });

const labelOf = ({ content }: PastRun) => new Date(content.created).toLocaleString();

const commandOf = ({ report }: PastRun) =>
  `command:quantsmith.showReport?${encodeURIComponent(JSON.stringify([report.toString()]))}`;
