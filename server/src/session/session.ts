import {
  createDocumentCache,
  createTokenCache,
  extendsOf,
  findAll,
  isConfigText,
  toDiagnostics,
  type ConfigContext,
  type ConfigDocument,
  type TokenCache,
} from '@quantsmith/service';
import { fileURLToPath, pathToFileURL } from 'node:url';
import {
  TextDocuments,
  type CancellationToken,
  type Connection,
  type Diagnostic,
} from 'vscode-languageserver/node';
import { TextDocument } from 'vscode-languageserver-textdocument';
import { knownCapabilities, type KnownClientCapabilities } from '../client/capabilities.js';
import { createClient, type Client } from '../client/client.js';
import { createLog, type Log } from '../client/log.js';
import { DEFAULT_SETTINGS, type Settings } from '../client/settings.js';
import { createSources, type Sources } from '../sources/sources.js';
import { createOnDocument, type OnDocument, type Phase } from './answers.js';
import { createContexts, extendsFile } from './contexts.js';
import { createRefresh } from './refresh.js';
import { createWorkspace, type Workspace, type WorkspaceConfig } from './workspace.js';

/** What lasts between messages: open documents, what was read beside them, capabilities and settings of the client. */
export interface Session {
  readonly connection: Connection;
  readonly client: Client;
  phase: Phase;
  capabilities: KnownClientCapabilities;
  settings: Settings;
  /** Where the documentation that comes with the server lies, as a URI; null: nowhere. */
  docs: string | null;
  /** Commands of its own that the client offers. */
  clientCommands: ReadonlySet<string>;
  /** What engine processes serve, by command and config: a second request for the same joins the first. */
  readonly running: Map<string, Promise<unknown>>;
  /** By config: how each run is asked to end with the best model found so far. */
  readonly finishing: Map<string, AbortController>;
  readonly sources: Sources;
  readonly tokens: TokenCache;
  readonly log: Log;
  readonly fileOf: (uri: string) => string | null;
  /** The parsed text of an open document. */
  readonly documentOf: (uri: string) => ConfigDocument | null;
  readonly contextOf: (document: ConfigDocument) => Promise<ConfigContext>;
  /** `diagnosticData`: with what fixes need, also where the client would not give it back. */
  readonly diagnose: (document: ConfigDocument, diagnosticData?: boolean) => Promise<Diagnostic[]>;
  /** Files or settings have changed: all clients are refreshed. */
  readonly refresh: () => void;
  readonly workspace: Workspace;
  /** The configs of the workspace and those that are open. */
  readonly workspaceConfigs: (token: CancellationToken) => Promise<WorkspaceConfig[]>;
  /** Whether a file is one that an open config extends, or names as one. */
  readonly isExtended: (file: string) => Promise<boolean>;
  readonly onDocument: OnDocument;
}

export interface SessionOptions {
  /** Milliseconds that an answer waits for what files say; what comes later is told later. */
  readonly patience: number;
}

export function createSession(connection: Connection, { patience }: SessionOptions): Session {
  const texts = new TextDocuments(TextDocument);
  const parsed = createDocumentCache();
  const log = createLog(connection, () => session.settings.logLevel);
  const capabilities = () => session.capabilities;
  const client = createClient(connection, capabilities, log);

  /** What an editor has open counts for more than its file. */
  const openAt = (path: string) => {
    const text = texts.get(pathToFileURL(path).href) ?? texts.all().find(({ uri }) => fileOf(uri) === path);
    return text === undefined ? null : parsed.get(text);
  };
  const documentOf = (uri: string) => {
    const text = texts.get(uri);
    return text === undefined ? null : parsed.get(text);
  };

  const sources = createSources(openAt);
  const contexts = createContexts({ sources, fileOf, patience, onLate: () => refresh.everything() });
  const isConfig = ({ uri, languageId }: TextDocument) => isConfigText(fileOf(uri) ?? uri, languageId);
  const roleOf = async (text: TextDocument): Promise<'config' | 'base' | 'other'> => {
    const file = fileOf(text.uri);
    const extending = texts
      .all()
      .filter((other) => other !== text && isConfig(other))
      .map((other) => parsed.get(other))
      .filter(({ tree }) => extendsOf(tree) !== null);

    const inherited = await Promise.all(extending.map(async (other) => (await contexts.of(other)).inherited));
    if (file !== null && inherited.some((one) => extendsFile(one, file))) return 'base';

    return isConfig(text) ? 'config' : 'other';
  };
  const diagnose = async (document: ConfigDocument, diagnosticData = session.capabilities.diagnosticData) => {
    const begun = performance.now();
    const role = await roleOf(document.text);
    if (role === 'other') return [];
    const found = findAll(document, await contexts.of(document)).findings;
    // What a config needs, those that extend it may have.
    const findings = role === 'base' ? found.filter(({ code }) => code !== 'missing-key') : found;
    const { uri, version } = document.text;
    const took = (performance.now() - begun).toFixed(1);
    connection.tracer.log(`Checked version ${version} of ${uri}: ${findings.length} findings in ${took} ms.`);

    const { severities } = session.settings;

    return toDiagnostics(document, findings, {
      ...session.capabilities,
      docs: session.docs,
      severities,
      diagnosticData,
    });
  };
  const refresh = createRefresh({
    client,
    capabilities,
    open: () => texts.all(),
    diagnose: (text) => diagnose(parsed.get(text)),
    log,
  });

  const isServed = async (uri: string) => {
    const text = texts.get(uri);
    return text !== undefined && (isConfig(text) || (await roleOf(text)) !== 'other');
  };

  /** Configs that extend the file of this one are checked again: its text counts before it is saved. */
  const tellFollowers = async (uri: string) => {
    const file = fileOf(uri);
    const followers = file === null ? [] : await contexts.extending(file);
    const others = followers.filter((follower) => follower !== uri);
    for (const other of others) contexts.forget(other);
    refresh.diagnostics(others.flatMap((other) => texts.get(other) ?? []));
  };

  const follow = (uri: string) => void tellFollowers(uri).catch((error: unknown) => log('error', error));

  /** Open files that are judged as bases, by the config that extends them. */
  const bases = new Map<string, string>();
  const tellBases = async (text: TextDocument) => {
    if (!isConfig(text)) return;
    const document = parsed.get(text);
    const known = extendsOf(document.tree) === null ? null : (await contexts.of(document)).inherited;
    const open = (known?.layers ?? []).flatMap(
      ({ file }) => texts.all().find(({ uri }) => fileOf(uri) === file) ?? [],
    );

    const uris = open.map(({ uri }) => uri).join('\n');
    if ((bases.get(text.uri) ?? '') === uris) return;
    bases.set(text.uri, uris);
    refresh.diagnostics(open);
  };

  texts.onDidChangeContent(({ document }) => {
    refresh.changed(document);
    follow(document.uri);
    void tellBases(document).catch((error: unknown) => log('error', error));
  });
  texts.onDidClose(({ document: { uri } }) => {
    contexts.forget(uri);
    parsed.forget(uri);
    const left = bases.get(uri)?.split('\n') ?? [];
    bases.delete(uri);
    refresh.diagnostics(left.flatMap((base) => texts.get(base) ?? []));
    session.tokens.forget(uri);
    follow(uri);
    refresh.closed(uri);
  });
  texts.listen(connection);

  const session: Session = {
    connection,
    client,
    phase: 'new',
    capabilities: knownCapabilities({}),
    settings: DEFAULT_SETTINGS,
    docs: null,
    clientCommands: new Set(),
    running: new Map(),
    finishing: new Map(),
    sources,
    tokens: createTokenCache(),
    log,
    fileOf,
    documentOf,
    contextOf: contexts.of,
    diagnose,
    refresh() {
      contexts.forget();
      sources.forget();
      session.workspace.forget();
      refresh.everything();
    },
    workspace: createWorkspace(sources),
    workspaceConfigs(token) {
      const open = texts.all().flatMap((text) => (isConfig(text) ? (fileOf(text.uri) ?? []) : []));
      return session.workspace.configs(open, () => token.isCancellationRequested);
    },
    isExtended: async (file) => (await contexts.extending(file)).length > 0,
    onDocument: (fallback, body) => createOnDocument(session, isServed, documentOf, log)(fallback, body),
  };

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
