import type { Redis } from 'ioredis';
import type { TestedProcessor } from '@quantsmith/schemas';
import { EVERY_WORKER, queueName, refusalKey, WORKER_SECONDS, workerKey, type WorkerFacts } from './names.js';
import { whyNotUsed } from './refusal.js';

export interface KnownWorker {
  readonly id: string;
  readonly facts: WorkerFacts;
}

/** The workers that have told of themselves lately. Rejects where the server cannot be asked. */
export async function knownWorkers(redis: Redis): Promise<KnownWorker[]> {
  const workers: KnownWorker[] = [];
  let cursor = '0';
  do {
    const [next, keys] = await redis.scan(cursor, 'MATCH', EVERY_WORKER, 'COUNT', 500);
    cursor = next;
    for (const key of keys) {
      const facts = factsOf(await redis.get(key));
      if (facts !== null) workers.push({ id: key.slice(workerKey('').length), facts });
    }
  } while (cursor !== '0');

  return workers;
}

/** null: it has gone in the meantime, or something else wrote there. */
function factsOf(text: string | null): WorkerFacts | null {
  try {
    const facts = JSON.parse(text ?? 'null') as { readonly tested?: Partial<TestedProcessor> } | null;
    const isWorker = facts?.tested?.processor !== undefined && facts.tested.canary !== undefined;
    return isWorker ? (facts as WorkerFacts) : null;
  } catch {
    return null;
  }
}

/** Whether one of some workers takes units from a queue. */
export const isServed = (queue: string, workers: readonly KnownWorker[]): boolean =>
  workers.some(({ facts: { tested, modules } }) =>
    [queueName(tested, false), ...(modules ? [queueName(tested, true)] : [])].includes(queue),
  );

/** Says which workers a run does not use, and refuses those that compute otherwise than they should. */
export async function judgeWorkers(
  workers: readonly KnownWorker[],
  processors: readonly TestedProcessor[],
  { redis, tell }: { readonly redis: Redis; readonly tell: (text: string) => void },
): Promise<void> {
  for (const { id, facts } of workers) {
    const reasons = processors.map((run) => whyNotUsed(facts, run));
    const [reason] = reasons;
    if (reason === undefined || reasons.includes(null)) continue;
    const refused = reasons.find((other) => other?.isRefused) ?? null;
    tell((refused ?? reason)?.text ?? '');
    if (refused !== null)
      await redis.set(refusalKey(id), refused.text, 'EX', WORKER_SECONDS).catch(() => undefined);
  }
}
