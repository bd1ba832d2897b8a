import { Worker } from 'node:worker_threads';
import { bundlePath } from './bundles.js';
import type { Watch } from './watch.js';

/** Ends this process within a second of its parent's death, whatever the main thread is doing. */
export function endWithParent(limits: Omit<Watch, 'parent'> = {}): void {
  const worker = new Worker(bundlePath('watch'), {
    workerData: { parent: process.ppid, ...limits } satisfies Watch,
  });
  worker.unref();
}
