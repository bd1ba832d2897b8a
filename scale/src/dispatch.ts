import { Redis } from 'ioredis';
import type { OfferedUnit, TestedProcessor } from '@quantsmith/schemas';
import { isServed, judgeWorkers, knownWorkers, type KnownWorker } from './knownWorkers.js';
import { queueName } from './names.js';
import type { RedisPlace } from './place.js';
import { openQueues, type Queues } from './queues.js';
import { unreached } from './unreached.js';
import { withinReason } from './withinReason.js';

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

interface WaitingUnit {
  readonly unit: OfferedUnit;
  readonly since: number;
  readonly resolve: (outcome: 'done' | 'here') => void;
}

/** What a run has offered, and how it stands with those who may compute it. */
interface Offering {
  readonly redis: Redis;
  readonly server: string;
  /** Why it is not reached. */
  readonly why: () => string;
  readonly patienceMs: number;
  readonly queues: Queues;
  /** By threads. */
  readonly processors: Map<number, TestedProcessor>;
  /** By key. */
  readonly waiting: Map<string, WaitingUnit>;
  readonly tell: (text: string) => void;
  /** When the server, and a worker of each queue, were there last. */
  reachedAt: number;
  readonly servedAt: Map<string, number>;
  /** Queues whose units the run computes at once, since no worker has been there for long. */
  readonly unserved: Set<string>;
  /** Whether the server has not been reached for long. */
  isAway: boolean;
  /** When late units were put into their queues again. */
  addedAt: number;
}

const PATIENCE_MS = 8000;
const LOOK_EVERY_MS = 1000;
/** Units that are waited for so long are put into the queue again: a server that has lost it has lost them too. */
const AGAIN_MS = 5000;

/** Opens the way to workers. Nothing here is lost with the server: who offers a unit gets it back to compute. */
export function openDispatch(
  place: RedisPlace,
  { note, patienceMs = PATIENCE_MS }: DispatchOptions,
): Dispatch {
  const redis = new Redis({ ...place.options, enableOfflineQueue: false });
  const why = unreached(redis);
  const tell = tellOnce(note);
  const waiting = new Map<string, WaitingUnit>();
  const queues = openQueues(place, {
    onDone: (key) => settle(waiting, key, 'done'),
    onFailed(key, reason) {
      if (waiting.has(key))
        tell(`A worker could not compute a unit of work, which is computed here: ${reason}`);
      settle(waiting, key, 'here');
    },
    onRefused(key, reason) {
      tell(
        `Redis at ${place.name} takes no units of work: the run computes by itself until it does. It says: ${reason}`,
      );
      settle(waiting, key, 'here');
    },
  });

  const offering: Offering = {
    ...{ redis, server: place.name, why, patienceMs, queues, waiting, tell },
    ...{ processors: new Map(), servedAt: new Map(), reachedAt: performance.now(), addedAt: 0 },
    ...{ unserved: new Set(), isAway: false },
  };
  let looking = Promise.resolve();
  const timer = setInterval(() => {
    looking = looking.then(() => look(offering)).catch(() => undefined);
  }, LOOK_EVERY_MS);

  return {
    announce: (tested) => offering.processors.set(tested.processor.threads, tested),
    offer(unit) {
      // It is in the queue all the same, for a worker that comes.
      if (isHopeless(offering, unit)) {
        if (!offering.isAway) void add(offering, unit);
        return Promise.resolve('here');
      }

      const outcome = new Promise<'done' | 'here'>((resolve) =>
        waiting.set(unit.key, { unit, since: performance.now(), resolve }),
      );
      void add(offering, unit);
      return outcome;
    },
    async close() {
      clearInterval(timer);
      giveBack(waiting, [...waiting.keys()]);
      await queues.close(redis.status === 'ready');
      redis.disconnect();
    },
  };
}

function tellOnce(note: (text: string) => void): (text: string) => void {
  const notes = new Set<string>();
  return (text) => {
    if (notes.has(text)) return;
    notes.add(text);
    note(text);
  };
}

function settle(waiting: Offering['waiting'], key: string, outcome: 'done' | 'here'): void {
  waiting.get(key)?.resolve(outcome);
  waiting.delete(key);
}

function giveBack(waiting: Offering['waiting'], keys: readonly string[]): void {
  for (const key of keys) settle(waiting, key, 'here');
}

/** null: nobody has told of the processor. */
function queueOf({ processors }: Offering, { processor, modules }: OfferedUnit): string | null {
  const tested = processors.get(processor.threads);
  return tested === undefined ? null : queueName(tested, modules);
}

/** Whether nobody would compute a unit: the run is not kept waiting for what it knows. */
function isHopeless(offering: Offering, unit: OfferedUnit): boolean {
  const name = queueOf(offering, unit);
  return offering.isAway || (name !== null && offering.unserved.has(name));
}

/** Puts a unit into its queue; gives it back where no queue is known. */
async function add(offering: Offering, unit: OfferedUnit): Promise<void> {
  const name = queueOf(offering, unit);
  if (name === null) settle(offering.waiting, unit.key, 'here');
  else await offering.queues.add(name, unit);
}

/** Looks after everything that may have gone: the server, workers, units. */
async function look(offering: Offering): Promise<void> {
  const { redis, server, why, waiting, tell, patienceMs, processors } = offering;
  const now = performance.now();
  const workers = await knownWorkers(redis).catch(() => null);
  if (workers === null) {
    if (waiting.size === 0 || now - offering.reachedAt < patienceMs) return;
    tell(
      `Redis at ${server} cannot be reached${why()}: the run computes by itself until it can. Nothing is lost.`,
    );
    offering.isAway = true;
    giveBack(waiting, [...waiting.keys()]);
    return;
  }

  offering.reachedAt = now;
  offering.isAway = false;
  await judgeWorkers(workers, [...processors.values()], { redis, tell });
  takeFromUnserved(offering, workers, now);
  if (now - offering.addedAt < AGAIN_MS) return;
  offering.addedAt = now;
  const late = [...waiting.values()].filter(({ since }) => now - since > AGAIN_MS);
  await withinReason(() => Promise.all(late.map(({ unit }) => add(offering, unit))));
}

/** Gives units back that wait for workers of whom none has been there for long. */
function takeFromUnserved(offering: Offering, workers: readonly KnownWorker[], now: number): void {
  const { queues, servedAt, unserved, patienceMs, waiting, tell } = offering;
  for (const name of queues.names()) {
    const last = isServed(name, workers) ? now : (servedAt.get(name) ?? now);
    servedAt.set(name, last);
    if (last === now) unserved.delete(name);
    if (now - last < patienceMs) continue;
    const units = [...waiting.values()].filter(({ unit }) => queueOf(offering, unit) === name);
    if (units.length === 0) continue;
    tell('No suitable worker is connected: the run computes by itself until one is.');
    unserved.add(name);
    giveBack(
      waiting,
      units.map(({ unit }) => unit.key),
    );
  }
}
