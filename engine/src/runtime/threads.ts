import { type ConfigPath, fail } from '@quantsmith/schemas';
import { availableParallelism } from 'node:os';

/** Threads for one inference when the config names none: all that the system offers to this process. */
export function defaultThreads(): number {
  return Math.max(1, availableParallelism());
}

/** For each thread that the machine runs at once. */
const THREADS_EACH = 4;
/** Accepted everywhere: a config for a large machine runs on a small one, too, and gives the same model. */
const ACCEPTED = 128;

/**
 * Refuses so many threads that they would only wait for each other, without sleeping, until nothing else on the machine runs.
 * `place`: where a config asks for them. Throws `too-many-threads`.
 */
export function refuseThreads(threads: number, place?: ConfigPath): void {
  const atOnce = defaultThreads();
  const limit = Math.max(ACCEPTED, THREADS_EACH * atOnce);
  if (threads <= limit) return;
  fail(
    'too-many-threads',
    `${threads} threads are too many for this machine, which runs ${atOnce} at once: at most ${limit} are accepted.`,
    { data: { threads, limit }, ...(place === undefined ? {} : { configPath: place }) },
  );
}
