import { startEngine } from '@quantsmith/engine';
import {
  fail,
  processorText,
  QuantsmithError,
  type EngineMessage,
  type TestedProcessor,
  type WorkRequest,
} from '@quantsmith/schemas';
import { EXIT } from '../output/exitCodes.js';
import type { Session } from '../output/session.js';
import { redisPlace } from '../run/redisPlace.js';
import { loadScale, redisAddress, storeFolder, type ScaleOptions } from '../run/scaleOut.js';
import { cancellable } from '../run/signals.js';

export interface WorkerOptions extends ScaleOptions {
  readonly threads?: number;
  readonly allowModules?: boolean;
}

/**
 * `quantsmith worker`: computes units of work that runs offer, until a signal ends it; the unit in hand is finished first. Throws
 * `worker-refused` where it computes otherwise than processors of its kind.
 */
export async function workerCommand(options: WorkerOptions, { messages }: Session): Promise<number> {
  const { threads = 1, allowModules = false } = options;
  const store = storeFolder(options.store);
  const place = redisPlace(redisAddress(options.redis ?? true));
  const { workOnQueue } = await loadScale();
  const engine = unitEngine({ kind: 'work', store, threads, allowModules });
  try {
    const tested = await engine.tested();
    messages.note(`This worker is ${processorText(tested.processor)}.`);
    const refusal = await cancellable((signal) =>
      workOnQueue(place, {
        ...{ tested, signal, modules: allowModules },
        compute: (key, unit) => engine.compute(key, unit),
        note: (text) => messages.note(text),
      }),
    );
    if (refusal !== null) fail('worker-refused', refusal);
  } finally {
    engine.end();
  }

  return EXIT.ok;
}

interface UnitEngine {
  readonly tested: () => Promise<TestedProcessor>;
  /** Resolves to the seconds that it took. Rejects with what went wrong; an engine that crashed is replaced for the next unit. */
  readonly compute: (key: string, unit: unknown) => Promise<number>;
  readonly end: () => void;
}

interface StartedEngine {
  readonly tested: Promise<TestedProcessor>;
  readonly send: (message: EngineMessage) => void;
}

interface Pending {
  readonly resolve: (seconds: number) => void;
  readonly reject: (error: Error) => void;
}

/** An engine process that computes units; started anew when it has died. */
function unitEngine(request: WorkRequest): UnitEngine {
  const ending = new AbortController();
  const pending = new Map<string, Pending>();
  let started: StartedEngine | null = null;

  const start = (): StartedEngine => {
    let send: (message: EngineMessage) => void = () => undefined;
    const tested = new Promise<TestedProcessor>((resolve, reject) => {
      void startEngine(request, {
        signal: ending.signal,
        onStart: (sender) => (send = sender),
        onEvent(event) {
          if (event.type === 'processor') resolve(event.tested);
          else if (event.type === 'unit-done') pending.get(event.key)?.resolve(event.seconds);
          else if (event.type === 'unit-failed')
            pending.get(event.key)?.reject(new Error(event.problem.message));
        },
      }).then((outcome) => {
        started = null;
        const error =
          outcome.code === 'failed'
            ? new QuantsmithError(outcome.problem)
            : new Error('The engine has ended.');
        reject(error);
        for (const { reject: fails } of pending.values()) fails(error);
      });
    });

    return { tested, send: (message) => send(message) };
  };

  const running = () => (started ??= start());

  return {
    tested: () => running().tested,
    async compute(key, unit) {
      const { tested, send } = running();
      await tested;
      try {
        return await new Promise<number>((resolve, reject) => {
          pending.set(key, { resolve, reject });
          send({ kind: 'unit', key, unit });
        });
      } finally {
        pending.delete(key);
      }
    },
    end: () => ending.abort(),
  };
}
