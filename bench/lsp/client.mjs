// A language client for benchmarks: a real server process on standard input and output, and as little else as possible.
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createProtocolConnection } from 'vscode-languageserver-protocol/node';

/** What a usual editor without pull diagnostics says that it can do. */
export const CAPABILITIES = {
  workspace: { configuration: true, didChangeConfiguration: { dynamicRegistration: true } },
  textDocument: {
    synchronization: { dynamicRegistration: false },
    publishDiagnostics: { relatedInformation: true, versionSupport: true, codeDescriptionSupport: true },
    completion: {
      completionItem: { snippetSupport: true, documentationFormat: ['markdown', 'plaintext'] },
      contextSupport: true,
    },
    hover: { contentFormat: ['markdown', 'plaintext'] },
    documentSymbol: { hierarchicalDocumentSymbolSupport: true },
  },
};

/**
 * Starts a server and shakes hands with it.
 * @param command program and arguments
 * @param settings what is answered when the server asks for a section of its settings
 */
export async function startClient(command, { settings = {}, rootUri = null, options, capabilities } = {}) {
  const begun = performance.now();
  const [program, ...args] = command;
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'ignore'] });
  const ended = new Promise((resolve) => child.once('close', resolve));
  const connection = createProtocolConnection(child.stdout, child.stdin);
  const waiting = new Map();
  const latest = new Map();
  connection.onNotification('textDocument/publishDiagnostics', (params) => {
    latest.set(params.uri, params);
    waiting.get(params.uri)?.(params);
  });
  connection.onRequest('workspace/configuration', ({ items }) =>
    items.map(({ section }) => settings[section] ?? null),
  );
  connection.onRequest('client/registerCapability', () => null);
  connection.onRequest('window/workDoneProgress/create', () => null);
  connection.onError(() => {});
  connection.listen();
  const { capabilities: abilities } = await connection.sendRequest('initialize', {
    processId: process.pid,
    rootUri,
    capabilities: capabilities ?? CAPABILITIES,
    ...(rootUri === null ? {} : { workspaceFolders: [{ uri: rootUri, name: 'bench' }] }),
    ...(options === undefined ? {} : { initializationOptions: options }),
  });
  const startMs = performance.now() - begun;
  await connection.sendNotification('initialized', {});
  await connection.sendNotification('workspace/didChangeConfiguration', { settings });
  return {
    connection,
    abilities,
    startMs,
    pid: child.pid,
    latest,
    request: (method, params) => connection.sendRequest(method, params),
    notify: (method, params) => connection.sendNotification(method, params),
    /** The next diagnostics of a document that are not older than a version. */
    diagnostics: (uri, version = 0) =>
      new Promise((resolve) => {
        waiting.set(uri, (params) => {
          if (params.version !== undefined && params.version !== null && params.version < version) return;
          waiting.delete(uri);
          resolve(params);
        });
      }),
    residentBytes: () => 1024 * statusField(child.pid, 'VmRSS'),
    async stop() {
      await connection.sendRequest('shutdown').catch(() => {});
      await connection.sendNotification('exit').catch(() => {});
      child.stdin.end();
      await ended;
      connection.dispose();
    },
  };
}

/** A figure of /proc/PID/status in kB. */
function statusField(pid, name) {
  const found = new RegExp(`${name}:\\s*(\\d+) kB`).exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
  return Number(found?.[1] ?? 0);
}

/** The median and the 95th percentile. */
export function spread(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];
  return { median: at(0.5), p95: at(0.95), n: sorted.length };
}
