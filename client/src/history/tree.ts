import { distrustOf, metricValue } from '@quantsmith/report';
import * as vscode from 'vscode';
import { findConfigs, watchConfigs } from '../config/configs.js';
import type { Runs } from '../runs/run.js';
import { shortTimeOf, timeOf } from '../report/files.js';
import { historyOf, watchHistory, type History, type PastRun } from './store.js';

export type HistoryNode =
  | ({ readonly kind: 'config'; readonly config: vscode.Uri } & History)
  | { readonly kind: 'unreadable'; readonly config: vscode.Uri; readonly count: number }
  | {
      readonly kind: 'run';
      readonly config: vscode.Uri;
      readonly run: PastRun;
      readonly before: PastRun | undefined;
    };

type ConfigNode = HistoryNode & { readonly kind: 'config' };

export interface HistoryTree extends vscode.Disposable {
  readonly refresh: () => void;
  /** What was selected last. While the tree is read anew, VS Code itself does not know what its rows stand for. */
  readonly selection: () => readonly HistoryNode[];
}

/** The configs of the workspace with their state, and below each its runs, the newest first. */
export function createHistoryTree(runs: Runs): HistoryTree {
  const changed = new vscode.EventEmitter<void>();
  const refresh = () => changed.fire();
  let configs: readonly ConfigNode[] = [];
  let shown = '';
  let selection: readonly HistoryNode[] = [];

  const states = () => configs.map(({ config, runs: past }) => stateOf(config, past, runs)).join();
  // Progress and findings come many times a second; few of them change what is shown.
  const refreshIfChanged = () => {
    if (states() !== shown) refresh();
  };

  const view = vscode.window.createTreeView<HistoryNode>('quantsmith.history', {
    canSelectMany: true,
    treeDataProvider: {
      onDidChangeTreeData: changed.event,
      async getChildren(node) {
        if (node === undefined) {
          configs = await readConfigs();
          shown = states();
          return [...configs];
        }

        return node.kind === 'config' ? runNodes(node) : [];
      },
      getTreeItem(node) {
        if (node.kind === 'unreadable') return unreadableItem(node);
        return node.kind === 'config' ? configItem(node, runs) : runItem(node);
      },
    },
  });

  const selected = view.onDidChangeSelection((event) => {
    selection = event.selection;
    const count = selection.filter(({ kind }) => kind === 'run').length;
    void vscode.commands.executeCommand('setContext', 'quantsmith.selectedRuns', count);
  });
  const history = watchHistory();
  history.onDidCreate(refresh);
  history.onDidDelete(refresh);

  const disposable = vscode.Disposable.from(
    view,
    changed,
    selected,
    runs.onDidChange(refreshIfChanged),
    vscode.languages.onDidChangeDiagnostics(refreshIfChanged),
    history,
    watchConfigs(refresh),
  );

  return { refresh, selection: () => selection, dispose: () => void disposable.dispose() };
}

async function readConfigs(): Promise<ConfigNode[]> {
  const configs = await findConfigs();
  return Promise.all(
    configs.map(async (config) => ({ kind: 'config', config, ...(await historyOf(config)) }) as const),
  );
}

function runNodes({ config, runs, unreadable }: HistoryNode & { readonly kind: 'config' }): HistoryNode[] {
  const nodes = runs.map((run, index) => {
    return { kind: 'run', config, run, before: runs[index + 1] } as const;
  });

  return unreadable === 0 ? nodes : [...nodes, { kind: 'unreadable', config, count: unreadable }];
}

function unreadableItem({ count }: HistoryNode & { readonly kind: 'unreadable' }): vscode.TreeItem {
  const item = new vscode.TreeItem(
    count === 1
      ? vscode.l10n.t('1 run that cannot be read')
      : vscode.l10n.t('{0} runs that cannot be read', count),
  );
  item.tooltip = vscode.l10n.t('The reports are damaged, or of a later version of Quantsmith.');
  item.iconPath = new vscode.ThemeIcon('question');

  return item;
}

type ConfigState = 'running' | 'queued' | 'failed' | 'missed' | 'doubtful' | 'stale' | 'fresh' | 'new';

const STATES: Readonly<Record<ConfigState, { readonly icon: string; readonly text: string }>> = {
  running: { icon: 'sync~spin', text: vscode.l10n.t('running') },
  queued: { icon: 'watch', text: vscode.l10n.t('waits for another run') },
  failed: { icon: 'error', text: vscode.l10n.t('has errors') },
  missed: { icon: 'warning', text: vscode.l10n.t('target missed') },
  doubtful: { icon: 'warning', text: vscode.l10n.t('not trustworthy') },
  stale: { icon: 'history', text: vscode.l10n.t('changed since the last run') },
  fresh: { icon: 'pass', text: vscode.l10n.t('up to date') },
  new: { icon: 'circle-outline', text: vscode.l10n.t('not run yet') },
};

function configItem({ config, runs: past, unreadable }: ConfigNode, runs: Runs): vscode.TreeItem {
  const state = stateOf(config, past, runs);
  const isEmpty = past.length + unreadable === 0;
  const item = new vscode.TreeItem(
    vscode.workspace.asRelativePath(config),
    isEmpty ? vscode.TreeItemCollapsibleState.None : vscode.TreeItemCollapsibleState.Expanded,
  );

  // Another item with its first run: the one that had none would stay closed.
  item.id = `${config.toString()}${isEmpty ? '#empty' : ''}`;
  item.resourceUri = config;
  item.iconPath = new vscode.ThemeIcon(STATES[state].icon);
  item.description = STATES[state].text;
  // What waits can be cancelled like what runs.
  item.contextValue = `config.${state === 'queued' ? 'running' : state}`;
  item.command = { command: 'vscode.open', title: vscode.l10n.t('Open'), arguments: [config] };

  return item;
}

function stateOf(config: vscode.Uri, past: readonly PastRun[], runs: Runs): ConfigState {
  const active = runs.active().filter((run) => run.config.toString() === config.toString());
  if (active.length > 0) return active.some(({ phase }) => phase === 'running') ? 'running' : 'queued';
  const findings = vscode.languages.getDiagnostics(config);
  const has = (name: string) =>
    findings.some(({ code }) => (typeof code === 'object' ? code.value : code) === name);

  if (has('report-stale')) return 'stale';
  const [last] = past;
  if (last?.content.metric?.satisfied === false) return 'missed';
  if (last !== undefined && distrustOf(last.content) !== null) return 'doubtful';
  if (findings.some(({ severity }) => severity === vscode.DiagnosticSeverity.Error)) return 'failed';

  return last === undefined ? 'new' : 'fresh';
}

function runItem({ run, before, config }: HistoryNode & { readonly kind: 'run' }): vscode.TreeItem {
  const { metric, size, latency_ms: latency } = run.content;
  const item = new vscode.TreeItem(shortTimeOf(run.content));
  item.id = run.folder.toString();
  const parts = [
    ...(metric === null
      ? []
      : [`${trend(run, before)}${metric.name} ${metricValue(metric.name, metric.quantized)}`]),
    `${size.ratio.toFixed(2)}× smaller`,
    ...(latency === null ? [] : [`${latency.quantized_median.toPrecision(3)} ms`]),
  ];

  item.description = parts.join(', ');
  item.tooltip = [vscode.workspace.asRelativePath(config), timeOf(run.content), ...parts].join('\n');
  item.iconPath = new vscode.ThemeIcon(
    metric?.satisfied === false || distrustOf(run.content) !== null
      ? 'warning'
      : metric?.satisfied === true
        ? 'pass'
        : 'circle-filled',
  );
  item.contextValue = 'run';
  item.command = {
    command: 'quantsmith.showReport',
    title: vscode.l10n.t('Open Report'),
    arguments: [run.report],
  };

  return item;
}

/** An arrow against the run before, in the metric's own direction. */
function trend({ content: now }: PastRun, before: PastRun | undefined): string {
  const then = before?.content.metric;
  if (now.metric === null || then === undefined || then === null || then.name !== now.metric.name) return '';
  if (then.quantized === now.metric.quantized) return '= ';
  const isBetter = now.metric.quantized > then.quantized === now.metric.higher_is_better;
  return isBetter ? '▲ ' : '▼ ';
}
