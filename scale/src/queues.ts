import { Queue, QueueEvents } from 'bullmq';
import type { OfferedUnit } from '@quantsmith/schemas';
import type { RedisPlace } from './place.js';
import { withinReason } from './withinReason.js';

/** The queues that a run puts units into, opened as they are needed. */
export interface Queues {
  readonly add: (name: string, unit: OfferedUnit) => Promise<void>;
  /** Of those that are open. */
  readonly names: () => readonly string[];
  /** Takes back what no worker has begun, where the server is there, and lets go of it. */
  readonly close: (isReached: boolean) => Promise<void>;
}

interface QueuesOptions {
  readonly onDone: (key: string) => void;
  readonly onFailed: (key: string, reason: string) => void;
  /** The server is there and does not take the unit: its memory is full, say, or it only reads. */
  readonly onRefused: (key: string, reason: string) => void;
}

/** A unit that has ended so many workers is computed by the run itself. */
const ATTEMPTS = 3;

const quiet = () => undefined;

export function openQueues({ options }: RedisPlace, { onDone, onFailed, onRefused }: QueuesOptions): Queues {
  const opened = new Map<string, { readonly queue: Queue; readonly events: QueueEvents }>();
  // Units stay in their queue when the run computes them itself: a worker that comes late takes some.
  const queued = new Map<string, Queue>();
  const open = (name: string) => {
    const queue = new Queue(name, { connection: { ...options, enableOfflineQueue: false } });
    const events = new QueueEvents(name, { connection: { ...options } });
    queue.on('error', quiet);
    events.on('error', quiet);
    events.on('completed', ({ jobId }) => {
      queued.delete(jobId);
      onDone(jobId);
    });
    events.on('failed', ({ jobId, failedReason }) => {
      queued.delete(jobId);
      onFailed(jobId, failedReason);
    });
    opened.set(name, { queue, events });

    return { queue, events };
  };

  return {
    names: () => [...opened.keys()],
    async add(name, { key, unit }) {
      const { queue } = opened.get(name) ?? open(name);
      queued.set(key, queue);
      const job = { jobId: key, attempts: ATTEMPTS, removeOnComplete: true, removeOnFail: true };
      await queue.add('unit', unit, job).catch((error: unknown) => {
        if (error instanceof Error && error.name === 'ReplyError') onRefused(key, error.message);
      });
    },
    async close(isReached) {
      const left = isReached ? [...queued] : [];
      await withinReason(() => Promise.all(left.map(([key, queue]) => queue.remove(key).catch(quiet))));
      const all = [...opened.values()].flatMap(({ queue, events }) => [queue.close(), events.close()]);
      await withinReason(() => Promise.all(all));
    },
  };
}
