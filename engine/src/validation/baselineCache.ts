import { type Problem, TOOL } from '@quantsmith/schemas';
import { encodeModel, modelSha256, type LoadedModel } from '@quantsmith/model/onnx';
import { cacheKey, keepEntry, readEntry, type Cache } from '../cache/entries.js';
import type { PreparedModel } from '../prepare/prepare.js';
import type { Once } from '../runtime/once.js';
import { runtimeVersion } from '../runtime/session.js';
import type { Baseline, Validation } from './validation.js';

/** What the float model's result follows from, beside the model and the validation data. */
export interface BaselineSubject {
  readonly loaded: LoadedModel;
  readonly prepared: PreparedModel;
  readonly validation: Validation;
  readonly threads: number;
  /** Instruction sets of the CPU: kernels of another one may round differently. */
  readonly isa: readonly string[];
}

/**
 * The float model's result: runs of other settings measure the same, so it is kept by the contents that it follows from.
 * Outputs that a metric compares with are too much for the cache: only runs of one process share those.
 */
export async function knownBaseline(
  subject: BaselineSubject,
  { cache, shared, warn }: BaselineKept,
  measure: () => Promise<Baseline>,
): Promise<Baseline> {
  if (cache === null) return measure();
  const key = await keyOf(subject);
  const known = () =>
    subject.validation.metric.needsReference ? measure() : cachedBaseline(key, cache, measure, warn);
  if (shared === null) return known();
  let isNew = false;
  const baseline = await shared.once(['baseline', key], () => {
    isNew = true;
    return known();
  });

  return isNew ? baseline : { ...baseline, cached: true };
}

/** Where results are kept. */
interface BaselineKept {
  /** null: nothing is kept. */
  readonly cache: Cache | null;
  /** null: no other run follows in this process. */
  readonly shared: { readonly once: Once } | null;
  readonly warn: (problems: readonly Problem[]) => void;
}

async function cachedBaseline(
  key: string,
  cache: Cache,
  measure: () => Promise<Baseline>,
  warn: BaselineKept['warn'],
): Promise<Baseline> {
  const kept = await readEntry(cache, key);
  if (isBaseline(kept)) return { ...kept, cached: true };
  const baseline = await measure();
  warn(await keepEntry(cache, key, { value: baseline, what: "The float model's result" }));

  return baseline;
}

async function keyOf({ loaded, prepared, validation, threads, isa }: BaselineSubject): Promise<string> {
  const { source, metric, task } = validation;
  return cacheKey('baseline', [
    encodeModel(prepared.model),
    // Weights outside the file are not among those bytes.
    loaded.externalFiles.length === 0 ? '' : await modelSha256(loaded),
    await source.fingerprint(),
    JSON.stringify([
      TOOL.version,
      runtimeVersion(),
      threads,
      isa,
      metric.name,
      metric.identity ?? null,
      task,
    ]),
  ]);
}

function isBaseline(value: unknown): value is Baseline {
  const { value: result, states, batch } = (value ?? {}) as Partial<Record<keyof Baseline, unknown>>;
  return typeof result === 'number' && Array.isArray(states) && typeof batch === 'number';
}
