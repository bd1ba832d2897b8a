import { isAlive } from './alive.js';
import { writeSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';
import { endGroup } from './group.js';

/** How often the watch looks; the process outlives its parent by no more than this. */
const LOOK_MS = 250;
/** Memory can grow by a gigabyte in a quarter of a second. */
const LOOK_AT_MEMORY_MS = 50;

export interface Watch {
  /** The parent's process id. */
  readonly parent: number;
  /** Whether the process leads a group, which ends with it. */
  readonly leads?: boolean;
  /** What the process may take, in bytes, and the open file that it is told to when it takes more. */
  readonly memory?: { readonly most: number; readonly tell: number };
}

/**
 * Entry of a thread that ends this process, at once, when its parent has died, or when it takes too much memory: the main
 * thread may be busy for minutes and sees no message.
 */
if (parentPort !== null) {
  const { parent, memory, leads = false } = workerData as Watch;
  const end = () => {
    if (leads) endGroup(process.pid);
    process.kill(process.pid, 'SIGKILL');
  };

  setInterval(() => {
    // An orphan gets another parent, where the system has such a thing; elsewhere the parent cannot be signalled any more.
    if (process.ppid !== parent || !isAlive(parent)) end();
  }, LOOK_MS);
  if (memory !== undefined) {
    setInterval(() => {
      if (process.memoryUsage.rss() <= memory.most) return;
      writeSync(memory.tell, 'memory');
      end();
    }, LOOK_AT_MEMORY_MS);
  }
}
