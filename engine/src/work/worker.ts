import { QuantsmithError, reasonOf, type Problem, type WorkRequest } from '@quantsmith/schemas';
import { oneAtATime } from '../runtime/oneAtATime.js';
import { refuseThreads } from '../runtime/threads.js';
import { oneWorker } from '../runtime/workers.js';
import { testProcessor } from './canary.js';
import type { Channel } from './open.js';
import { openUnitServer } from './serve.js';
import { openStore } from './store.js';
import type { Unit } from './unit.js';

/** Computes the units that it is sent, one after the other, until this process ends. Throws `too-many-threads`, `store-unusable`. */
export async function serveUnits(
  { store: dir, threads, allowModules }: WorkRequest,
  { emit, listen }: Channel,
): Promise<never> {
  refuseThreads(threads);
  const store = await openStore(dir);
  const tested = await testProcessor(threads);
  const { processor } = tested;
  const server = openUnitServer(store, { processor, workers: oneWorker(threads), allowModules });
  const turn = oneAtATime();
  listen((message) => {
    if (message.kind !== 'unit') return;
    const { key } = message;
    void turn(async () => {
      const begun = performance.now();
      await server.serve(key, message.unit as Unit).then(
        () => emit({ type: 'unit-done', key, seconds: (performance.now() - begun) / 1000 }),
        (error: unknown) => emit({ type: 'unit-failed', key, problem: problemOf(error) }),
      );
    });
  });
  emit({ type: 'processor', tested });

  return new Promise(() => undefined);
}

function problemOf(error: unknown): Problem {
  if (error instanceof QuantsmithError) return error.problem;
  return { code: 'internal-error', severity: 'error', message: `A worker failed: ${reasonOf(error)}` };
}
