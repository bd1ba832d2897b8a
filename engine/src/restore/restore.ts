import type { ResolvedConfig } from '@quantsmith/schemas';
import { firstIndices } from '../data/source.js';
import { worstSamples, type Evaluation } from '../metrics/evaluate.js';
import { buildModel, type Quantization } from '../quantization.js';
import type { Clock } from '../report/progress.js';
import { dropOf, measureBaseline, measureModel, type Baseline, type Validation } from '../validation.js';
import { restoreGreedily, type RestoreStep } from './greedy.js';
import { revertGroups } from './revert.js';

export interface Restoration {
  readonly steps: readonly RestoreStep[];
  readonly rankingSamples: number;
  readonly stopReason: string;
}

export interface Measured {
  readonly baseline: Baseline;
  /** The quantized model before restoration. */
  readonly initial: Evaluation;
  /** The final model. */
  readonly final: Evaluation;
}

export interface RestoreOutcome {
  readonly reverted: ReadonlySet<string>;
  readonly measured: Measured | null;
  readonly restoration: Restoration | null;
}

/** Measures the quantized model and, where accuracy control asks for it, puts operators back to float. */
export async function restoreAccuracy(
  quantization: Quantization,
  validation: Validation | null,
  config: ResolvedConfig,
  { threads, clock }: { threads: number; clock: Clock },
): Promise<RestoreOutcome> {
  if (validation === null) return { reverted: new Set(), measured: null, restoration: null };
  const { dir } = quantization.prepared;
  const { count } = validation.source;
  const all = firstIndices(count);
  clock.stage('validate', 2 * count);
  const baseline = await measureBaseline(quantization.prepared, validation, threads, (done) =>
    clock.progress(done, 'float model'),
  );
  const measure = (
    reverted: ReadonlySet<string>,
    indices: readonly number[],
    onSample?: (done: number) => void,
  ) =>
    measureModel(buildModel(quantization, reverted), validation, baseline, indices, {
      threads,
      dir,
      ...(onSample === undefined ? {} : { onSample }),
    });
  const initial = await measure(new Set(), all, (done) => clock.progress(count + done, 'quantized model'));
  const drop = dropOf(validation, baseline, initial);
  if (validation.maxDrop === null || config.accuracy_control === null || drop <= validation.maxDrop) {
    return { reverted: new Set(), measured: { baseline, initial, final: initial }, restoration: null };
  }
  const groups = revertGroups(quantization.prepared.graph, quantization.placement);
  const control = config.accuracy_control.advanced_accuracy_restorer_params;
  const ranking = rankingIndices(
    validation,
    baseline,
    initial,
    control.ranking_subset_size ?? config.quantization.subset_size,
  );
  clock.stage('rank', groups.length);
  const { time_limit: timeLimit } = config.accuracy_control;
  const evaluations = new Map<string, Evaluation>();
  const result = await restoreGreedily({
    groups,
    maxDrop: validation.maxDrop,
    maxIterations: control.max_num_iterations,
    deadline: timeLimit === null ? null : performance.now() + 1000 * timeLimit,
    initial: { metric: initial.value, drop },
    async rank(reverted) {
      const { value } = await measure(reverted, ranking);
      return validation.metric.higherIsBetter ? value : -value;
    },
    async validate(reverted) {
      const evaluation = await measure(reverted, all);
      evaluations.set(keyOf(reverted), evaluation);
      return { metric: evaluation.value, drop: dropOf(validation, baseline, evaluation) };
    },
    onRanked: () => clock.stage('restore', groups.length),
    onProgress: (done, detail) => clock.progress(done, detail),
  });
  return {
    reverted: result.reverted,
    measured: { baseline, initial, final: evaluations.get(keyOf(result.reverted)) ?? initial },
    restoration: { steps: result.steps, rankingSamples: ranking.length, stopReason: result.stopReason },
  };
}

const keyOf = (reverted: ReadonlySet<string>) => [...reverted].sort().join('\u0000');

/** The samples on which quantization makes most of a difference. */
function rankingIndices(
  validation: Validation,
  baseline: Baseline,
  initial: Evaluation,
  size: number,
): number[] {
  const error = validation.metric.sampleError;
  const errors = initial.records.map((record, index) => error(record) - error(baseline.records[index]!));
  return worstSamples(errors, size);
}
