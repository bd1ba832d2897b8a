import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';

/** Milliseconds after which a server that says nothing counts as hanging. */
const PATIENCE = 60_000;

/** Starts the language server, opens a config and waits for its diagnostics; rejects when there are errors in it. */
export async function initialize(node, cli, config) {
  const child = spawn(node, [cli, 'lsp', '--stdio'], { stdio: ['pipe', 'pipe', 'pipe'] });
  const uri = pathToFileURL(config).href;
  const send = (message) => {
    const body = JSON.stringify({ jsonrpc: '2.0', ...message });
    child.stdin.write(`Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
  };
  const timer = setTimeout(() => child.kill('SIGKILL'), PATIENCE);
  try {
    send({
      id: 1,
      method: 'initialize',
      params: { processId: process.pid, rootUri: null, capabilities: {} },
    });
    for await (const message of messages(child.stdout)) {
      if (message.id === 1) {
        send({ method: 'initialized', params: {} });
        const textDocument = {
          uri,
          languageId: 'quant-yaml',
          version: 1,
          text: readFileSync(config, 'utf8'),
        };
        send({ method: 'textDocument/didOpen', params: { textDocument } });
      }
      if (message.method !== 'textDocument/publishDiagnostics') continue;
      const errors = message.params.diagnostics.filter(({ severity }) => severity === 1);
      if (errors.length > 0) throw new Error(JSON.stringify(errors));
      return;
    }
    throw new Error('The server ended, or hung, without diagnostics.');
  } finally {
    clearTimeout(timer);
    child.kill();
  }
}

/** Messages of a language server, as they come. */
async function* messages(stream) {
  let buffer = Buffer.alloc(0);
  for await (const chunk of stream) {
    buffer = Buffer.concat([buffer, chunk]);
    for (;;) {
      const head = buffer.indexOf('\r\n\r\n');
      if (head < 0) break;
      const length = Number(/Content-Length: (\d+)/i.exec(buffer.subarray(0, head).toString())[1]);
      if (buffer.length < head + 4 + length) break;
      yield JSON.parse(buffer.subarray(head + 4, head + 4 + length).toString());
      buffer = buffer.subarray(head + 4 + length);
    }
  }
}
