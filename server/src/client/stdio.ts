import { setFlagsFromString } from 'node:v8';
import type { Writable } from 'node:stream';
import {
  createConnection,
  Emitter,
  ProposedFeatures,
  StreamMessageReader,
  type Connection,
  type Message,
  type MessageWriter,
} from 'vscode-languageserver/node';

/** The connection over standard input and output. `onEnd`: the client has closed its end. */
export function stdioConnection(onEnd: () => void): Connection {
  const { stdin, stdout } = process;
  stdin.once('end', onEnd);
  stdin.once('close', onEnd);

  return createConnection(ProposedFeatures.all, new StreamMessageReader(stdin), createMessageWriter(stdout));
}

/** Writes each message at once, with its header: the library's own writer does it in two pieces and a turn of the event loop later. */
export function createMessageWriter(output: Writable): MessageWriter {
  const errors = new Emitter<[Error, Message | undefined, number | undefined]>();
  const closed = new Emitter<void>();
  output.on('error', (error) => {
    errors.fire([error, undefined, undefined]);
  });
  output.on('close', () => {
    closed.fire();
  });

  return {
    onError: errors.event,
    onClose: closed.event,
    write: (message) =>
      new Promise((resolve, reject) => {
        const body = JSON.stringify(message);
        output.write(`Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`, (error) => {
          if (error === null || error === undefined) resolve();
          else reject(error);
        });
      }),
    end: () => void output.end(),
    dispose() {
      errors.dispose();
      closed.dispose();
    },
  };
}

/**
 * Has V8 hold less memory: checks of a text leave hardly anything alive, so that clearing the space for new values often is quick,
 * and a heap that grows to four times of what lives before it is cleared is none for an editor's helper. Only for a process that is
 * a language server and nothing else. The space is cleared by this thread alone: there is too little in it to be shared out, and on
 * a busy machine an answer would wait for the other threads.
 */
export function keepHeapSmall(): void {
  setFlagsFromString('--semi-space-growth-factor=1');
  setFlagsFromString('--heap-growing-percent=100');
  setFlagsFromString('--no-parallel-scavenge');
}
