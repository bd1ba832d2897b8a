import {
  CodeActionKind,
  DidChangeConfigurationNotification,
  DidChangeWatchedFilesNotification,
  DocumentDiagnosticReportKind,
  ErrorCodes,
  FileChangeType,
  ResponseError,
  TextDocumentSyncKind,
  WatchKind,
  type Connection,
  type FileEvent,
  type InitializeParams,
  type InitializeResult,
  type Position,
  type ServerCapabilities,
  type WorkspaceFolder,
} from 'vscode-languageserver/node';
import { knownCapabilities, type KnownClientCapabilities } from './client/capabilities.js';
import { codeActionsFor } from './requests/codeActions.js';
import { COMMANDS, execute } from './requests/commands.js';
import { completionFor } from './requests/completion.js';
import {
  type ConfigDocument,
  documentLinks,
  documentSymbols,
  FIX_ALL,
  foldingRanges,
  formatting,
  hover,
  inlayHints,
  selectionRanges,
  semanticTokens,
  TOKEN_LEGEND,
  workspaceSymbols,
} from '@quantsmith/service';
import { adaptEdit, adaptOutline, adaptSymbols } from './client/adaptToClient.js';
import { editForMoves } from './requests/fileMoves.js';
import { createWorkspaceDiagnostics } from './requests/workspaceDiagnostics.js';
import { lensesOf } from './requests/lenses.js';
import {
  definitionAt,
  highlightsAt,
  prepareRenameAt,
  referencesAt,
  renameAt,
} from './requests/navigation.js';
import { docsFolder } from './sources/docs.js';

import { cancelled, refuseUnlessRunning } from './session/answers.js';
import { createSession, versionsOf, type Session, type SessionOptions } from './session/session.js';
import { keepHeapSmall, stdioConnection } from './client/stdio.js';
import { readClientCommands, readSettings } from './client/settings.js';

/** Files whose changes may change what a config is told. */
const WATCHED = '**/*.{onnx,npy,npz,csv,pb,jpg,jpeg,png,webp,report.json}';
/** What package managers write is nothing that a config names. */
const INSTALLED = /\/node_modules\//;
/** Modules that a config may name: what is in them says nothing, whether they are there does. */
const MODULES = '**/*.{js,cjs,mjs,ts,cts,mts}';
/** Files that a config may extend. */
const CONFIGS = '**/*.{yaml,yml,json,jsonc}';

/** Milliseconds that an answer waits for what files say. */
const PATIENCE_MS = 100;

/** Starts the language server of a process on its standard input and output, whose end is that of the process. */
export function startOnStdio(): void {
  keepHeapSmall();
  const connection = stdioConnection(() => process.exit(session.phase === 'ended' ? 0 : 1));
  const session = startServer(connection);
}

/** Starts the language server on a connection. */
export function startServer(
  connection: Connection,
  options: SessionOptions = { patience: PATIENCE_MS },
): Session {
  const session = createSession(connection, options);
  connection.onInitialize((params) => initialize(session, params));
  connection.onInitialized(() => initialized(session));
  connection.onDidChangeConfiguration(({ settings }) => configured(session, settings));
  connection.onDidChangeWatchedFiles(({ changes }) => changed(session, changes));
  connection.onExecuteCommand((params, token, progress) => {
    refuseUnlessRunning(session);
    return execute(session, params, token, progress);
  });
  connection.onShutdown(() => void (session.phase = 'ended'));
  registerFeatures(session);
  connection.listen();

  return session;
}

/** Which function answers which request. */
function registerFeatures(session: Session): void {
  registerFindings(session);
  registerEditing(session);
  registerReading(session);
  registerNavigation(session);
  registerTokens(session);
  registerWorkspace(session);
}

/** What is wrong in a config, and what can be done about it. */
function registerFindings(session: Session): void {
  const { connection, onFindings } = session;
  connection.languages.diagnostics.on(
    onFindings({ kind: DocumentDiagnosticReportKind.Full, items: [] }, async (document) => ({
      kind: DocumentDiagnosticReportKind.Full,
      items: await session.diagnose(document),
    })),
  );
  connection.onCodeAction(onFindings([], (document, params) => codeActionsFor(session, document, params)));
}

function registerEditing(session: Session): void {
  const { connection, onDocument } = session;
  connection.onCompletion(
    onDocument({ isIncomplete: false, items: [] }, (document, params) =>
      completionFor(session, document, params),
    ),
  );
  connection.onDocumentFormatting(onDocument([], (document, { options }) => formatting(document, options)));
  connection.onDocumentRangeFormatting(
    onDocument([], (document, { options, range }) => formatting(document, options, range)),
  );
}

/** What is shown in and beside the text. */
function registerReading(session: Session): void {
  const { connection, onDocument, contextOf } = session;
  connection.onHover(onDocument(null, (document, { position }) => hoverAt(session, document, position)));
  connection.onCodeLens(onDocument([], (document, _, token) => lensesOf(session, document, token)));
  connection.languages.inlayHint.on(
    onDocument([], async (document, { range }) => inlayHints(document, range, await contextOf(document))),
  );
  connection.onDocumentLinks(
    onDocument([], async (document) => {
      const { baseDir, facts } = await contextOf(document);
      return documentLinks(document, baseDir, facts);
    }),
  );
  connection.onDocumentSymbol(
    onDocument([], (document) =>
      adaptOutline(documentSymbols(document), document.text.uri, session.capabilities),
    ),
  );
  connection.onFoldingRanges(
    onDocument([], (document) => foldingRanges(document, session.capabilities.maxFoldings)),
  );
  connection.onSelectionRanges(
    onDocument([], (document, { positions }) => selectionRanges(document, positions)),
  );
}

async function hoverAt(session: Session, document: ConfigDocument, position: Position) {
  const { docs, capabilities } = session;
  const around = await session.surroundingsOf(document);
  return hover(document, position, {
    ...around,
    // Only what some settings do needs it.
    get config() {
      return around.meaning?.config ?? null;
    },
    docs,
    markdown: capabilities.hoverMarkdown,
  });
}

function registerNavigation(session: Session): void {
  const { connection, onDocument } = session;
  connection.onDefinition(
    onDocument(null, (document, { position }) => definitionAt(session, document, position)),
  );
  connection.onReferences(
    onDocument([], (document, { position, context }, token) =>
      referencesAt(session, document, position, context.includeDeclaration, token),
    ),
  );
  connection.onDocumentHighlight(
    onDocument([], (document, { position }) => highlightsAt(document, position)),
  );
  connection.onPrepareRename(
    onDocument(null, (document, { position }) => prepareRenameAt(document, position)),
  );
  connection.onRenameRequest(
    onDocument(null, async (document, { position, newName }, token) => {
      const edit = await renameAt(session, document, position, newName, token);
      return edit === null ? null : adaptEdit(edit, versionsOf(session), session.capabilities);
    }),
  );
}

function registerTokens({ connection, onDocument, tokens }: Session): void {
  const { semanticTokens: requests } = connection.languages;
  requests.on(onDocument({ data: [] }, tokens.full));
  requests.onDelta(
    onDocument({ data: [] }, (document, { previousResultId }) => tokens.delta(document, previousResultId)),
  );
  requests.onRange(onDocument({ data: [] }, (document, { range }) => semanticTokens(document, range)));
}

/** Requests about all configs of the workspace, which no document is named with. */
function registerWorkspace(session: Session): void {
  const { connection } = session;
  const workspaceDiagnostics = createWorkspaceDiagnostics(session);
  connection.workspace.onWillRenameFiles(async ({ files }, token) => {
    refuseUnlessRunning(session);
    const edit = await editForMoves(session, files, token);
    return edit === null ? null : adaptEdit(edit, versionsOf(session), session.capabilities);
  });
  connection.languages.diagnostics.onWorkspace(async ({ previousResultIds }, token) => {
    refuseUnlessRunning(session);
    return { items: await workspaceDiagnostics(previousResultIds, token) };
  });
  connection.onWorkspaceSymbol(async ({ query }, token) => {
    refuseUnlessRunning(session);
    const configs = await session.workspaceConfigs(token);
    if (token.isCancellationRequested) throw cancelled();
    const symbols = workspaceSymbols(
      configs.map(({ document }) => document),
      query,
    );

    return adaptSymbols(symbols, session.capabilities);
  });
}

async function initialize(session: Session, params: InitializeParams): Promise<InitializeResult> {
  if (session.phase !== 'new')
    throw new ResponseError(ErrorCodes.InvalidRequest, 'The server is already initialized.');
  session.phase = 'running';
  session.capabilities = knownCapabilities(params.capabilities);
  session.settings = readSettings(params.initializationOptions);
  session.clientCommands = readClientCommands(params.initializationOptions);
  session.docs = await docsFolder();
  // eslint-disable-next-line @typescript-eslint/no-deprecated -- clients of before workspace folders send it
  const roots = params.workspaceFolders?.map(({ uri }) => uri) ?? [params.rootUri ?? []].flat();
  session.workspace.setFolders(roots.flatMap((uri) => session.fileOf(uri) ?? []));

  return { serverInfo: { name: 'quantsmith' }, capabilities: offered(session.capabilities) };
}

/** What this server can do, in the forms that the client knows. */
function offered(capabilities: KnownClientCapabilities): ServerCapabilities {
  const codeActionKinds = [
    CodeActionKind.QuickFix,
    CodeActionKind.Refactor,
    CodeActionKind.RefactorRewrite,
    FIX_ALL,
  ];

  return {
    textDocumentSync: { openClose: true, change: TextDocumentSyncKind.Incremental },
    completionProvider: { triggerCharacters: [' ', ':', '"', '/', '-', '*'] },
    hoverProvider: true,
    codeActionProvider: capabilities.codeActions ? { codeActionKinds } : true,
    codeLensProvider: {},
    inlayHintProvider: true,
    documentLinkProvider: {},
    documentSymbolProvider: true,
    foldingRangeProvider: true,
    documentFormattingProvider: true,
    documentRangeFormattingProvider: true,
    selectionRangeProvider: true,
    definitionProvider: true,
    referencesProvider: true,
    documentHighlightProvider: true,
    workspaceSymbolProvider: true,
    semanticTokensProvider: { legend: TOKEN_LEGEND, full: { delta: true }, range: true },
    workspace: {
      workspaceFolders: { supported: true, changeNotifications: true },
      ...(capabilities.fileMoves
        ? { fileOperations: { willRename: { filters: [{ scheme: 'file', pattern: { glob: '**' } }] } } }
        : {}),
    },
    renameProvider: capabilities.prepareRename ? { prepareProvider: true } : true,
    executeCommandProvider: { commands: Object.values(COMMANDS), workDoneProgress: true },
    ...(capabilities.pullDiagnostics
      ? {
          diagnosticProvider: {
            // The owner of the problem matcher, too: what a task prints and what the server finds are one.
            identifier: 'quantsmith',
            interFileDependencies: true,
            workspaceDiagnostics: true,
          },
        }
      : {}),
  };
}

function initialized(session: Session): void {
  const { connection, client, capabilities } = session;
  if (capabilities.registerConfiguration) client.register(DidChangeConfigurationNotification.method);
  if (capabilities.registerWatchers) {
    const watchers = [
      { globPattern: WATCHED },
      { globPattern: CONFIGS },
      { globPattern: MODULES, kind: WatchKind.Create | WatchKind.Delete },
    ];

    client.register(DidChangeWatchedFilesNotification.method, { watchers });
  }

  if (capabilities.configuration) void loadSettings(session);
  if (capabilities.workspaceFolders)
    connection.workspace.onDidChangeWorkspaceFolders(({ added, removed }) => {
      const files = (folders: readonly WorkspaceFolder[]) =>
        folders.flatMap(({ uri }) => session.fileOf(uri) ?? []);

      session.workspace.changeFolders(files(added), files(removed));
    });
}

/** Of configs and other YAML and JSON only those count that an open config extends. */
async function changed(session: Session, changes: readonly FileEvent[]): Promise<void> {
  const relevant = changes.filter(({ uri }) => !INSTALLED.test(uri));
  if (relevant.some(({ type }) => type !== FileChangeType.Changed)) session.workspace.forget();
  for (const { uri } of relevant) {
    const file = session.fileOf(uri);
    const counts = !/(?<!\.report)\.(ya?ml|jsonc?)$/i.test(uri);
    if (counts || (file !== null && (await session.isExtended(file)))) {
      session.refresh();
      return;
    }
  }
}

/** Clients that answer questions about settings are asked; others send them along. */
function configured(session: Session, sent: unknown): void {
  if (session.capabilities.configuration) return void loadSettings(session);
  session.settings = readSettings((sent as { quantsmith?: unknown } | null)?.quantsmith);
  session.refresh();
}

/** A client that has no settings for us (null) keeps those that it started the server with. */
async function loadSettings(session: Session): Promise<void> {
  const values = await session.client.configuration('quantsmith');
  if (values === null || values === undefined) return;
  session.settings = readSettings(values);
  session.refresh();
}
