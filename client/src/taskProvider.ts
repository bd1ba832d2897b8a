import * as vscode from 'vscode';
import type { RunResult } from './commands/run.js';
import { findConfigs } from './config/configs.js';
import { nameOf, type Runs } from './runs/run.js';

const TYPE = 'quantsmith';

interface QuantizeTask extends vscode.TaskDefinition {
  /** The config to run, relative to the workspace folder. */
  readonly config: string;
}

/** Tasks of type `quantsmith`: one for each config of the workspace. */
export function registerTasks(
  runs: Runs,
  run: (config: vscode.Uri) => Promise<RunResult | undefined>,
): vscode.Disposable {
  const taskOf = (config: vscode.Uri, definition: QuantizeTask, scope: vscode.WorkspaceFolder) => {
    const execution = new vscode.CustomExecution(() => Promise.resolve(terminalOf(runs, run, config)));
    const task = new vscode.Task(definition, scope, `quantize ${definition.config}`, TYPE, execution, [
      '$quantsmith',
    ]);

    task.group = vscode.TaskGroup.Build;
    return task;
  };

  return vscode.tasks.registerTaskProvider(TYPE, {
    async provideTasks() {
      return (await findConfigs()).flatMap((config) => {
        const scope = vscode.workspace.getWorkspaceFolder(config);
        if (scope === undefined) return [];
        return [
          taskOf(config, { type: TYPE, config: vscode.workspace.asRelativePath(config, false) }, scope),
        ];
      });
    },
    resolveTask(task) {
      const { config } = task.definition as QuantizeTask;
      const scope = typeof task.scope === 'object' ? task.scope : vscode.workspace.workspaceFolders?.[0];
      if (scope === undefined || typeof config !== 'string') return undefined;
      return taskOf(vscode.Uri.joinPath(scope.uri, config), task.definition as QuantizeTask, scope);
    },
  });
}

/** What a task prints: progress, then the config's problems in the form that the matcher `$quantsmith` reads. */
function terminalOf(
  runs: Runs,
  run: (config: vscode.Uri) => Promise<RunResult | undefined>,
  config: vscode.Uri,
): vscode.Pseudoterminal {
  const written = new vscode.EventEmitter<string>();
  const closed = new vscode.EventEmitter<number>();
  const line = (text: string) => written.fire(`${text}\r\n`);
  let last = '';
  const progress = runs.onDidChange(() => {
    const now = runs.active().find((active) => active.config.toString() === config.toString());
    const stage = now?.message.split(/[ ,]/)[0] ?? last;
    if (now === undefined || stage === last) return;
    last = stage;
    line(`${Math.round(100 * now.fraction)} % ${now.message}`);
  });

  return {
    onDidWrite: written.event,
    onDidClose: closed.event,
    open() {
      line(`Quantizing ${nameOf(config)}`);
      void run(config).then((result) => {
        progress.dispose();
        for (const problem of vscode.languages.getDiagnostics(config)) line(problemLine(config, problem));
        if (result !== undefined) line(`Report: ${result.reportPath}`);
        closed.fire(result === undefined ? 1 : result.satisfied === false ? 5 : 0);
      });
    },
    close: () => runs.cancel(config),
  };
}

const SEVERITIES = ['error', 'warning', 'info', 'info'] as const;

function problemLine(config: vscode.Uri, { range, severity, code, message }: vscode.Diagnostic): string {
  const name = typeof code === 'object' ? code.value : (code ?? '');
  const place = `${config.fsPath}:${range.start.line + 1}:${range.start.character + 1}`;
  return `${place}: ${SEVERITIES[severity]} ${name}: ${message.replaceAll(/\s+/g, ' ')}`;
}
