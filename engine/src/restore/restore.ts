import type { ResolvedConfig } from '@quantsmith/schemas';
import { firstIndices } from '../data/source.js';
import type { Evaluation } from '../metrics/evaluate.js';
import { buildModel, type Quantization } from '../quantization.js';
import type { Clock } from '../report/progress.js';
import { dropOf, measureBaseline, measureModel, type Baseline, type Validation } from '../validation.js';
import { createEvaluator } from './evaluator.js';
import type { Journal } from './journal.js';
import { revertGroups } from './revert.js';
import { restoreBySearch, type Candidate, type RestoreStep } from './search.js';

export interface Restoration {
  readonly steps: readonly RestoreStep[];
  readonly candidates: readonly Candidate[];
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
  readonly quantization: Quantization;
  readonly reverted: ReadonlySet<string>;
  readonly measured: Measured | null;
  readonly restoration: Restoration | null;
}

export interface RestoreContext {
  readonly threads: number;
  readonly clock: Clock;
  readonly journal: Journal;
}

/** Measures the quantized model and, where accuracy control asks for it, puts operators back to float. */
export async function restoreAccuracy(
  quantization: Quantization,
  validation: Validation | null,
  config: ResolvedConfig,
  { threads, clock, journal }: RestoreContext,
): Promise<RestoreOutcome> {
  const none = { quantization, reverted: new Set<string>(), restoration: null };
  if (validation === null) return { ...none, measured: null };
  const { dir } = quantization.prepared;
  const { count } = validation.source;
  clock.stage('validate', 2 * count);
  const measureFloat = () =>
    measureBaseline(quantization.prepared, validation, threads, (done) =>
      clock.progress(done, 'float model'),
    );
  // The float model's outputs, where the metric compares with them, are too much for the journal.
  const baseline = await (validation.metric.needsReference
    ? measureFloat()
    : journal.of('baseline', measureFloat));
  const initial = await journal.of('initial', () =>
    measureModel(buildModel(quantization, new Set()), validation, baseline, firstIndices(count), {
      threads,
      dir,
      onSample: (done) => clock.progress(count + done, 'quantized model'),
    }),
  );
  const drop = dropOf(validation, baseline, initial);
  const { maxDrop } = validation;
  if (maxDrop === null || config.accuracy_control === null || drop <= maxDrop) {
    return { ...none, measured: { baseline, initial, final: initial } };
  }
  const control = config.accuracy_control.advanced_accuracy_restorer_params;
  const groups = revertGroups(quantization.prepared.graph, quantization.placement);
  const evaluator = createEvaluator({
    quantization,
    validation,
    baseline,
    initial,
    limit: control.ranking_subset_size ?? config.quantization.subset_size,
    threads,
    journal,
    prefix: 'restore',
  });
  clock.stage('rank', groups.length);
  const { time_limit: timeLimit } = config.accuracy_control;
  const result = await restoreBySearch({
    groups,
    maxDrop,
    maxIterations: control.max_num_iterations,
    deadline: timeLimit === null ? null : performance.now() + 1000 * timeLimit,
    initial: { metric: initial.value, drop },
    screen: evaluator.screen,
    assess: evaluator.assess,
    foretell: evaluator.foretell,
    async validate(reverted) {
      const evaluation = await evaluator.validate(reverted);
      return { metric: evaluation.value, drop: dropOf(validation, baseline, evaluation) };
    },
    onRanked: () => clock.stage('restore', null),
    onProgress: (done, detail) => clock.progress(done, detail),
  });
  return {
    quantization,
    reverted: result.reverted,
    measured: { baseline, initial, final: evaluator.evaluationOf(result.reverted) ?? initial },
    restoration: {
      steps: result.steps,
      candidates: result.candidates,
      rankingSamples: evaluator.deciding,
      stopReason: result.stopReason,
    },
  };
}
