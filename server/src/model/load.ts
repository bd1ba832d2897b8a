import { inspectModel } from '@quantsmith/engine/onnx/inspect';
import type { ModelSummary } from '@quantsmith/engine/protocol';
import { stat } from 'node:fs/promises';

export interface LoadedSummary {
  readonly model: ModelSummary | null;
  /** Why it could not be read; null also when the file does not exist (another rule says so). */
  readonly problem: string | null;
}

/** Structures of models, read once for each state of the file. */
export interface ModelCache {
  readonly get: (path: string) => Promise<LoadedSummary>;
}

const KEPT = 8;

export function createModelCache(): ModelCache {
  const known = new Map<string, { identity: string; loaded: Promise<LoadedSummary> }>();
  return {
    async get(path) {
      const info = await stat(path).catch(() => null);
      if (info === null || !info.isFile()) return { model: null, problem: null };
      const identity = `${info.ino}:${info.size}:${info.mtimeMs}`;
      const found = known.get(path);
      if (found?.identity === identity) return found.loaded;
      const loaded = inspectModel(path).then(
        (model) => ({ model, problem: null }),
        (error: unknown) => ({
          model: null,
          problem: error instanceof Error ? error.message : String(error),
        }),
      );
      known.delete(path);
      known.set(path, { identity, loaded });
      const oldest = known.keys().next().value;
      if (known.size > KEPT && oldest !== undefined) known.delete(oldest);
      return loaded;
    },
  };
}
