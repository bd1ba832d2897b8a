import { parentPort } from 'node:worker_threads';
import { QuantsmithError, type Problem, reasonOf } from '@quantsmith/schemas';
import { runSamples, type Grouped, type Results, type Scratch } from './batch.js';
import { unpackTransfer, type Transfer } from './transfer.js';
import { createSession, type Session, type SessionOptions } from './session.js';

/** What a worker is asked for; every request is answered once, with the same number. */
export type LaneRequest =
  | {
      readonly kind: 'open';
      readonly call: number;
      readonly model: number;
      readonly bytes: Uint8Array;
      readonly options: SessionOptions;
    }
  | {
      readonly kind: 'run';
      readonly call: number;
      readonly model: number;
      readonly transfer: Transfer;
      readonly outputs: readonly string[] | undefined;
      readonly batch: number;
      readonly grouped: Grouped | null;
    }
  | { readonly kind: 'release'; readonly call: number; readonly model: number }
  /** Asks for nothing but the answer: the worker is there. */
  | { readonly kind: 'ready'; readonly call: number };

export interface LaneAnswer {
  readonly call: number;
  /** One entry for each sample of the transfer. */
  readonly results?: readonly Results[];
  /** Milliseconds that the request took. */
  readonly took: number;
  readonly problem?: Problem;
}

/** Entry of a worker: a worker thread that holds sessions and runs them one sample after the other. */
const port = parentPort;
if (port !== null) {
  const sessions = new Map<number, Session>();
  const scratch: Scratch = new Map();
  // The runtime blocks the thread; requests that wait for a promise must not overtake each other.
  let last: Promise<void> = Promise.resolve();
  port.on('message', (request: LaneRequest) => {
    last = last.then(async () => {
      const begun = performance.now();
      const answer = await serve(sessions, scratch, request).catch((error: unknown) => ({
        problem: problemOf(error),
      }));

      port.postMessage({
        call: request.call,
        took: performance.now() - begun,
        ...answer,
      } satisfies LaneAnswer);
    });
  });
}

async function serve(
  sessions: Map<number, Session>,
  scratch: Scratch,
  request: LaneRequest,
): Promise<{ results?: readonly Results[] }> {
  if (request.kind === 'ready') return {};
  if (request.kind === 'open') {
    sessions.set(request.model, await createSession(request.bytes, request.options));
    return {};
  }

  const session = sessions.get(request.model)!;
  if (request.kind === 'release') {
    sessions.delete(request.model);
    await session.release();
    return {};
  }

  const { transfer, outputs, batch, grouped } = request;
  const options = { outputs, batch, grouped, scratch };

  return { results: await runSamples(session, unpackTransfer(transfer), options) };
}

function problemOf(error: unknown): Problem {
  if (error instanceof QuantsmithError) return error.problem;
  const message = reasonOf(error);
  return { code: 'internal-error', severity: 'error', message: `A worker of the engine failed: ${message}` };
}
