import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { Worker, type Job } from 'bullmq';
import { Redis } from 'ioredis';
import type { TestedProcessor } from '@quantsmith/schemas';
import type { RedisPlace } from './place.js';
import { HEARTBEAT_MS, queueName, refusalKey, WORKER_SECONDS, workerKey, type WorkerFacts } from './names.js';
import { unreached } from './unreached.js';

interface WorkOptions {
  readonly tested: TestedProcessor;
  /** Whether modules that a config names may run. */
  readonly modules: boolean;
  /** Computes a unit and puts its result into the store; resolves to the seconds that it took. */
  readonly compute: (key: string, unit: unknown) => Promise<number>;
  readonly note: (text: string) => void;
  /** Aborted: the unit in hand is finished, and no other taken. */
  readonly signal: AbortSignal;
}

/** Without a sign of life for so long, a worker's unit goes to another. */
const LOCK_MS = 10_000;
const STALLED_EVERY_MS = 2500;
/** So many workers may die of a unit before the run that wants it computes it by itself. */
const MAX_STALLED = 5;

/** Takes units from a processor's queue until it is told to stop. Resolves to why it was refused, or to null. */
export async function workOnQueue(
  { options, name: server }: RedisPlace,
  { tested, modules, compute, note, signal }: WorkOptions,
): Promise<string | null> {
  const id = randomUUID();
  const redis = new Redis({ ...options });
  const reached = whetherReached(redis, server, note);
  const name = `${hostname()}, process ${process.pid}`;
  const facts: WorkerFacts = { name, tested, modules };
  // The engine runs one unit after the other, whichever queue it is from.
  const computeJob = (job: Job<unknown, number>) => compute(job.id ?? '', job.data);
  const queues = [queueName(tested, false), ...(modules ? [queueName(tested, true)] : [])];
  const workers = queues.map((queue) => {
    const worker = new Worker<unknown, number>(queue, computeJob, {
      connection: { ...options },
      ...{ lockDuration: LOCK_MS, stalledInterval: STALLED_EVERY_MS, maxStalledCount: MAX_STALLED },
      ...{ removeOnComplete: { count: 0 }, removeOnFail: { count: 0 }, drainDelay: 2 },
    });
    worker.on('error', () => undefined);
    return worker;
  });

  // Runs hear of a worker as soon as it can be reached.
  await Promise.race([new Promise((resolve) => redis.once('ready', resolve)), pause(HEARTBEAT_MS, signal)]);
  const refusal = await untilStopped(signal, async () => {
    if (!reached()) return null;
    await redis.set(workerKey(id), JSON.stringify(facts), 'EX', WORKER_SECONDS);
    return redis.get(refusalKey(id));
  });

  const close = Promise.all(workers.map((worker) => worker.close()));
  // Without the server there is nothing to hand back.
  await (reached() ? close : Promise.race([close.catch(() => undefined), pause(1000)]));
  if (reached()) await redis.del(workerKey(id), refusalKey(id)).catch(() => undefined);
  redis.disconnect();

  return refusal;
}

/** Whether the server is there; says when it goes and comes. */
function whetherReached(redis: Redis, server: string, note: (text: string) => void): () => boolean {
  let state: 'new' | 'there' | 'gone' = 'new';
  const why = unreached(redis);
  redis.on('ready', () => {
    note(state === 'gone' ? `Redis at ${server} is back.` : `Waiting for work from Redis at ${server}.`);
    state = 'there';
  });
  redis.on('close', () => {
    if (state === 'there' || state === 'new')
      note(`Redis at ${server} cannot be reached${why()}; waiting for it.`);
    state = 'gone';
  });

  return () => redis.status === 'ready';
}

/** Beats until it is told to stop, or what a beat returns says so. */
async function untilStopped(signal: AbortSignal, beat: () => Promise<string | null>): Promise<string | null> {
  while (!signal.aborted) {
    const refusal = await Promise.race([beat().catch(() => null), pause(HEARTBEAT_MS).then(() => null)]);
    if (refusal !== null) return refusal;
    await pause(HEARTBEAT_MS, signal);
  }

  return null;
}

/** Ends early when the signal is aborted. */
function pause(milliseconds: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', end);
      resolve();
    };

    const timer = setTimeout(end, milliseconds);
    signal?.addEventListener('abort', end, { once: true });
  });
}
