import { type ConfigPath, fail } from '@quantsmith/schemas';
import { availableParallelism } from 'node:os';

/** For each thread that the machine runs at once: enough to repeat what a larger one did. */
const THREADS_EACH = 4;

/**
 * Refuses so many threads that they would only wait for each other, without sleeping, until nothing else on the machine runs.
 * `place`: where a config asks for them. Throws `too-many-threads`.
 */
export function refuseThreads(threads: number, place?: ConfigPath): void {
  const atOnce = Math.max(1, availableParallelism());
  const limit = THREADS_EACH * atOnce;
  if (threads <= limit) return;
  fail(
    'too-many-threads',
    `${threads} threads are too many for this machine, which runs ${atOnce} at once: at most ${limit} are of use.`,
    { data: { threads, limit }, ...(place === undefined ? {} : { configPath: place }) },
  );
}
