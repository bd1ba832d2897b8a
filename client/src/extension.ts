import * as vscode from 'vscode';
import type { LanguageClient } from 'vscode-languageclient/node';
import { checkConfig } from './commands/check.js';
import { compareReports } from './commands/compare.js';
import { convertConfig } from './commands/convert.js';
import { openDocs } from './commands/docs.js';
import { openExample } from './commands/example.js';
import { newConfig } from './commands/newConfig.js';
import { debugLayers } from './commands/debug.js';
import { compareOverflowFixes, SERVER_OVERFLOW, setOverflowFix } from './commands/overflow.js';
import { showReport } from './commands/report.js';
import { runQuantization, SERVER_RUN } from './commands/run.js';
import { registerHistoryCommands } from './history/commands.js';
import { createHistoryTree } from './history/tree.js';
import { createLanguageClient } from './languageClient.js';
import { configOf, readReport } from './report/files.js';
import { createReportPanels } from './report/panels.js';
import { rememberRuns, tellInterrupted } from './runs/interrupted.js';
import { createRuns, type RunOptions } from './runs/runs.js';
import { showRunStatus } from './runs/status.js';
import { quantizeModel } from './start/quantize.js';
import { registerTasks } from './taskProvider.js';
import { createTestExplorer } from './testExplorer.js';

/** VS Code hands `deactivate` nothing, so the one client to stop is kept here. */
let started: LanguageClient | undefined;

/** Registers the commands and starts the language server. */
export async function activate(context: vscode.ExtensionContext): Promise<void> {
  const output = vscode.window.createOutputChannel('Quantsmith', { log: true });
  const panels = createReportPanels();
  const client = createLanguageClient(context, output, () => ({
    [SERVER_RUN]: (config) => run(config),
    [SERVER_OVERFLOW]: (config) => compareOverflowFixes(runs, panels, config),
  }));

  const runs = createRuns(client, output, rememberRuns(context.workspaceState));
  const run = (config?: vscode.Uri, options?: RunOptions) =>
    runQuantization(runs, panels, output, config, options);

  started = client;
  const tree = createHistoryTree(runs);
  context.subscriptions.push(
    output,
    panels,
    runs,
    showRunStatus(runs),
    tree,
    registerHistoryCommands(tree),
    registerTasks(runs, run),
    createTestExplorer(run),
  );

  const command = (name: string, body: (...args: never[]) => unknown) =>
    context.subscriptions.push(vscode.commands.registerCommand(name, body));

  // Menus and keys hand over what they stand on: the config's file, or nothing.
  command('quantsmith.run', async (config?: unknown) =>
    run(uriOf(config) ?? (await configOfPanel(panels.active()))),
  );
  command('quantsmith.resume', (config?: unknown) => run(uriOf(config), { resume: true }));
  command('quantsmith.cancel', (config?: unknown) => runs.cancel(uriOf(config)));
  command('quantsmith.overflow', (config?: unknown) => compareOverflowFixes(runs, panels, uriOf(config)));
  command('quantsmith.debug', (config?: unknown) => debugLayers(runs, uriOf(config)));
  command('quantsmith.setOverflowFix', (config?: unknown, fix?: unknown) =>
    setOverflowFix(client, config, fix),
  );
  command('quantsmith.showReport', (file?: unknown) => showReport(panels, uriOf(file) ?? file));
  command('quantsmith.compare', (first?: unknown, second?: unknown) =>
    compareReports(panels.active(), textOf(first), textOf(second)),
  );
  command('quantsmith.check', () => checkConfig());
  command('quantsmith.convert', () => convertConfig(client));
  command('quantsmith.quantize', (model?: unknown) => quantizeModel(client, uriOf(model)));
  command('quantsmith.openExample', () => openExample(context));
  command('quantsmith.newConfig', (model?: unknown) => newConfig(client, uriOf(model)));
  command('quantsmith.openDocs', (page?: unknown, anchor?: unknown) =>
    openDocs(context.extensionUri, page, anchor),
  );
  command('quantsmith.showLog', () => output.show());

  await client.start();
  void tellInterrupted(context.workspaceState, (config) => run(config, { resume: true }));
}

export async function deactivate(): Promise<void> {
  await started?.stop();
}

/** Menus hand over a file, the history view a node with its config. */
function uriOf(value: unknown): vscode.Uri | undefined {
  if (value instanceof vscode.Uri) return value;
  const isNode = typeof value === 'object' && value !== null && 'config' in value;
  return isNode && value.config instanceof vscode.Uri ? value.config : undefined;
}

const textOf = (value: unknown) => (typeof value === 'string' ? value : undefined);

/** The config of the report in a panel, where no config is in view. */
async function configOfPanel(file: vscode.Uri | undefined): Promise<vscode.Uri | undefined> {
  if (file === undefined || vscode.window.activeTextEditor !== undefined) return undefined;
  const report = await readReport(file);
  return report === null ? undefined : configOf(file, report);
}
