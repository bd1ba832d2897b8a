import * as vscode from 'vscode';
import {
  DidChangeConfigurationNotification,
  ExecuteCommandRequest,
  LanguageClient,
  TransportKind,
} from 'vscode-languageclient/node';
import { CONFIG_LANGUAGES } from './config/activeConfig.js';
import { docsCommand } from './commands/docs.js';
import type { Server } from './server/server.js';

/** Commands of the server that run here, with progress and report, and what runs them. */
export type OwnCommands = Readonly<Record<string, (config: vscode.Uri) => unknown>>;

/** The language server, not started yet. */
export function createServer(
  context: vscode.ExtensionContext,
  output: vscode.LogOutputChannel,
  ownCommands: OwnCommands,
): Server {
  const client = createLanguageClient(context, output, ownCommands);
  return {
    execute: (command, args, token) =>
      client.sendRequest(ExecuteCommandRequest.type, { command, arguments: [...args] }, token),
    onNotification: (name, listener) => client.onNotification(name, listener),
    start: () => client.start(),
    // The server asks for the settings that it wants.
    tellSettings: () => client.sendNotification(DidChangeConfigurationNotification.type, { settings: null }),
    stop: () => client.stop(),
  };
}

function createLanguageClient(
  context: vscode.ExtensionContext,
  output: vscode.LogOutputChannel,
  ownCommands: OwnCommands,
): LanguageClient {
  const module = context.asAbsolutePath('dist/server.cjs');
  const server = { module, transport: TransportKind.ipc };
  return new LanguageClient(
    'quantsmith',
    'Quantsmith',
    { run: server, debug: server },
    {
      documentSelector: [...CONFIG_LANGUAGES].map((language) => ({ language })),
      outputChannel: output,
      initializationOptions: {
        ...settings(),
        commands: [
          'quantsmith.showReport',
          'quantsmith.compare',
          'quantsmith.manageTrust',
          'quantsmith.revealInModel',
        ],
      },
      synchronize: { fileEvents: watchers(context) },
      // Hovers may link to the docs, and to nothing else that runs.
      markdown: { isTrusted: { enabledCommands: ['quantsmith.openDocs'] } },
      middleware: {
        executeCommand(name, args: unknown[], next) {
          const [config] = args;
          const command = ownCommands[name];
          return command === undefined || typeof config !== 'string'
            ? (next(name, args) as unknown)
            : command(vscode.Uri.parse(config));
        },
        handleDiagnostics: (uri, diagnostics, next) =>
          next(uri, diagnostics.map(withDocs(context.extensionUri))),
        // Runs have a notification of their own, with more in it.
        handleWorkDoneProgress: () => undefined,
        async provideDiagnostics(document, previous, token, next) {
          const report = await next(document, previous, token);
          if (report?.kind === 'full') report.items = report.items.map(withDocs(context.extensionUri));
          return report;
        },
        workspace: {
          configuration: (params) =>
            params.items.map((item) => (item.section === 'quantsmith' ? settings() : null)),
        },
      },
    },
  );
}

/** The link of a code opens its page rendered, not as Markdown text. */
const withDocs = (extension: vscode.Uri) => (diagnostic: vscode.Diagnostic) => {
  const { code } = diagnostic;
  if (typeof code !== 'object') return diagnostic;
  const target = docsCommand(extension, code.target);
  if (target !== undefined) diagnostic.code = { value: code.value, target };
  return diagnostic;
};

/** A model or a report that changes changes what configs are told; so does any file or folder that appears or goes. */
function watchers(context: vscode.ExtensionContext): vscode.FileSystemWatcher[] {
  const created = [
    vscode.workspace.createFileSystemWatcher('**/*.{onnx,report.json}'),
    vscode.workspace.createFileSystemWatcher('**', false, true, false),
  ];

  context.subscriptions.push(...created);
  return created;
}

/** The user's settings, less what an untrusted workspace may not ask for. */
export function settings(): { allowModules: boolean; severities: Record<string, string>; logLevel: string } {
  const given = vscode.workspace.getConfiguration('quantsmith');
  return {
    allowModules: vscode.workspace.isTrusted && given.get('allowModules', false),
    severities: given.get('severities', {}),
    logLevel: given.get('logLevel', 'info'),
  };
}
