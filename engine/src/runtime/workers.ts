import { Worker } from 'node:worker_threads';
import { type ModelProto, encodeModel, weightBytes } from '@quantsmith/model/onnx';
import { QuantsmithError } from '@quantsmith/schemas';
import { bundlePath } from '../processes/bundles.js';
import { feedsOf, runSamples, type Feeds, type Results, type Sequence } from './batch.js';
import type { LaneAnswer, LaneRequest } from './worker.js';
import { packTransfer } from './transfer.js';
import { createSession, type SessionOptions } from './session.js';

/** What a model is run on; the name is for messages. */
interface Runnable {
  readonly name?: string;
  readonly feeds: Feeds;
  /** Windows that are run one after the other in place of the feeds. */
  readonly sequence?: Sequence;
}

/** A model that is ready to run over many samples. Release it: its memory is outside JavaScript's. */
export interface ModelRunner {
  /**
   * The results of all samples, in their order, each with its sample; samples are read a little ahead. `outputs`: only
   * these tensors. Throws what a single inference throws, naming the sample.
   */
  readonly run: <S extends Runnable>(
    samples: AsyncIterable<S> | Iterable<S>,
    outputs?: readonly string[],
  ) => AsyncGenerator<readonly [S, Results]>;
  readonly release: () => Promise<void>;
}

/** `dir`: folder of the model's external data. */
export interface OpenOptions extends Pick<SessionOptions, 'dir' | 'optimization'> {
  /** In one worker only, for the few samples of a model that others run beside. */
  readonly alone?: boolean;
  /** So many samples go through the model at once; default 1. */
  readonly batch?: number;
  /** Its operators are too small to be shared among threads. */
  readonly small?: boolean;
}

/** Where models run over many samples. */
export interface Workers {
  /** All threads together. */
  readonly threads: number;
  /** The most sessions that run side by side. */
  readonly most: number;
  readonly open: (model: ModelProto, options: OpenOptions) => Promise<ModelRunner>;
  /** Starts what models of this size will need, beside whatever the caller does next. */
  readonly warm: (model: ModelProto) => void;
  /** Releases what is still open. */
  readonly close: () => Promise<void>;
}

/** A single session on the caller's thread, which it blocks, with all threads inside each operator. */
export function oneWorker(threads: number): Workers {
  const open = new Set<ModelRunner>();
  return {
    threads,
    most: 1,
    async open(model, { batch = 1, small = false, ...options }) {
      const session = { ...sessionOptions(options), threads: small ? 1 : threads };
      const runner = await openHere(model, session, batch);
      const tracked = {
        run: runner.run,
        release: () => (open.delete(tracked) ? runner.release() : Promise.resolve()),
      };
      open.add(tracked);
      return tracked;
    },
    warm: () => undefined,
    async close() {
      await Promise.all([...open].map((runner) => runner.release()));
    },
  };
}

const sessionOptions = ({
  dir,
  optimization,
}: OpenOptions): Pick<SessionOptions, 'dir' | 'optimization'> => ({
  ...(dir === undefined ? {} : { dir }),
  ...(optimization === undefined ? {} : { optimization }),
});

async function openHere(model: ModelProto, options: SessionOptions, batch: number): Promise<ModelRunner> {
  const session = await createSession(model, options);
  return {
    async *run(samples, outputs) {
      const next = chunks(samples);
      const runChunk = (chunk: readonly Runnable[]) => {
        const { feeds, grouped } = feedsOf(chunk);
        return runSamples(session, feeds, { outputs, batch, grouped });
      };

      let isFirst = true;
      for (let some = await next(batch); some.length > 0; some = await next(batch)) {
        const other = async () => some[1] ?? (await next(1))[0];
        const results = await runChunk(some).catch(blaming(some, isFirst ? { other, runChunk } : null));
        isFirst = false;
        for (const [index, sample] of some.entries()) yield [sample, results[index]!] as const;
      }
    },
    release: () => session.release(),
  };
}

/** The weights of all sessions that are open side by side may take so much; larger models get fewer, wider workers. */
const WEIGHT_BUDGET = 512 * 2 ** 20;
const MAX_WORKERS = 8;

/** How many sessions of a model run side by side. Depends on nothing but its arguments, as results do. */
export function workersFor(threads: number, weights: number): number {
  return Math.max(1, Math.min(threads, MAX_WORKERS, Math.floor(WEIGHT_BUDGET / Math.max(1, weights))));
}

/** Threads of each of these sessions. */
export const sessionThreads = (threads: number, weights: number): number =>
  Math.max(1, Math.floor(threads / workersFor(threads, weights)));

/**
 * Sessions side by side, each in a worker thread. Samples are independent of each other: running several at once keeps
 * all cores busy where the operators of one sample are too small to share, and a core that other programs take slows down
 * one worker instead of all of them, which would wait for each other at every operator.
 */
export function openWorkers(threads: number): Workers {
  if (threads <= 1) return oneWorker(threads);
  const workers: WorkerHandle[] = [];
  const single = oneWorker(threads);
  let models = 0;
  const countFor = (model: ModelProto) => workersFor(threads, weightBytes(model));
  const start = (count: number) => {
    while (workers.length < count) workers.push(startWorker());
  };

  return {
    threads,
    most: Math.min(threads, MAX_WORKERS),
    warm(model) {
      const count = countFor(model);
      if (count > 1) start(count);
    },
    async open(model, { alone = false, batch = 1, ...options }) {
      const count = countFor(model);
      if (count === 1) return single.open(model, { ...options, batch });
      start(count);
      const id = models++;
      const chosen = alone ? [idlest(workers)] : workers.slice(0, count);
      const bytes = encodeModel(model);
      const session = { ...sessionOptions(options), threads: Math.floor(threads / count) };
      await Promise.all(
        chosen.map((worker) => worker.ask({ kind: 'open', model: id, bytes, options: session })),
      );

      return {
        run: (samples, outputs) => runSideBySide(chosen, id, samples, outputs, batch),
        async release() {
          await Promise.all(chosen.map((worker) => worker.ask({ kind: 'release', model: id })));
        },
      };
    },
    async close() {
      await single.close();
      await Promise.all(workers.splice(0).map((worker) => worker.end()));
    },
  };
}

/** A chunk of samples takes about this long, so that messages do not weigh. */
const CHUNK_MS = 4;
const LARGEST_CHUNK = 64;
/** Chunks that a worker has or waits for. */
const AHEAD = 2;

async function* runSideBySide<S extends Runnable>(
  workers: readonly WorkerHandle[],
  model: number,
  samples: AsyncIterable<S> | Iterable<S>,
  outputs: readonly string[] | undefined,
  batch: number,
): AsyncGenerator<readonly [S, Results]> {
  const pending: { readonly chunk: readonly S[]; readonly answer: Promise<LaneAnswer> }[] = [];
  const source = chunks(samples);
  // Transfers are used again: fresh memory costs as much as filling it.
  const spare: SharedArrayBuffer[] = [];
  // Whole batches: which samples are in one does not depend on how fast the workers are.
  let size = batch;
  let ended = false;
  let isFirst = true;
  const ask = (chunk: readonly Runnable[], spareMemory?: SharedArrayBuffer) => {
    const { feeds, grouped } = feedsOf(chunk);
    const transfer = packTransfer(feeds, spareMemory);
    const answer = idlest(workers).ask({ kind: 'run', model, transfer, outputs, batch, grouped });

    return { memory: transfer.memory, answer };
  };

  for (;;) {
    while (!ended && pending.length < AHEAD * workers.length) {
      const wanted = size;
      const next = await source(wanted);
      ended = next.length < wanted;
      if (next.length === 0) break;
      const { memory, answer: asked } = ask(next, spare.pop());
      const answer = asked.then((done) => {
        spare.push(memory);
        const batches = Math.round((CHUNK_MS * next.length) / done.took / batch);
        size = batch * Math.max(1, Math.min(Math.floor(LARGEST_CHUNK / batch), batches));
        return done;
      });

      // A failure is reported when its turn comes, not as an unhandled rejection before.
      answer.catch(() => undefined);
      pending.push({ chunk: next, answer });
    }

    const first = pending.shift();
    if (first === undefined) return;
    const other = () => Promise.resolve(first.chunk[1] ?? pending[0]?.chunk[0]);
    const runChunk = (chunk: readonly Runnable[]) => ask(chunk).answer;
    const { results } = await first.answer.catch(blaming(first.chunk, isFirst ? { other, runChunk } : null));
    isFirst = false;
    for (const [index, sample] of first.chunk.entries()) yield [sample, results![index]!] as const;
  }
}

/** How a failure is tried on another sample. */
interface Trial {
  /** undefined: there is none. */
  readonly other: () => Promise<Runnable | undefined>;
  readonly runChunk: (chunk: readonly Runnable[]) => Promise<unknown>;
}

/**
 * Says which of the samples a failure is about. `trial`: where none has gone through the model yet; if another one fails of the
 * same, it is the model, or what all have in common.
 */
function blaming(samples: readonly Runnable[], trial: Trial | null): (error: unknown) => Promise<never> {
  return async (error) => {
    if (!(error instanceof QuantsmithError)) throw error;
    const { position, ...data } = error.problem.data ?? {};
    const sample = typeof position === 'number' ? samples[position]?.name : undefined;
    const isCommon = position === 0 && trial !== null && (await failsAlike(error.problem.code, trial));
    if (isCommon) throw new QuantsmithError({ ...error.problem, data });
    if (sample === undefined) throw error;
    const message = `Sample "${sample}": ${error.problem.message}`;
    throw new QuantsmithError({ ...error.problem, message, data: { ...data, sample } });
  };
}

async function failsAlike(code: string, { other, runChunk }: Trial): Promise<boolean> {
  // That another one cannot be read is told in its turn, and no reason to forget the failure at hand.
  const next = await other().catch(() => undefined);
  if (next === undefined) return false;
  return runChunk([next]).then(
    () => false,
    (error: unknown) => error instanceof QuantsmithError && error.problem.code === code,
  );
}

/** Takes the next samples of an iterable, fewer only at its end. */
function chunks<S>(samples: AsyncIterable<S> | Iterable<S>): (size: number) => Promise<S[]> {
  const iterator =
    Symbol.asyncIterator in samples ? samples[Symbol.asyncIterator]() : samples[Symbol.iterator]();

  return async (size) => {
    const taken: S[] = [];
    while (taken.length < size) {
      const next = await iterator.next();
      if (next.done === true) break;
      taken.push(next.value);
    }

    return taken;
  };
}

type Request = LaneRequest extends infer R ? (R extends LaneRequest ? Omit<R, 'call'> : never) : never;

const idlest = (workers: readonly WorkerHandle[]): WorkerHandle =>
  workers.reduce((best, worker) => (worker.waiting() < best.waiting() ? worker : best));

interface PendingCall {
  readonly resolve: (answer: LaneAnswer) => void;
  readonly reject: (error: Error) => void;
  /** Resolves when the call is answered or has failed. */
  readonly settled: Promise<unknown>;
}

interface WorkerHandle {
  /** Requests that are not answered yet. */
  readonly waiting: () => number;
  /** Rejects with the problem that the worker met. */
  readonly ask: (request: Request) => Promise<LaneAnswer>;
  readonly end: () => Promise<void>;
}

function startWorker(): WorkerHandle {
  const worker = new Worker(bundlePath('worker'));
  const calls = new Map<number, PendingCall>();
  let next = 0;
  let failure: Error | null = null;
  const failAll = (error: Error) => {
    failure ??= error;
    for (const { reject } of calls.values()) reject(failure);
    calls.clear();
  };

  worker.on('message', (answer: LaneAnswer) => {
    const call = calls.get(answer.call);
    calls.delete(answer.call);
    if (answer.problem === undefined) call?.resolve(answer);
    else call?.reject(new QuantsmithError(answer.problem));
  });
  worker.on('error', failAll);
  worker.on('exit', (code) => failAll(new Error(`A worker of the engine ended with code ${code}.`)));

  const ask = (request: Request): Promise<LaneAnswer> => {
    if (failure !== null) return Promise.reject(failure);
    const call = next++;
    const answer = new Promise<LaneAnswer>((resolve, reject) => {
      calls.set(call, { resolve, reject, settled: Promise.resolve() });
      worker.postMessage({ ...request, call } satisfies LaneRequest);
    });

    calls.set(call, { ...calls.get(call)!, settled: answer.catch(() => undefined) });

    return answer;
  };

  return {
    waiting: () => calls.size,
    ask,
    async end() {
      // The runtime takes the whole process down when its thread ends in the middle of an inference, or while it is loaded.
      const ready = ask({ kind: 'ready' }).catch(() => undefined);
      await Promise.all([ready, ...[...calls.values()].map(({ settled }) => settled)]);
      await worker.terminate();
    },
  };
}
