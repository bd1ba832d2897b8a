import * as vscode from 'vscode';
import { CONFIG_LANGUAGES } from '../config/activeConfig.js';
import { nameOf, type ActiveRun, type Runs } from './runs.js';

/**
 * What runs, in the status bar and in the language status of configs; and the context key `quantsmith.running`, by which
 * the run button of a config that runs turns into a stop button.
 */
export function showRunStatus(runs: Runs): vscode.Disposable {
  const bar = vscode.window.createStatusBarItem('quantsmith.run', vscode.StatusBarAlignment.Left, 10);
  bar.name = 'Quantsmith';
  bar.command = 'quantsmith.cancel';
  const selector = [...CONFIG_LANGUAGES].map((language) => ({ language }));
  const language = vscode.languages.createLanguageStatusItem('quantsmith.run', selector);
  language.name = 'Quantsmith';

  const update = () => {
    const active = runs.active();
    const [first] = active;
    const configs = active.map(({ config }) => config.toString());
    void vscode.commands.executeCommand('setContext', 'quantsmith.running', configs);
    void vscode.commands.executeCommand('setContext', 'quantsmith.isRunning', first !== undefined);
    language.busy = first !== undefined;
    language.text = first === undefined ? 'Quantsmith: ready' : `Quantsmith: ${described(first)}`;
    language.command =
      first === undefined
        ? { command: 'quantsmith.run', title: 'Run' }
        : { command: 'quantsmith.cancel', title: 'Cancel' };

    if (first === undefined) {
      bar.hide();
      return;
    }

    const more = active.length === 1 ? '' : ` (+${active.length - 1})`;
    bar.text = `$(sync~spin) ${described(first)}${more}`;
    bar.tooltip = active.map((run) => `${nameOf(run.config)}: ${run.message}`).join('\n');
    bar.accessibilityInformation = { label: `Quantsmith: ${described(first)}. Click to cancel.` };
    bar.show();
  };

  update();

  return vscode.Disposable.from(bar, language, runs.onDidChange(update));
}

const described = ({ config, fraction, message }: ActiveRun) =>
  `${nameOf(config)} ${Math.round(100 * fraction)} %: ${message}`;
