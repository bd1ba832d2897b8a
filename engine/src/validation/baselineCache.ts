import { type Problem, TOOL } from '@quantsmith/schemas';
import { encodeModel, modelSha256, type LoadedModel } from '@quantsmith/model/onnx';
import { cacheKey, keepEntry, readEntry, type Cache } from '../cache/entries.js';
import type { PreparedModel } from '../prepare/prepare.js';
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
 * Outputs that a metric compares with are too much to be kept: those are measured each time.
 */
export async function knownBaseline(
  subject: BaselineSubject,
  cache: Cache | null,
  measure: () => Promise<Baseline>,
  warn: (problems: readonly Problem[]) => void,
): Promise<Baseline> {
  if (cache === null || subject.validation.metric.needsReference) return measure();
  const key = await keyOf(subject);
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
