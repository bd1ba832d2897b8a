import { Queue, QueueEvents } from 'bullmq';
import { Redis } from 'ioredis';
import type { OfferedUnit, TestedProcessor } from '@quantsmith/schemas';
import type { RedisPlace } from './place.js';
import { EVERY_WORKER, queueName, refusalKey, WORKER_SECONDS, workerKey, type WorkerFacts } from './names.js';
import { whyNotUsed } from './refusal.js';

/** Hands a run's units to workers, through a queue for each processor. */
export interface Dispatch {
  /** Tells of a processor that units will be for. */
  readonly announce: (tested: TestedProcessor) => void;
  /** done: a worker has put the result into the store; here: none does. Never rejects. */
  readonly offer: (unit: OfferedUnit) => Promise<'done' | 'here'>;
  /** Takes back what is still in the queue. */
  readonly close: () => Promise<void>;
}

interface DispatchOptions {
  /** Hears what users should know, once each. */
  readonly note: (text: string) => void;
  /** How long workers, or the server, are waited for before the run computes by itself. */
  readonly patienceMs?: number;
}

interface Waiting {
  readonly unit: OfferedUnit;
  readonly since: number;
  readonly resolve: (outcome: 'done' | 'here') => void;
}

interface Channel {
  readonly name: string;
  readonly queue: Queue;
  readonly events: QueueEvents;
}

const PATIENCE_MS = 8000;
const LOOK_EVERY_MS = 1000;
/** Units that are waited for so long are put into the queue again: a server that has lost it has lost them too. */
const AGAIN_MS = 5000;
/** A unit that has ended so many workers is computed by the run itself. */
const ATTEMPTS = 3;

/** Opens the way to workers. Nothing here is lost with the server: who offers a unit gets it back to compute. */
export function openDispatch({ options, name: server }: RedisPlace, settings: DispatchOptions): Dispatch {
  const { note, patienceMs = PATIENCE_MS } = settings;
  const redis = new Redis({ ...options, enableOfflineQueue: false });
  const waiting = new Map<string, Waiting>();
  // Units stay in the queue when the run computes them itself: a worker that comes late takes some.
  const queued = new Map<string, Channel>();
  const channels = new Map<string, Channel>();
  const processors = new Map<number, TestedProcessor>();
  const notes = new Set<string>();
  const state = {
    reachedAt: performance.now(),
    workersAt: new Map<string, number>(),
    addedAt: 0,
    closed: false,
  };
  const tell = (text: string) => {
    if (notes.has(text)) return;
    notes.add(text);
    note(text);
  };

  const settle = (key: string, outcome: 'done' | 'here') => {
    waiting.get(key)?.resolve(outcome);
    waiting.delete(key);
  };

  const quiet = () => undefined;
  redis.on('error', quiet);
  const channelOf = ({ processor, modules }: OfferedUnit): Channel | null => {
    const tested = processors.get(processor.threads);
    if (tested === undefined) return null;
    const name = queueName(tested, modules);
    const known = channels.get(name);
    if (known !== undefined) return known;
    const queue = new Queue(name, { connection: { ...options, enableOfflineQueue: false } });
    const events = new QueueEvents(name, { connection: { ...options } });
    queue.on('error', quiet);
    events.on('error', quiet);
    events.on('completed', ({ jobId }) => {
      queued.delete(jobId);
      settle(jobId, 'done');
    });
    events.on('failed', ({ jobId, failedReason }) => {
      queued.delete(jobId);
      if (!waiting.has(jobId)) return;
      tell(`A worker could not compute a unit of work, which is computed here: ${failedReason}`);
      settle(jobId, 'here');
    });
    const channel = { name, queue, events };
    channels.set(name, channel);

    return channel;
  };

  const add = async (unit: OfferedUnit) => {
    const channel = channelOf(unit);
    if (channel === null) return;
    queued.set(unit.key, channel);
    const job = { jobId: unit.key, attempts: ATTEMPTS, removeOnComplete: true, removeOnFail: true };
    await channel.queue.add('unit', unit.unit, job).catch(quiet);
  };

  const giveBack = (keys: readonly string[]) => {
    for (const key of keys) settle(key, 'here');
  };

  const look = async () => {
    const now = performance.now();
    const workers = await knownWorkers(redis).catch(() => null);
    if (workers === null) {
      if (waiting.size === 0 || now - state.reachedAt < patienceMs) return;
      tell(`Redis at ${server} cannot be reached: the run computes by itself until it can. Nothing is lost.`);
      giveBack([...waiting.keys()]);
      return;
    }

    state.reachedAt = now;
    await judge(workers);
    for (const channel of channels.values()) {
      const served = workers.some(
        ({ facts }) =>
          queueName(facts.tested, false) === channel.name.replace(/-modules$/, '') &&
          (facts.modules || !channel.name.endsWith('-modules')),
      );
      const lastSeen = state.workersAt.get(channel.name) ?? now;
      state.workersAt.set(channel.name, served ? now : lastSeen);
      if (served || now - lastSeen < patienceMs) continue;
      const units = [...waiting.values()].filter(({ unit }) => channelOf(unit) === channel);
      if (units.length === 0) continue;
      tell('No worker that fits is there: the run computes by itself until there is one.');
      giveBack(units.map(({ unit }) => unit.key));
    }

    if (now - state.addedAt < AGAIN_MS) return;
    state.addedAt = now;
    const late = [...waiting.values()].filter(({ since }) => now - since > AGAIN_MS);
    await withinReason(() => Promise.all(late.map(({ unit }) => add(unit))));
  };

  const judge = async (workers: readonly KnownWorker[]) => {
    for (const { id, facts } of workers) {
      const reasons = [...processors.values()].map((run) => whyNotUsed(facts, run));
      const [reason] = reasons;
      if (reason === undefined || reasons.includes(null)) continue;
      const refused = reasons.find((other) => other?.isRefused) ?? null;
      tell((refused ?? reason)?.text ?? '');
      if (refused !== null) await redis.set(refusalKey(id), refused.text, 'EX', WORKER_SECONDS).catch(quiet);
    }
  };

  let looking = Promise.resolve();
  const timer = setInterval(() => {
    looking = looking.then(look).catch(quiet);
  }, LOOK_EVERY_MS);

  return {
    announce: (tested) => processors.set(tested.processor.threads, tested),
    async offer(unit) {
      if (state.closed) return 'here';
      const outcome = new Promise<'done' | 'here'>((resolve) =>
        waiting.set(unit.key, { unit, since: performance.now(), resolve }),
      );
      void add(unit);
      return outcome;
    },
    async close() {
      state.closed = true;
      clearInterval(timer);
      giveBack([...waiting.keys()]);
      await withinReason(() =>
        Promise.all([...queued].map(([key, { queue }]) => queue.remove(key).catch(quiet))),
      );
      await withinReason(() =>
        Promise.all([...channels.values()].flatMap(({ queue, events }) => [queue.close(), events.close()])),
      );
      redis.disconnect();
    },
  };
}

interface KnownWorker {
  readonly id: string;
  readonly facts: WorkerFacts;
}

/** The workers that have told of themselves lately. */
async function knownWorkers(redis: Redis): Promise<KnownWorker[]> {
  const workers: KnownWorker[] = [];
  let cursor = '0';
  do {
    const [next, keys] = await redis.scan(cursor, 'MATCH', EVERY_WORKER, 'COUNT', 500);
    cursor = next;
    for (const key of keys) {
      const text = await redis.get(key);
      if (text !== null)
        workers.push({ id: key.slice(workerKey('').length), facts: JSON.parse(text) as WorkerFacts });
    }
  } while (cursor !== '0');

  return workers;
}

const CLOSE_MS = 2000;

/** A server that is gone does not keep a run from ending. */
async function withinReason(body: () => Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<void>((resolve) => (timer = setTimeout(resolve, CLOSE_MS)));
  await Promise.race([body().catch(() => undefined), limit]);
  clearTimeout(timer);
}
