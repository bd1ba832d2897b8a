import {
  CodeActionKind,
  CodeActionTriggerKind,
  createConnection,
  DidChangeConfigurationNotification,
  DidChangeWatchedFilesNotification,
  DocumentDiagnosticReportKind,
  ErrorCodes,
  FileChangeType,
  ProposedFeatures,
  ResponseError,
  TextDocumentSyncKind,
  WatchKind,
  type CodeAction,
  type CodeActionContext,
  type Diagnostic,
  type Connection,
  type Position,
  type FileEvent,
  type InitializeParams,
  type InitializeResult,
  type ServerCapabilities,
  type WorkspaceFolder,
} from 'vscode-languageserver/node';
import { knownCapabilities, type KnownClientCapabilities } from './client/capabilities.js';
import { COMMANDS, execute } from './requests/commands.js';
import {
  codeActions,
  completionAt,
  type ConfigDocument,
  convertActions,
  convertedFile,
  cursorAt,
  documentLinks,
  documentSymbols,
  findAll,
  FIX_ALL,
  fixAll,
  foldingRanges,
  formatting,
  hover,
  inlayHints,
  isWantedBehind,
  keepsReadable,
  layerActions,
  listingWanted,
  rewrites,
  selectionRanges,
  semanticTokens,
  TOKEN_LEGEND,
  wants,
  workspaceSymbols,
} from '@quantsmith/service';
import {
  adaptActions,
  adaptCompletion,
  adaptEdit,
  adaptOutline,
  adaptSymbols,
} from './client/adaptToClient.js';
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
import { lookAt } from './sources/look.js';
import { listingsFor } from './sources/listings.js';
import { cancelled, refuseUnlessRunning } from './session/answers.js';
import { createSession, type Session, type SessionOptions } from './session/session.js';
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

/** Starts the language server on standard input and output, or on the given connection. */
export function startServer(
  connection: Connection = createConnection(ProposedFeatures.all, process.stdin, process.stdout),
  options: SessionOptions = { patience: PATIENCE_MS },
): void {
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
}

/** Which function answers which request. */
function registerFeatures(session: Session): void {
  const { connection, onDocument, contextOf } = session;
  connection.languages.diagnostics.on(
    onDocument({ kind: DocumentDiagnosticReportKind.Full, items: [] }, async (document) => ({
      kind: DocumentDiagnosticReportKind.Full,
      items: await session.diagnose(document),
    })),
  );
  connection.onCompletion(
    onDocument({ isIncomplete: false, items: [] }, async (document, { position, context: asked }) => {
      const { completion } = session.capabilities;
      const found = cursorAt(document, position);
      const isWanted = found === null || isWantedBehind(document, found, asked?.triggerCharacter);
      const cursor = isWanted ? found : null;
      const context = await contextOf(document);
      const listings = await listingsFor(session.sources, listingWanted(cursor, context.baseDir));
      const { docs } = session;

      return adaptCompletion(
        completionAt(document, cursor, { ...context, ...completion, docs, listings }),
        completion,
      );
    }),
  );
  connection.onHover(
    onDocument(null, async (document, { position }) => {
      const markdown = session.capabilities.hoverMarkdown;
      return hover(document, position, { ...(await contextOf(document)), docs: session.docs, markdown });
    }),
  );
  const versionOf = (uri: string) => session.documentOf(uri)?.text.version ?? null;
  connection.onCodeAction(
    onDocument([], async (document, { context, range }) => {
      // Whole rewrites are made when somebody asks for refactorings, not at every move of the cursor.
      const isAsked =
        (context.only ?? null) !== null || context.triggerKind === CodeActionTriggerKind.Invoked;

      // Every edit is read again before it is offered.
      const isSound = ({ edit }: CodeAction) =>
        keepsReadable(document, edit?.changes?.[document.text.uri] ?? []);
      const refactor = isAsked && wants(context.only, CodeActionKind.RefactorRewrite);
      const fixes = [
        ...codeActions(document, { ...context, diagnostics: await withData(session, document, context) }),
        ...(wants(context.only, CodeActionKind.Refactor)
          ? await onLayers(session, document, range.start)
          : []),
        ...(refactor ? await refactorings(session, document) : []),
      ];

      if (!wants(context.only, FIX_ALL))
        return adaptActions(fixes.filter(isSound), versionOf, session.capabilities);
      const known = await contextOf(document);
      // What somebody does not want to hear of, nobody changes for them.
      const visible = (current: ConfigDocument) =>
        findAll(current, known).findings.filter(({ code }) => session.settings.severities[code] !== 'off');

      const all = [...fixes, ...fixAll(document, visible)].filter(isSound);

      return adaptActions(all, versionOf, session.capabilities);
    }),
  );
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
  connection.onDocumentFormatting(onDocument([], (document, { options }) => formatting(document, options)));
  connection.onDocumentRangeFormatting(
    onDocument([], (document, { options, range }) => formatting(document, options, range)),
  );
  connection.onSelectionRanges(
    onDocument([], (document, { positions }) => selectionRanges(document, positions)),
  );
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
      return edit === null ? null : adaptEdit(edit, versionOf, session.capabilities);
    }),
  );

  const tokens = connection.languages.semanticTokens;
  tokens.on(onDocument({ data: [] }, session.tokens.full));
  tokens.onDelta(
    onDocument({ data: [] }, (document, { previousResultId }) =>
      session.tokens.delta(document, previousResultId),
    ),
  );
  tokens.onRange(onDocument({ data: [] }, (document, { range }) => semanticTokens(document, range)));
  connection.workspace.onWillRenameFiles(async ({ files }, token) => {
    refuseUnlessRunning(session);
    const edit = await editForMoves(session, files, token);
    return edit === null ? null : adaptEdit(edit, versionOf, session.capabilities);
  });
  const workspaceDiagnostics = createWorkspaceDiagnostics(session);
  connection.languages.diagnostics.onWorkspace(async ({ previousResultIds }, token) => {
    refuseUnlessRunning(session);
    return { items: await workspaceDiagnostics(previousResultIds, token) };
  });
  connection.onWorkspaceSymbol(async ({ query }, token) => {
    refuseUnlessRunning(session);
    const configs = await session.workspaceConfigs(token);
    if (token.isCancellationRequested) throw cancelled();
    const found = workspaceSymbols(
      configs.map(({ document }) => document),
      query,
    );

    return adaptSymbols(found, session.capabilities);
  });
}

/** Diagnostics as they were sent: clients may send them back without the data that fixes need. */
async function withData(
  session: Session,
  document: ConfigDocument,
  { diagnostics }: CodeActionContext,
): Promise<Diagnostic[]> {
  if (diagnostics.every(({ data }) => data !== undefined)) return diagnostics;
  const sent = new Map((await session.diagnose(document, true)).map((one) => [identityOf(one), one.data]));
  return diagnostics.map((one) => ({ ...one, data: (one.data ?? sent.get(identityOf(one))) as unknown }));
}

/** By what it says, not by how a client writes it: keys of JSON come back in any order. */
const identityOf = ({ code, range: { start, end }, message }: Diagnostic) => {
  const text = typeof message === 'string' ? message : message.value;
  return [code, start.line, start.character, end.line, end.character, text].join(':');
};

async function onLayers(
  session: Session,
  document: ConfigDocument,
  position: Position,
): Promise<CodeAction[]> {
  const { report, changed, config } = await session.contextOf(document);
  const ignored = config?.quantization?.ignored_scope?.names ?? [];
  return config === null ? [] : layerActions(document, position, { report, changed, ignored });
}

async function refactorings(session: Session, document: ConfigDocument): Promise<CodeAction[]> {
  const file = session.fileOf(document.text.uri);
  const { inherited } = await session.contextOf(document);
  const other = file === null ? null : convertedFile(file, document.tree.language);
  // Asked anew: a file that has come meanwhile is not overwritten.
  const isFree = other !== null && (await lookAt(other)) === 'missing';
  const converted = session.capabilities.createFiles && isFree ? convertActions(document, other) : [];
  return [...rewrites(document, inherited), ...converted];
}

async function initialize(session: Session, params: InitializeParams): Promise<InitializeResult> {
  if (session.phase !== 'new')
    throw new ResponseError(ErrorCodes.InvalidRequest, 'The server is initialized already.');
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
      ? { diagnosticProvider: { interFileDependencies: true, workspaceDiagnostics: true } }
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
  const given = await session.client.configuration('quantsmith');
  if (given === null || given === undefined) return;
  session.settings = readSettings(given);
  session.refresh();
}
