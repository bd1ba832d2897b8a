import * as vscode from 'vscode';
import { LanguageClient, TransportKind } from 'vscode-languageclient/node';
import { checkConfig } from './commands/check.js';
import { compareReports } from './commands/compare.js';
import { convertConfig } from './commands/convert.js';
import { newConfig } from './commands/newConfig.js';
import { compareOverflowFixes, SERVER_OVERFLOW } from './commands/overflow.js';
import { showReport } from './commands/report.js';
import { runQuantization, SERVER_RUN } from './commands/run.js';
import { createReportPanels } from './reportPanel.js';

/** VS Code hands `deactivate` nothing, so the one client to stop is kept here. */
let client: LanguageClient | undefined;

/** Starts the language server and registers the commands. */
export async function activate(context: vscode.ExtensionContext): Promise<void> {
  const module = context.asAbsolutePath('dist/server.cjs');
  const server = { module, transport: TransportKind.ipc };
  const output = vscode.window.createOutputChannel('Quantsmith', { log: true });
  const openReport = createReportPanels();
  const started = new LanguageClient(
    'quantsmith',
    'Quantsmith',
    { run: server, debug: server },
    {
      documentSelector: [{ language: 'quant-yaml' }, { language: 'quant-json' }],
      outputChannel: output,
      initializationOptions: { ...settings(), commands: ['quantsmith.showReport', 'quantsmith.compare'] },
      // A model or a report that changes changes what the configs beside it are told.
      synchronize: { fileEvents: [vscode.workspace.createFileSystemWatcher('**/*.{onnx,report.json}')] },
      middleware: {
        // Lenses and fixes name the server's commands: here they run like the client's own, with report and all.
        executeCommand(name, args, next) {
          const own = { [SERVER_RUN]: runQuantization, [SERVER_OVERFLOW]: compareOverflowFixes }[name];
          return own === undefined || typeof args[0] !== 'string'
            ? next(name, args)
            : own(started, output, openReport, vscode.Uri.parse(args[0]));
        },
        workspace: {
          configuration: (params) =>
            params.items.map((item) => (item.section === 'quantsmith' ? settings() : null)),
        },
      },
    },
  );
  client = started;
  const command = (name: string, body: (...args: never[]) => unknown) =>
    context.subscriptions.push(vscode.commands.registerCommand(name, body));
  command('quantsmith.run', () => runQuantization(started, output, openReport));
  command('quantsmith.overflow', () => compareOverflowFixes(started, output, openReport));
  command('quantsmith.showReport', (file?: unknown) => showReport(openReport, file));
  command('quantsmith.compare', compareReports);
  command('quantsmith.check', () => checkConfig());
  command('quantsmith.convert', () => convertConfig(started));
  command('quantsmith.newConfig', (model?: vscode.Uri) => newConfig(started, model));
  context.subscriptions.push(output);
  await started.start();
}

export async function deactivate(): Promise<void> {
  await client?.stop();
}

/** The user's settings, less what an untrusted workspace may not ask for. */
function settings(): { allowModules: boolean; severities: Record<string, string>; logLevel: string } {
  const given = vscode.workspace.getConfiguration('quantsmith');
  return {
    allowModules: vscode.workspace.isTrusted && given.get('allowModules', false),
    severities: given.get('severities', {}),
    logLevel: given.get('logLevel', 'info'),
  };
}
