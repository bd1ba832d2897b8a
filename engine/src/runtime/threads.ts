import { availableParallelism } from 'node:os';

/** Threads for one inference when the config names none: all that the system offers to this process. */
export function defaultThreads(): number {
  return Math.max(1, availableParallelism());
}
