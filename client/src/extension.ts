import * as vscode from 'vscode';
import { changeLayer } from './commands/changeLayer.js';
import { checkConfig } from './commands/check.js';
import { convertConfig } from './commands/convert.js';
import { openDocs } from './commands/docs.js';
import { openExample } from './commands/example.js';
import { manageTrust } from './commands/manageTrust.js';
import { newConfig } from './commands/newConfig.js';
import { debugLayers } from './commands/debug.js';
import { answerPage } from './commands/reportPage.js';
import { compareOverflowFixes, SERVER_OVERFLOW, setOverflowFix } from './commands/overflow.js';
import { showReport } from './commands/report.js';
import { runQuantization, SERVER_RUN } from './commands/run.js';
import { registerHistoryCommands } from './history/commands.js';
import { compareReports } from './history/compareReports.js';
import { restoreSweeps, SERVER_SWEEP, sweepConfig, usePoint } from './history/sweep.js';
import { createHistoryTree } from './history/tree.js';
import { createModelViews } from './modelView/editor.js';
import { newestReportOf, readReport } from './report/files.js';
import { createPageStates, type PageStates } from './report/pageStates.js';
import { createReportPanels } from './report/panels.js';
import { tellInterrupted } from './runs/interrupted.js';
import type { OwnCommands } from './languageClient.js';
import { createRunMemory, type RunMemory } from './runs/memory.js';
import type { RunOptions } from './runs/run.js';
import { createRuns } from './runs/runs.js';
import { chooseForRun, showRunStatus } from './runs/status.js';
import { loadedLater, type Server } from './server/server.js';
import { quantizeModel } from './start/quantize.js';
import { configFor, fileOf, reportInView } from './target.js';
import { registerTasks } from './taskProvider.js';
import { createTestExplorer } from './testExplorer.js';

/** VS Code hands `deactivate` nothing, so what is to end then is kept here. */
let started: { readonly server: Server; readonly memory: RunMemory } | undefined;

/** Registers the commands and starts the language server. */
export async function activate(context: vscode.ExtensionContext): Promise<void> {
  const output = vscode.window.createOutputChannel('Quantsmith', { log: true });
  const panels = createReportPanels((file, message) => void answerPage(server, file, message));
  const ownCommands: OwnCommands = {
    [SERVER_RUN]: (config) => run(config),
    [SERVER_SWEEP]: (config) => sweepConfig(runs, states, config),
    [SERVER_OVERFLOW]: (config) => compareOverflowFixes(runs, panels, config),
  };
  const library = import('./languageClient.js');
  const server = loadedLater(library.then(({ createServer }) => createServer(context, output, ownCommands)));

  // Without a folder there is no storage of the workspace's.
  const storage = context.storageUri ?? context.globalStorageUri;
  const states = createPageStates(storage);
  const memory = createRunMemory(vscode.Uri.joinPath(storage, 'running'));
  const runs = createRuns(server, output, memory.remember);
  const run = (config?: vscode.Uri, options?: RunOptions) =>
    runQuantization(runs, panels, output, config, options);

  started = { server, memory };
  const models = createModelViews(server, context.extensionUri);
  const tree = createHistoryTree(runs);
  context.subscriptions.push(
    output,
    panels,
    models,
    runs,
    showRunStatus(runs),
    tree,
    registerHistoryCommands(server, tree, states),
    restoreSweeps(states),
    registerTasks(runs, run),
    createTestExplorer(run),
  );

  registerCommands(context, server, { output, panels, states, models, runs, run });
  await server.start();
  context.subscriptions.push(vscode.workspace.onDidGrantWorkspaceTrust(() => void server.tellSettings()));
  void tellInterrupted(server, memory, reportTime);
}

interface CommandParts {
  readonly output: vscode.LogOutputChannel;
  readonly panels: ReturnType<typeof createReportPanels>;
  readonly states: PageStates;
  readonly models: ReturnType<typeof createModelViews>;
  readonly runs: ReturnType<typeof createRuns>;
  readonly run: (config?: vscode.Uri, options?: RunOptions) => ReturnType<typeof runQuantization>;
}

function registerCommands(
  context: vscode.ExtensionContext,
  server: Server,
  { output, panels, states, models, runs, run }: CommandParts,
): void {
  const command = (name: string, body: (...args: never[]) => unknown) =>
    context.subscriptions.push(vscode.commands.registerCommand(name, body));

  // Menus hand over what they stand on; keys and the palette nothing: then it is what has the focus.
  const configOf = (given: unknown) => configFor(given, panels.active());
  command('quantsmith.run', async (given?: unknown) => run(await configOf(given)));
  command('quantsmith.resume', async (given?: unknown) => run(await configOf(given), { resume: true }));
  command('quantsmith.cancel', async (given?: unknown) => runs.cancel(await configOf(given)));
  command('quantsmith.finish', async (given?: unknown) => runs.finish(await configOf(given)));
  command('quantsmith.runMenu', () => chooseForRun(runs));
  command('quantsmith.overflow', async (given?: unknown) =>
    compareOverflowFixes(runs, panels, await configOf(given)),
  );
  command('quantsmith.debug', async (given?: unknown) => debugLayers(runs, await configOf(given)));
  command('quantsmith.sweep', async (given?: unknown) => sweepConfig(runs, states, await configOf(given)));
  command('quantsmith.usePoint', (config?: unknown, settings?: unknown) =>
    usePoint(server, config, settings),
  );
  command('quantsmith.setOverflowFix', (config?: unknown, fix?: unknown) =>
    setOverflowFix(server, config, fix),
  );
  command('quantsmith.changeLayer', (config?: unknown, layer?: unknown, change?: unknown) =>
    changeLayer(server, config, layer, change),
  );
  command('quantsmith.revealInModel', async (model?: unknown, layer?: unknown) => {
    const file = fileOf(model);
    if (file !== undefined && typeof layer === 'string') await models.reveal(file, layer);
  });
  command('quantsmith.showReport', (file?: unknown) =>
    showReport(panels, fileOf(file) ?? reportInView(panels.active())),
  );
  command('quantsmith.compare', (first?: unknown, second?: unknown) =>
    compareReports(server, states, fileOf(first) ?? reportInView(panels.active()), fileOf(second)),
  );
  command('quantsmith.check', async (given?: unknown) => checkConfig(await configOf(given)));
  command('quantsmith.convert', () => convertConfig(server));
  command('quantsmith.quantize', (model?: unknown) => quantizeModel(server, fileOf(model)));
  command('quantsmith.openExample', () => openExample(context));
  command('quantsmith.newConfig', (model?: unknown) => newConfig(server, fileOf(model)));
  command('quantsmith.openDocs', (page?: unknown, anchor?: unknown) =>
    openDocs(context.extensionUri, page, anchor),
  );
  command('quantsmith.manageTrust', () => manageTrust());
  command('quantsmith.showLog', () => output.show());
}

async function reportTime(config: vscode.Uri): Promise<number | null> {
  const file = await newestReportOf(config);
  const report = file === undefined ? null : await readReport(file);
  return report === null ? null : Date.parse(report.created);
}

export async function deactivate(): Promise<void> {
  // The requests of runs fail when their server stops: no reason to forget them.
  started?.memory.close();
  await started?.server.stop();
}
