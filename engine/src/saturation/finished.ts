import { sha256 } from '@quantsmith/model/files';
import { encodeModel, type ModelProto } from '@quantsmith/model/onnx';
import type { SampleSource } from '../data/types.js';
import type { Evaluation } from '../metrics/evaluate.js';
import type { TargetIsa } from '../overflow/isa.js';
import type { Clock } from '../progress/clock.js';
import type { Workers } from '../runtime/workers.js';
import type { RuntimeKernel } from '../runtime/optimized.js';
import type { Baseline, Validation } from '../validation/validation.js';
import { calibrationFeeds, observeSaturation, type Saturation } from './observe.js';
import { predictSaturated } from './predict.js';

/** A prediction that no one asked for may take a quarter of the run so far, or this many milliseconds. */
const MIN_BUDGET_MS = 2000;

/** What 16-bit sums do to the final model. */
export interface FinishedSaturation {
  /** By operator; those that were looked at. */
  readonly observed: ReadonlyMap<string, Saturation>;
  /** The metric on a CPU where sums saturate; null where it is not known. */
  readonly predicted: { readonly isa: string; readonly evaluation: Evaluation } | null;
}

export interface FinishedModel {
  /** The runtime's own graph of the final model, and what its kernels compute. */
  readonly optimized: ModelProto;
  readonly kernels: ReadonlyMap<string, RuntimeKernel>;
  /** Folder of external data. */
  readonly dir: string;
  readonly calibration: { readonly source: SampleSource; readonly samples: number };
  readonly validation: Validation | null;
  /** Of the float model and of the final one; null without validation. */
  readonly measured: { readonly baseline: Baseline; readonly final: Evaluation } | null;
  readonly target: TargetIsa;
  /** Whether sums saturate on the target. */
  readonly saturates: boolean;
}

/**
 * Without a target that saturates, the analysis takes few samples, the same ones on every machine, and the metric is predicted
 * where that is quick; `quantsmith overflow` takes the time.
 */
export async function finishedSaturation(
  model: FinishedModel,
  { workers, clock }: { readonly workers: Workers; readonly clock: Clock },
): Promise<FinishedSaturation> {
  const { optimized, kernels, dir, calibration, target, saturates } = model;
  const { source, samples: count } = calibration;
  const samples = saturates ? calibrationFeeds(source, count) : calibrationFeeds(source, count, 0);
  const observed = await observeSaturation(optimized, kernels, samples, { workers, dir });
  const isa = saturates && target !== 'host' ? target : 'avx2';
  const budgetMs = saturates ? Infinity : Math.max(MIN_BUDGET_MS, clock.timings().total / 4);
  const evaluation = await predicted(model, budgetMs, { workers, clock });

  return { observed, predicted: evaluation === null ? null : { isa, evaluation } };
}

async function predicted(
  { optimized, dir, validation, measured }: FinishedModel,
  budgetMs: number,
  { workers, clock }: { readonly workers: Workers; readonly clock: Clock },
): Promise<Evaluation | null> {
  if (validation === null || measured === null) return null;
  const { baseline, final } = measured;
  const total = validation.source.count;

  const predict = () =>
    predictSaturated(
      optimized,
      validation,
      { baseline, exact: final },
      {
        workers,
        dir,
        budgetMs,
        onSample: (done) => clock.progress(done, 'as on a CPU without VNNI', total),
      },
    );

  return validation.once === undefined
    ? predict()
    : validation.once(['saturated', budgetMs === Infinity, sha256(encodeModel(optimized))], predict);
}
