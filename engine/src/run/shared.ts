import { writeFile } from 'node:fs/promises';
import type { LoadedModel } from '@quantsmith/model/onnx';
import type { Once } from '../runtime/once.js';
import type { Workers } from '../runtime/workers.js';

/**
 * What runs that follow each other in one process have in common: made once, kept under all that it follows from, and let go
 * when another model comes.
 */
export interface SharedRuns {
  /** Begins a run of a model; gives it as an earlier run has read it where it is still the same. */
  readonly begin: (loaded: LoadedModel) => Promise<LoadedModel>;
  readonly once: Once;
  /** The same workers for each run with so many threads. */
  readonly workers: (open: (threads: number) => Workers, threads: number) => Promise<Workers>;
}

/** Lets the peak of memory begin anew, so that a run's report tells of that run; where the system has no such thing, of all before. */
export const forgetPeak = (): Promise<void> => writeFile('/proc/self/clear_refs', '5').catch(() => undefined);

export function shareRuns(): SharedRuns {
  const kept = new Map<string, { readonly value: Promise<unknown>; readonly release: () => Promise<void> }>();
  let model: LoadedModel | null = null;
  let opened: { open: (threads: number) => Workers; threads: number; workers: Workers } | null = null;
  const letGo = async () => {
    for (const { release } of kept.values()) await release();
    kept.clear();
    model = null;
  };

  return {
    async begin(loaded) {
      if (model !== null && isSame(model, loaded)) return model;
      await letGo();
      return (model = loaded);
    },
    once(key, make, release) {
      const name = JSON.stringify(key);
      const known = kept.get(name);
      if (known !== undefined) return known.value as ReturnType<typeof make>;
      const value = make();
      // What failed is tried again.
      value.catch(() => kept.delete(name));
      kept.set(name, { value, release: async () => release?.(await value) });
      return value;
    },
    async workers(open, threads) {
      if (opened?.open === open && opened.threads === threads) return opened.workers;
      // What is kept may hold sessions of the others.
      await letGo();
      await opened?.workers.close();
      opened = { open, threads, workers: open(threads) };
      return opened.workers;
    },
  };
}

/** Weights outside of the file are told apart by what the system says of their files. */
const isSame = (known: LoadedModel, read: LoadedModel) =>
  known.path === read.path &&
  known.sha256 === read.sha256 &&
  known.externalStamps.join() === read.externalStamps.join();
