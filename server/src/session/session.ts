import { fileURLToPath, pathToFileURL } from 'node:url';
import {
  CodeLensRefreshRequest,
  ErrorCodes,
  LSPErrorCodes,
  ResponseError,
  TextDocuments,
  type CancellationToken,
  type Connection,
  type Diagnostic,
} from 'vscode-languageserver/node';
import { TextDocument } from 'vscode-languageserver-textdocument';
import { abilitiesOf, type ClientAbilities } from '../client/capabilities.js';
import { surroundings } from '../sources/context.js';
import {
  type ConfigDocument,
  createDocumentCache,
  createTokenCache,
  findAll,
  type Inherited,
  type Surroundings,
  toDiagnostics,
  type TokenCache,
} from '@quantsmith/service';
import { createLog, type Log } from '../client/log.js';
import { createSources, type Sources } from '../sources/sources.js';
import { DEFAULT_SETTINGS, type Settings } from '../client/settings.js';
import { createWorkspace, type Workspace, type WorkspaceConfig } from './workspace.js';

/** Milliseconds of silence before pushed diagnostics are made, for clients that do not pull. */
const PUSH_DELAY_MS = 10;
/** Milliseconds for which files beside a config are not looked at again, unless something is known to have changed. */
const SURROUNDINGS_MS = 1000;
/** Milliseconds of silence after changes of files before clients are asked to ask again. */
const TELL_DELAY_MS = 50;

/** What lasts between messages: open documents, what was read beside them, abilities and settings of the client. */
export interface Session {
  readonly connection: Connection;
  /** Requests are answered only while it is running. */
  phase: 'new' | 'running' | 'ended';
  abilities: ClientAbilities;
  settings: Settings;
  /** What engine processes serve, by command and config: a second request for the same joins the first. */
  readonly running: Map<string, Promise<unknown>>;
  /** Commands of its own that the client offers. */
  clientCommands: ReadonlySet<string>;
  readonly sources: Sources;
  readonly tokens: TokenCache;
  readonly log: Log;
  readonly fileOf: (uri: string) => string | null;
  /** The parsed text of an open document. */
  readonly documentOf: (uri: string) => ConfigDocument | null;
  readonly surroundingsOf: (document: ConfigDocument) => Promise<Surroundings>;
  /** `diagnosticData`: with what fixes need, also where the client would not give it back. */
  readonly diagnose: (document: ConfigDocument, diagnosticData?: boolean) => Promise<Diagnostic[]>;
  /** Files or settings have changed: everything that was told is told anew. */
  readonly refresh: () => void;
  readonly workspace: Workspace;
  /** The configs of the workspace and those that are open. */
  readonly workspaceConfigs: (token: CancellationToken) => Promise<WorkspaceConfig[]>;
  /** Whether a file is one that an open config extends, or names as one. */
  readonly isExtended: (file: string) => Promise<boolean>;
  /** A handler for a request about a document; `fallback` for documents that are not open and when the body fails. */
  readonly about: <P extends { textDocument: { uri: string } }, R>(
    fallback: R,
    body: (document: ConfigDocument, params: P, token: CancellationToken) => R | Promise<R>,
  ) => (params: P, token: CancellationToken) => Promise<R>;
}

export function createSession(connection: Connection): Session {
  const texts = new TextDocuments(TextDocument);
  const parsed = createDocumentCache();
  /** What an editor has open counts for more than its file. */
  const openAt = (path: string) => {
    const text =
      texts.get(pathToFileURL(path).href) ?? texts.all().find(({ uri }) => session.fileOf(uri) === path);
    return text === undefined ? null : parsed.get(text);
  };
  const sources = createSources(openAt);
  const timers = new Map<string, NodeJS.Timeout>();
  const around = new Map<string, { document: ConfigDocument; time: number; found: Promise<Surroundings> }>();
  const report = createLog(connection, () => session.settings.logLevel);
  const log = (error: unknown) => report('error', error);
  let telling: NodeJS.Timeout | undefined;

  const session: Session = {
    connection,
    phase: 'new',
    abilities: abilitiesOf({}),
    settings: DEFAULT_SETTINGS,
    running: new Map(),
    clientCommands: new Set(),
    sources,
    tokens: createTokenCache(),
    log: report,
    fileOf,
    documentOf(uri) {
      const text = texts.get(uri);
      return text === undefined ? null : parsed.get(text);
    },
    surroundingsOf(document) {
      const { uri } = document.text;
      const known = around.get(uri);
      if (known?.document === document && Date.now() - known.time < SURROUNDINGS_MS) return known.found;
      const found = surroundings(document, session.fileOf(uri), sources);
      around.set(uri, { document, time: Date.now(), found });
      return found;
    },
    async diagnose(document, diagnosticData = session.abilities.diagnosticData) {
      const begun = performance.now();
      const { findings } = findAll(document, await session.surroundingsOf(document));
      const { severities } = session.settings;
      const { uri, version } = document.text;
      connection.tracer.log(
        `Checked version ${version} of ${uri}: ${findings.length} findings in ${(performance.now() - begun).toFixed(1)} ms.`,
      );
      return toDiagnostics(document, findings, { ...session.abilities, severities, diagnosticData });
    },
    workspace: createWorkspace(sources),
    workspaceConfigs(token) {
      const open = texts.keys().flatMap((uri) => session.fileOf(uri) ?? []);
      return session.workspace.configs(open, () => token.isCancellationRequested);
    },
    refresh() {
      around.clear();
      sources.forget();
      session.workspace.forget();
      // A folder of images changes file by file.
      clearTimeout(telling);
      telling = setTimeout(tell, TELL_DELAY_MS);
    },
    async isExtended(file) {
      const all = await Promise.all([...around.values()].map((known) => known.found));
      return all.some(({ inherited }) => extendsFile(inherited, file));
    },
    about: (fallback, body) => async (params, token) => {
      refuseUnlessRunning(session);
      if (texts.get(params.textDocument.uri) === undefined) return fallback;
      // Typing that has arrived meanwhile comes first, and may have cancelled this.
      await new Promise((resolve) => setImmediate(resolve));
      if (token.isCancellationRequested) throw cancelled();
      try {
        const document = session.documentOf(params.textDocument.uri);
        if (document === null) return fallback;
        const answer = await body(document, params, token);
        if (token.isCancellationRequested) throw cancelled();
        return answer;
      } catch (error) {
        if (error instanceof ResponseError) throw error;
        log(error);
        return fallback;
      }
    },
  };

  const tell = () => {
    const { abilities } = session;
    report('debug', 'Files or settings have changed: everything is told anew.');
    if (!abilities.pullDiagnostics) for (const text of texts.all()) push(text);
    else if (abilities.refreshDiagnostics) connection.languages.diagnostics.refresh();
    if (abilities.refreshCodeLens) void connection.sendRequest(CodeLensRefreshRequest.type).catch(log);
    if (abilities.refreshInlayHints) void connection.languages.inlayHint.refresh().catch(log);
  };
  const push = (text: TextDocument) => {
    clearTimeout(timers.get(text.uri));
    const send = async () => {
      const { version } = text;
      const diagnostics = await session.diagnose(parsed.get(text));
      // Newer text is on its way with findings of its own.
      if (texts.get(text.uri)?.version === version)
        await connection.sendDiagnostics({ uri: text.uri, version, diagnostics });
    };
    timers.set(
      text.uri,
      setTimeout(() => void send().catch(log), PUSH_DELAY_MS),
    );
  };
  /** Configs that extend the file of this one are told anew: its text counts before it is saved. */
  const followers = async (uri: string) => {
    const file = session.fileOf(uri);
    let told = false;
    for (const [other, known] of [...around]) {
      if (other === uri || file === null) continue;
      const { inherited } = await known.found;
      if (!extendsFile(inherited, file)) continue;
      around.delete(other);
      told = true;
      const text = texts.get(other);
      if (text !== undefined && !session.abilities.pullDiagnostics) push(text);
    }
    if (told && session.abilities.refreshDiagnostics) connection.languages.diagnostics.refresh();
  };
  texts.onDidChangeContent(({ document }) => {
    if (!session.abilities.pullDiagnostics) push(document);
    void followers(document.uri).catch(log);
  });
  texts.onDidClose(({ document: { uri } }) => {
    clearTimeout(timers.get(uri));
    timers.delete(uri);
    around.delete(uri);
    parsed.forget(uri);
    session.tokens.forget(uri);
    void followers(uri).catch(log);
    if (!session.abilities.pullDiagnostics)
      void connection.sendDiagnostics({ uri, diagnostics: [] }).catch(log);
  });
  texts.listen(connection);
  return session;
}

/** The path of a file's URI; null for documents that are no files. */
function fileOf(uri: string): string | null {
  try {
    return uri.startsWith('file:') ? fileURLToPath(uri) : null;
  } catch {
    return null;
  }
}

const extendsFile = ({ layers, problem }: Inherited, file: string) =>
  problem?.file === file || layers.some((layer) => layer.file === file);

/** Before `initialize` and after `shutdown` the protocol has errors for answers. */
export function refuseUnlessRunning({ phase }: Session): void {
  if (phase === 'new')
    throw new ResponseError(ErrorCodes.ServerNotInitialized, 'The server is not initialized yet.');
  if (phase === 'ended') throw new ResponseError(ErrorCodes.InvalidRequest, 'The server is shut down.');
}

export const cancelled = () => new ResponseError(LSPErrorCodes.RequestCancelled, 'Cancelled.');
