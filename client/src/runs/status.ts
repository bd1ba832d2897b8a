import * as vscode from 'vscode';
import { CONFIG_LANGUAGES } from '../config/activeConfig.js';
import { nameOf, type ActiveRun, type Runs } from './run.js';

/** Stages that can end with the best model found so far. */
const RESTORING: ReadonlySet<string> = new Set(['rank', 'restore']);

/**
 * What runs, in the status bar and in the language status of configs; and the context key `quantsmith.running`, by which
 * the run button of a config that runs turns into a stop button; `quantsmith.restoring`: by which it offers to keep the best.
 */
export function showRunStatus(runs: Runs): vscode.Disposable {
  const bar = vscode.window.createStatusBarItem('quantsmith.run', vscode.StatusBarAlignment.Left, 10);
  bar.name = 'Quantsmith';
  bar.command = 'quantsmith.runMenu';
  const selector = [...CONFIG_LANGUAGES].map((language) => ({ language }));
  const language = vscode.languages.createLanguageStatusItem('quantsmith.run', selector);
  language.name = 'Quantsmith';

  const update = () => {
    const active = runs.active();
    const [first] = active;
    const restoring = active.filter(({ stage }) => RESTORING.has(stage));
    setContext(
      'quantsmith.running',
      active.flatMap(({ config }) => pathsOf(config)),
    );
    setContext(
      'quantsmith.restoring',
      restoring.flatMap(({ config }) => pathsOf(config)),
    );
    setContext('quantsmith.isRunning', first !== undefined);
    language.busy = first !== undefined;
    language.text = first === undefined ? 'Quantsmith: ready' : `Quantsmith: ${described(first)}`;
    language.command =
      first === undefined
        ? { command: 'quantsmith.run', title: vscode.l10n.t('Run') }
        : { command: 'quantsmith.runMenu', title: vscode.l10n.t('Stop or Cancel') };

    if (first === undefined) {
      bar.hide();
      return;
    }

    const more = active.length === 1 ? '' : ` (+${active.length - 1})`;
    bar.text = `$(sync~spin) ${described(first)}${more}`;
    bar.tooltip = active.map((run) => `${nameOf(run.config)}: ${run.message}`).join('\n');
    bar.accessibilityInformation = {
      label: vscode.l10n.t('Quantsmith: {0}. Click to stop or cancel.', described(first)),
    };
    bar.show();
  };

  update();

  return vscode.Disposable.from(bar, language, runs.onDidChange(update));
}

const setContext = (key: string, value: unknown) =>
  void vscode.commands.executeCommand('setContext', key, value);

/**
 * A file as the context key `resourcePath` has it: addresses differ between a window and the machine that it works on, and
 * the window writes paths as its own system does.
 */
const pathsOf = (file: vscode.Uri) => [file.path, file.fsPath, file.path.replaceAll('/', '\\')];

const described = ({ config, fraction, message }: ActiveRun) =>
  `${nameOf(config)} ${Math.round(100 * fraction)} %: ${message}`;

/** What can be done about what runs, to be chosen from a list. */
export async function chooseForRun(runs: Runs): Promise<void> {
  const names = runs.active().map(({ config }) => nameOf(config));
  if (names.length === 0) return;
  const items = [
    {
      label: vscode.l10n.t('$(check) Stop and Keep Best'),
      description: vscode.l10n.t('ends restoration with the best model found so far'),
      command: 'quantsmith.finish',
    },
    {
      label: vscode.l10n.t('$(debug-stop) Cancel'),
      description: vscode.l10n.t('nothing is written'),
      command: 'quantsmith.cancel',
    },
    { label: vscode.l10n.t('$(output) Show Log'), description: '', command: 'quantsmith.showLog' },
  ];

  const chosen = await vscode.window.showQuickPick(items, { placeHolder: names.join(', ') });
  if (chosen !== undefined) await vscode.commands.executeCommand(chosen.command);
}
