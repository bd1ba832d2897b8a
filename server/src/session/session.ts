import {
  MANAGE_TRUST_COMMAND,
  createTokenCache,
  toDiagnostics,
  type ConfigContext,
  type ConfigDocument,
  type Surroundings,
  type TokenCache,
} from '@quantsmith/service';
import type { CancellationToken, Connection, Diagnostic } from 'vscode-languageserver/node';
import type { TextDocument } from 'vscode-languageserver-textdocument';
import { knownCapabilities, type KnownClientCapabilities } from '../client/capabilities.js';
import { createClient, type Client } from '../client/client.js';
import { createLog, type Log } from '../client/log.js';
import { DEFAULT_SETTINGS, type Settings } from '../client/settings.js';
import { createSources, type Sources } from '../sources/sources.js';
import { createOnDocument, type OnDocument, type Phase } from './answers.js';
import { createChecks, type Checks } from './checks.js';
import { createContexts, type Contexts } from './contexts.js';
import { createFollowers } from './followers.js';
import { createOpenTexts, fileOf, type OpenTexts } from './openTexts.js';
import { createRefresh, type Refresh } from './refresh.js';
import { createRoles, type Role } from './roles.js';
import { createTurns, type Turns } from './turns.js';
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
  /** What questions about one place need of that: long lists are not taken apart for it. */
  readonly surroundingsOf: (document: ConfigDocument) => Promise<Surroundings>;
  /** `diagnosticData`: with what fixes need, also where the client would not give it back. */
  readonly diagnose: (document: ConfigDocument, diagnosticData?: boolean) => Promise<Diagnostic[]>;
  /** Files or settings have changed: all clients are refreshed. */
  readonly refresh: () => void;
  readonly workspace: Workspace;
  /** The configs of the workspace and those that are open. */
  readonly workspaceConfigs: (token: CancellationToken) => Promise<WorkspaceConfig[]>;
  /** Whether a file is one that an open config extends, or names as one. */
  readonly isExtended: (file: string) => Promise<boolean>;
  /** A handler of requests that checking gives way to. */
  readonly onDocument: OnDocument;
  /** The same for requests that need the findings of a document. */
  readonly onFindings: OnDocument;
}

export interface SessionOptions {
  /** Milliseconds that an answer waits for what files say; what comes later is told later. */
  readonly patience: number;
}

export function createSession(connection: Connection, { patience }: SessionOptions): Session {
  const open = createOpenTexts();
  const { texts } = open;
  const log = createLog(connection, () => session.settings.logLevel);
  const capabilities = () => session.capabilities;
  const client = createClient(connection, capabilities, log);

  const sources = createSources(open.byFile);
  const contexts = createContexts({ sources, fileOf, patience, onLate: () => refresh.everything() });
  const roleOf = createRoles(open, contexts);
  const turns = createTurns();
  const checks = createChecks(turns);
  const diagnose = createDiagnose(() => session, roleOf, checks);
  const refresh = createRefresh({
    client,
    capabilities,
    open: () => texts.all(),
    diagnose: (text) => diagnose(open.parse(text)),
    pause: turns.pause,
    log,
  });

  const isServed = async (uri: string) => {
    const text = texts.get(uri);
    return text !== undefined && (open.isConfig(text) || (await roleOf(text)) !== 'other');
  };

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
    documentOf: open.byUri,
    contextOf: async (document) => withTrust(await contexts.of(document), session),
    surroundingsOf: contexts.around,
    diagnose,
    refresh() {
      contexts.forget();
      sources.forget();
      session.workspace.forget();
      refresh.everything();
    },
    workspace: createWorkspace(sources),
    workspaceConfigs(token) {
      const files = texts.all().flatMap((text) => (open.isConfig(text) ? (fileOf(text.uri) ?? []) : []));
      return session.workspace.configs(files, () => token.isCancellationRequested);
    },
    isExtended: async (file) => (await contexts.extending(file)).length > 0,
    onDocument: (fallback, body) => answeredFirst(turns, onDocument(fallback, body)),
    onFindings: (fallback, body) => onDocument(fallback, body),
  };
  const onDocument = createOnDocument(session, isServed, open.byUri, log);

  listen(session, open, { contexts, checks, refresh });

  return session;
}

/** What checking gives way to. */
const answeredFirst =
  <P, R>({ answering }: Turns, answer: (params: P, token: CancellationToken) => Promise<R>) =>
  (params: P, token: CancellationToken) =>
    answering(answer(params, token));

/** Only where the client can lead to what is missing is it news that modules are not allowed. */
function withTrust(context: ConfigContext, { clientCommands, settings }: Session): ConfigContext {
  const isManaged = clientCommands.has(MANAGE_TRUST_COMMAND);
  return isManaged ? { ...context, modulesBlocked: !settings.allowModules } : context;
}

/** Follows the texts that the client opens, changes and closes. */
function listen(
  session: Session,
  open: OpenTexts,
  {
    contexts,
    checks,
    refresh,
  }: { readonly contexts: Contexts; readonly checks: Checks; readonly refresh: Refresh },
): void {
  const followers = createFollowers(open, contexts, refresh, session.log);
  open.texts.onDidChangeContent(({ document }) => {
    refresh.changed(document);
    followers.changed(document);
  });
  open.texts.onDidClose(({ document: { uri } }) => {
    contexts.forget(uri);
    checks.forget(uri);
    open.forget(uri);
    session.tokens.forget(uri);
    followers.closed(uri);
    refresh.closed(uri);
  });
  open.texts.listen(session.connection);
}

/** What a client is shown of a document's findings; where its text changes meanwhile, of the new text. */
function createDiagnose(
  current: () => Session,
  roleOf: (text: TextDocument) => Promise<Role>,
  checks: Checks,
): Session['diagnose'] {
  return async (asked, diagnosticData) => {
    const session = current();
    const { uri } = asked.text;
    const latest = (known: ConfigDocument) => session.documentOf(uri) ?? known;
    const begun = performance.now();
    const role = await roleOf(asked.text);
    if (role === 'other') return [];
    for (let document = latest(asked); ; document = latest(document)) {
      const context = await session.contextOf(document);
      const checked = latest(document) === document ? await checks.of(document, context) : null;
      if (checked === null) continue;
      // What a config needs, those that extend it may have.
      const findings =
        role === 'base' ? checked.findings.filter(({ code }) => code !== 'missing-key') : checked.findings;

      const took = (performance.now() - begun).toFixed(1);
      session.connection.tracer.log(
        `Checked version ${document.text.version} of ${uri}: ${findings.length} findings in ${took} ms.`,
      );

      return toDiagnostics(document, findings, {
        ...session.capabilities,
        docs: session.docs,
        severities: session.settings.severities,
        diagnosticData: diagnosticData ?? session.capabilities.diagnosticData,
      });
    }
  };
}

/** The versions of open documents, which edits of them name. */
export const versionsOf = (session: Session) => (uri: string) =>
  session.documentOf(uri)?.text.version ?? null;
