import { parentPort, workerData } from 'node:worker_threads';

/** How often the watch looks; the engine outlives its parent by no more than this. */
const LOOK_MS = 250;

/**
 * Entry of a thread that ends this process, at once, when its parent has died: the main thread may be inside the runtime
 * for minutes and sees no message. `workerData` is the parent's process id.
 */
if (parentPort !== null) {
  const parent = Number(workerData);
  setInterval(() => {
    // An orphan gets another parent, where the system has such a thing; elsewhere the parent cannot be signalled any more.
    if (process.ppid !== parent || !isThere(parent)) process.kill(process.pid, 'SIGKILL');
  }, LOOK_MS);
}

function isThere(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
