import { fileURLToPath } from 'node:url';
import {
  CodeActionKind,
  createConnection,
  DidChangeConfigurationNotification,
  DocumentDiagnosticReportKind,
  LSPErrorCodes,
  MarkupKind,
  ProposedFeatures,
  ResponseError,
  TextDocuments,
  TextDocumentSyncKind,
  type CancellationToken,
  type Connection,
  type InitializeParams,
  type InitializeResult,
  type WorkDoneProgressReporter,
} from 'vscode-languageserver/node';
import { TextDocument } from 'vscode-languageserver-textdocument';
import { checkConfigFile, checkDocument } from './check.js';
import { createDocumentCache } from './document/document.js';
import { findNode } from './document/tree.js';
import { codeActions, fixAll, FIX_ALL, wants } from './features/codeActions.js';
import { complete } from './features/completion.js';
import { toDiagnostics } from './features/diagnostics.js';
import { hover } from './features/hover.js';
import { configFor } from './init.js';
import { createModelCache } from './model/load.js';
import { fractionDone, runConfig } from './runs/run.js';
import { DEFAULT_SETTINGS, readSettings, type Settings } from './settings.js';
import { dirname, relative, resolve } from 'node:path';
import { inspectModel } from '@quantsmith/engine/onnx/inspect';

/** Commands that a client may send. */
export const COMMANDS = { run: 'quantsmith.server.run', init: 'quantsmith.server.init' } as const;

/** Milliseconds of silence before pushed diagnostics are made, for clients that do not pull. */
const PUSH_DELAY_MS = 30;

/** What the client can do, as far as it changes our answers. */
interface ClientAbilities {
  readonly pullDiagnostics: boolean;
  readonly refreshDiagnostics: boolean;
  readonly configuration: boolean;
  readonly hoverMarkdown: boolean;
  readonly completionMarkdown: boolean;
  readonly snippets: boolean;
  readonly relatedInformation: boolean;
}

function abilitiesOf({ capabilities }: InitializeParams): ClientAbilities {
  const { textDocument, workspace } = capabilities;
  return {
    pullDiagnostics: textDocument?.diagnostic !== undefined,
    refreshDiagnostics: workspace?.diagnostics?.refreshSupport === true,
    configuration: workspace?.configuration === true,
    hoverMarkdown: textDocument?.hover?.contentFormat?.includes(MarkupKind.Markdown) === true,
    completionMarkdown:
      textDocument?.completion?.completionItem?.documentationFormat?.includes(MarkupKind.Markdown) === true,
    snippets: textDocument?.completion?.completionItem?.snippetSupport === true,
    relatedInformation: textDocument?.publishDiagnostics?.relatedInformation === true,
  };
}

/** Starts the language server on standard input and output, or on the given connection. */
export function startServer(
  connection: Connection = createConnection(ProposedFeatures.all, process.stdin, process.stdout),
): void {
  const texts = new TextDocuments(TextDocument);
  const parsed = createDocumentCache();
  const models = createModelCache();
  const timers = new Map<string, NodeJS.Timeout>();
  let abilities: ClientAbilities | null = null;
  let settings: Settings = DEFAULT_SETTINGS;

  const fileOf = (uri: string) => (uri.startsWith('file:') ? fileURLToPath(uri) : null);
  const documentOf = (uri: string) => {
    const text = texts.get(uri);
    return text === undefined ? null : parsed.get(text);
  };
  const modelOf = async (uri: string) => {
    const file = fileOf(uri);
    const document = documentOf(uri);
    const named = document === null ? null : findNode(document.tree, ['model']);
    if (file === null || named?.kind !== 'scalar' || typeof named.value !== 'string') return null;
    return (await models.get(resolve(dirname(file), named.value))).model;
  };
  const diagnose = async (uri: string) => {
    const document = documentOf(uri);
    if (document === null) return [];
    const { findings } = await checkDocument(document, fileOf(uri), models);
    return toDiagnostics(document, findings, {
      severities: settings.severities,
      relatedInformation: abilities?.relatedInformation === true,
    });
  };
  const push = (uri: string) => {
    clearTimeout(timers.get(uri));
    timers.set(
      uri,
      setTimeout(() => {
        timers.delete(uri);
        const version = texts.get(uri)?.version;
        void diagnose(uri).then(
          (diagnostics) => {
            // Newer text is on its way with findings of its own.
            if (version !== undefined && texts.get(uri)?.version === version)
              return connection.sendDiagnostics({ uri, version, diagnostics });
          },
          logFailure(connection, 'diagnostics'),
        );
      }, PUSH_DELAY_MS),
    );
  };
  const refresh = () => {
    if (abilities?.pullDiagnostics !== true) for (const text of texts.all()) push(text.uri);
    else if (abilities.refreshDiagnostics) connection.languages.diagnostics.refresh();
  };
  const loadSettings = async () => {
    if (abilities?.configuration !== true) return;
    settings = readSettings(await connection.workspace.getConfiguration('quantsmith').catch(() => null));
    refresh();
  };

  connection.onInitialize((params): InitializeResult => {
    abilities = abilitiesOf(params);
    settings = readSettings(params.initializationOptions);
    return {
      serverInfo: { name: 'quantsmith' },
      capabilities: {
        textDocumentSync: { openClose: true, change: TextDocumentSyncKind.Incremental, save: true },
        completionProvider: { triggerCharacters: [' ', ':', '"', '/', '-'] },
        hoverProvider: true,
        codeActionProvider: { codeActionKinds: [CodeActionKind.QuickFix, FIX_ALL] },
        executeCommandProvider: { commands: Object.values(COMMANDS), workDoneProgress: true },
        ...(abilities.pullDiagnostics
          ? { diagnosticProvider: { interFileDependencies: false, workspaceDiagnostics: false } }
          : {}),
      },
    };
  });
  connection.onInitialized(() => {
    if (abilities?.configuration === true)
      void connection.client
        .register(DidChangeConfigurationNotification.type)
        .catch(logFailure(connection, 'registration'));
    void loadSettings();
  });
  connection.onDidChangeConfiguration(({ settings: sent }) => {
    if (abilities?.configuration === true) return void loadSettings();
    settings = readSettings((sent as { quantsmith?: unknown } | null)?.quantsmith);
    refresh();
  });
  connection.onDidChangeWatchedFiles(refresh);
  texts.onDidChangeContent(({ document }) => {
    if (abilities?.pullDiagnostics !== true) push(document.uri);
  });
  texts.onDidClose(({ document }) => {
    clearTimeout(timers.get(document.uri));
    parsed.forget(document.uri);
    if (abilities?.pullDiagnostics !== true)
      void connection.sendDiagnostics({ uri: document.uri, diagnostics: [] });
  });

  connection.languages.diagnostics.on(async ({ textDocument }, token) => {
    const items = await diagnose(textDocument.uri);
    if (token.isCancellationRequested) throw cancelled();
    return { kind: DocumentDiagnosticReportKind.Full, items };
  });
  connection.onCompletion(async ({ textDocument, position }, token) => {
    const model = await modelOf(textDocument.uri);
    const document = documentOf(textDocument.uri);
    if (document === null || token.isCancellationRequested) return [];
    const file = fileOf(textDocument.uri);
    return complete(document, position, {
      model,
      baseDir: file === null ? null : dirname(file),
      markdown: abilities?.completionMarkdown === true,
      snippets: abilities?.snippets === true,
    });
  });
  connection.onHover(async ({ textDocument, position }, token) => {
    const model = await modelOf(textDocument.uri);
    const document = documentOf(textDocument.uri);
    if (document === null || token.isCancellationRequested) return null;
    return hover(document, position, { model, markdown: abilities?.hoverMarkdown === true });
  });
  connection.onCodeAction(async ({ textDocument, context }, token) => {
    const document = documentOf(textDocument.uri);
    if (document === null) return [];
    const fixes = codeActions(document, context);
    if (!wants(context.only, FIX_ALL) || token.isCancellationRequested) return fixes;
    const { findings } = await checkDocument(document, fileOf(textDocument.uri), models);
    return [...fixes, ...fixAll(document, findings)];
  });
  connection.onExecuteCommand(async ({ command, arguments: args }, token, progress) => {
    const [uri] = (args ?? []) as string[];
    const file = uri === undefined ? null : fileOf(uri);
    if (file === null)
      throw new ResponseError(LSPErrorCodes.RequestFailed, `${command} needs the URI of a file.`);
    if (command === COMMANDS.init) {
      const model = await inspectModel(file);
      return { text: configFor(model, relative(dirname(file), file), dirname(file)) };
    }
    if (command !== COMMANDS.run)
      throw new ResponseError(LSPErrorCodes.RequestFailed, `There is no command ${command}.`);
    const result = await run(connection, file, settings, token, progress, uri!);
    refresh();
    return result;
  });

  texts.listen(connection);
  connection.listen();
}

/** `quantsmith/progress`: for clients that show a notification of their own. */
const PROGRESS = 'quantsmith/progress';

async function run(
  connection: Connection,
  file: string,
  settings: Settings,
  token: CancellationToken,
  progress: WorkDoneProgressReporter,
  uri: string,
): Promise<{ reportPath: string; outputPath: string; satisfied: boolean | null }> {
  const abort = new AbortController();
  token.onCancellationRequested(() => abort.abort());
  progress.begin('Quantizing', 0, '', true);
  try {
    const result = await runConfig(await checkConfigFile(file), {
      allowModules: settings.allowModules,
      signal: abort.signal,
      onProblem: (problem) => connection.console.warn(`${problem.code}: ${problem.message}`),
      onProgress(event) {
        const fraction = fractionDone(event);
        const left = event.secondsLeft === null ? '' : `, ${Math.ceil(event.secondsLeft)} s left`;
        const count = event.total === null ? '' : ` ${event.done}/${event.total}`;
        const message = `${event.stage}${count}${left}`;
        progress.report(Math.round(100 * fraction), message);
        void connection.sendNotification(PROGRESS, { uri, fraction, message, stage: event.stage });
      },
    });
    if (result.kind === 'cancelled') throw cancelled();
    if (result.kind === 'failed')
      throw new ResponseError(LSPErrorCodes.RequestFailed, result.problem.message, result.problem);
    return {
      reportPath: result.reportPath,
      outputPath: result.report.output.path,
      satisfied: result.report.metric?.satisfied ?? null,
    };
  } finally {
    progress.done();
  }
}

const cancelled = () => new ResponseError(LSPErrorCodes.RequestCancelled, 'Cancelled.');

function logFailure(connection: Connection, what: string): (error: unknown) => void {
  return (error) =>
    connection.console.error(
      `${what}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
    );
}
