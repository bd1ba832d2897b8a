import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';

/** Milliseconds after which a server that says nothing counts as hanging. */
const PATIENCE = 60_000;

/**
 * Starts a language server, opens a config and waits for its diagnostics, then has the server execute commands one after the
 * other, each `[command, ...arguments]`. Resolves to their answers; rejects when there are errors in the config, and with an
 * answer that is an error.
 */
export async function initialize(program, args, config, { commands = [], patience = PATIENCE } = {}) {
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  const send = (message) => {
    const body = JSON.stringify({ jsonrpc: '2.0', ...message });
    child.stdin.write(`Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
  };

  const timer = setTimeout(() => child.kill('SIGKILL'), patience);
  const answers = [];
  const askNext = () => {
    const [command, ...rest] = commands[answers.length];
    const params = { command, arguments: rest };
    send({ id: FIRST_COMMAND + answers.length, method: 'workspace/executeCommand', params });
  };

  let isChecked = false;
  try {
    send({
      id: 1,
      method: 'initialize',
      params: { processId: process.pid, rootUri: null, capabilities: {} },
    });
    for await (const message of messages(child.stdout)) {
      if (message.id === 1) open(send, config);
      if (message.id >= FIRST_COMMAND && message.method === undefined) {
        if (message.error !== undefined) throw new Error(JSON.stringify(message.error));
        answers.push(message.result);
        if (answers.length === commands.length) return answers;
        askNext();
      }

      if (message.method !== 'textDocument/publishDiagnostics' || isChecked) continue;
      const errors = message.params.diagnostics.filter(({ severity }) => severity === 1);
      if (errors.length > 0) throw new Error(JSON.stringify(errors));
      isChecked = true;
      if (commands.length === 0) return answers;
      askNext();
    }

    throw new Error(`The server ended, or hung, ${isChecked ? 'over a command' : 'without diagnostics'}.`);
  } finally {
    clearTimeout(timer);
    child.kill();
  }
}

/** The ids of requests for commands; those of the server's own requests are smaller. */
const FIRST_COMMAND = 1000;

function open(send, config) {
  send({ method: 'initialized', params: {} });
  const text = readFileSync(config, 'utf8');
  const textDocument = { uri: pathToFileURL(config).href, languageId: 'quant-yaml', version: 1, text };
  send({ method: 'textDocument/didOpen', params: { textDocument } });
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
