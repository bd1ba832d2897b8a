import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';

/** Ends this process within a second of its parent's death, whatever the main thread is doing. */
export function endWithParent(): void {
  const worker = new Worker(watchPath(), { workerData: process.ppid });
  worker.unref();
}

/** `watch.cjs` beside the bundle that this code runs in; from source, the one in `dist/`. */
function watchPath(): string {
  const places = ['./watch.cjs', '../../../dist/watch.cjs'].map((place) =>
    fileURLToPath(new URL(place, import.meta.url)),
  );

  return places.find(existsSync) ?? places[0]!;
}
