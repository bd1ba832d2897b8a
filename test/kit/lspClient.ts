import { Duplex } from 'node:stream';
import { spawn } from 'node:child_process';
import { createConnection } from 'vscode-languageserver/node';
import {
  createProtocolConnection,
  type InitializeParams,
  type ProtocolConnection,
  type PublishDiagnosticsParams,
} from 'vscode-languageserver-protocol/node';
import { checkedStreams, type CheckedStreams } from '../lsp/conformance.js';
import { startServer } from '../../server/src/connection.js';
import type { SessionOptions } from '../../server/src/session/session.js';

/** A client for tests: a connection, what the server has pushed, and a wait for the next push. */
export interface TestClient {
  readonly connection: ProtocolConnection;
  /** The server's process, where it has one of its own. */
  readonly pid?: number | undefined;
  readonly open: (uri: string, text: string, languageId?: string) => Promise<void>;
  /** The next diagnostics that the server pushes for a document. */
  readonly pushed: (uri: string) => Promise<PublishDiagnosticsParams>;
  readonly stop: () => Promise<void>;
}

class Pipe extends Duplex {
  other: Pipe | null = null;
  override _read(): void {}
  override _write(chunk: unknown, _: string, done: () => void): void {
    setImmediate(() => this.other?.push(chunk));
    done();
  }
}

/** A client of a server in this process, over streams in memory. */
export async function inMemory(
  params: Partial<InitializeParams> = {},
  options: Partial<SessionOptions> = {},
): Promise<TestClient> {
  const [near, far] = [new Pipe(), new Pipe()];
  near.other = far;
  far.other = near;
  // Answers wait for all that files say, however busy the machine is.
  startServer(createConnection(far, far), { patience: Number.POSITIVE_INFINITY, ...options });
  // Told to exit, it would end this process, and it need not watch it either.
  return start(checkedStreams(near, near), { processId: null, ...params }, null);
}

/** A client of the real program on its standard input and output. */
export async function realProcess(
  program: string,
  params: Partial<InitializeParams> = {},
): Promise<TestClient> {
  const child = spawn(process.execPath, [program, '--stdio'], { stdio: ['pipe', 'pipe', 'inherit'] });
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const client = await start(checkedStreams(child.stdout, child.stdin), params, () => ended);
  return { ...client, pid: child.pid };
}

/** Every message of the server is checked; what the protocol does not allow fails the test when it stops the client. */
async function start(
  { reader, writer, violations }: CheckedStreams,
  params: Partial<InitializeParams>,
  ended: (() => Promise<void>) | null,
): Promise<TestClient> {
  const connection = createProtocolConnection(reader, writer);
  const waiting = new Map<string, (params: PublishDiagnosticsParams) => void>();
  connection.onNotification('textDocument/publishDiagnostics', (params: PublishDiagnosticsParams) =>
    waiting.get(params.uri)?.(params),
  );
  connection.onRequest('window/workDoneProgress/create', () => null);
  connection.onRequest('client/registerCapability', () => null);
  connection.onRequest('workspace/diagnostic/refresh', () => null);
  connection.listen();
  await connection.sendRequest('initialize', {
    processId: process.pid,
    rootUri: null,
    capabilities: {},
    ...params,
  });
  await connection.sendNotification('initialized', {});
  return {
    connection,
    open: (uri, text, languageId = 'quant-yaml') =>
      connection.sendNotification('textDocument/didOpen', {
        textDocument: { uri, languageId, version: 1, text },
      }),
    pushed: (uri) => new Promise((resolve) => waiting.set(uri, resolve)),
    async stop() {
      await connection.sendRequest('shutdown');
      if (ended !== null) {
        await connection.sendNotification('exit');
        await ended();
      }

      connection.dispose();
      if (violations.length > 0) throw new Error(`Against the protocol:\n${violations.join('\n')}`);
    },
  };
}
