import { sha256 } from '@quantsmith/model/files';
import { encodeModel, type ModelProto } from '@quantsmith/model/onnx';
import type { Problem } from '@quantsmith/schemas';
import { cacheKey, keepEntry, readEntry, type Cache } from '../cache/entries.js';
import type { Feeds } from '../runtime/batch.js';
import type { CpuFeatures } from '../runtime/cpu.js';
import { runtimeVersion, type SessionOptions } from '../runtime/session.js';
import { withTimedPair } from '../runtime/timedPair.js';
import { measureLatency } from './latency.js';
import type { Alone } from './machineLock.js';

/** A model that is timed. */
export interface Comparable {
  readonly model: () => ModelProto;
  readonly options: Omit<SessionOptions, 'threads'>;
  readonly feeds: Feeds;
}

export interface FasterContext {
  readonly alone: Alone;
  /** null: every comparison is measured anew. */
  readonly cache: Cache | null;
  readonly cpu: CpuFeatures;
  readonly threads: number;
  readonly warn: (problems: readonly Problem[]) => void;
}

/** Compares models by their speed. */
export interface Faster {
  /** Whether the second is faster than the first by more than chance and noise. */
  readonly isFaster: (first: Comparable, second: Comparable) => Promise<boolean>;
  /**
   * A model's latency in milliseconds: the median of its first comparison, as it relates there to the model that was known before it,
   * so that figures of different comparisons can be compared; null: it was in none.
   */
  readonly known: (model: Comparable) => number | null;
}

/** What two models took, run in turn. */
interface Compared {
  readonly first: number;
  readonly second: number;
  readonly ratio: readonly [number, number] | null;
}

/** A model replaces another one where the ratio of their times is above this with 95 % confidence. */
const MARGIN = 1.02;
const BUDGET = { budgetMs: 1500, maxRuns: 60 };

/**
 * What has been compared once on this CPU, by the models' contents, is decided the same way in later runs as long as the cache
 * has it: so a search by noisy times comes to the same model again.
 */
export function fasterBy({ alone, cache, cpu, threads, warn }: FasterContext): Faster {
  const medians = new Map<string, number>();
  const machine = [runtimeVersion(), cpu.model, cpu.isa.join(), String(threads)];

  const compared = async (first: Timed, second: Timed): Promise<Compared> => {
    const key = cacheKey('faster', [first.hash, second.hash, ...machine]);
    const kept = cache === null ? null : await readEntry(cache, key);
    if (isCompared(kept)) return kept;
    const value = await alone(() => timed(first, second, threads));
    if (cache !== null) warn(await keepEntry(cache, key, { value, what: 'Comparisons of latency' }));

    return value;
  };

  return {
    async isFaster(a, b) {
      const [first, second] = [encoded(a), encoded(b)];
      if (first.hash === second.hash) return false;
      const result = await compared(first, second);
      // How busy the machine is changes between comparisons, and hardly within one.
      const known = medians.get(first.hash) ?? null;
      if (known === null) medians.set(first.hash, result.first);
      if (!medians.has(second.hash))
        medians.set(second.hash, known === null ? result.second : (known * result.second) / result.first);

      return result.ratio !== null && result.ratio[0] > MARGIN;
    },
    known: (model) => medians.get(encoded(model).hash) ?? null,
  };
}

interface Timed extends Comparable {
  readonly bytes: Uint8Array;
  readonly hash: string;
}

function encoded(model: Comparable): Timed {
  const bytes = encodeModel(model.model());
  return { ...model, bytes, hash: sha256(bytes) };
}

function timed(first: Timed, second: Timed, threads: number): Promise<Compared> {
  const loadable = ({ bytes, options }: Timed) => ({ source: bytes, options: { threads, ...options } });
  return withTimedPair(loadable(first), loadable(second), async (before, after) => {
    const { floatMedian, quantizedMedian, ratio } = await measureLatency(before, after, first.feeds, BUDGET);
    return { first: floatMedian, second: quantizedMedian, ratio };
  });
}

function isCompared(value: unknown): value is Compared {
  if (typeof value !== 'object' || value === null) return false;
  const { first, second, ratio } = value as Partial<Compared>;
  const isRatio = ratio === null || (Array.isArray(ratio) && ratio.every((end) => typeof end === 'number'));

  return typeof first === 'number' && typeof second === 'number' && isRatio;
}
