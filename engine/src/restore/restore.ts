import { meetsTarget, type QuantizationChange } from '@quantsmith/schemas';
import { firstIndices } from '../data/source.js';
import type { Evaluation } from '../metrics/evaluate.js';
import { buildModel, type Quantization, sessionOptions, reversible } from '../quantize/quantization.js';
import { measureModel, type Measuring } from '../validation/measureModel.js';
import {
  allowedDrop,
  comparableDrop,
  dropsAreUndefined,
  measureBaseline,
  type Baseline,
  type Probed,
  type Validation,
} from '../validation/validation.js';
import { createEvaluator } from './evaluator.js';
import { tryRemedies, type RemediesPlan, type Tried } from './remedies.js';
import { restoreBySearch, type Candidate, type RestoreStep } from './search.js';
import type { TriedRemedy } from './tune.js';
import type { RestoreContext } from './context.js';

export interface RestorationPlan extends RemediesPlan {
  /** Seconds; null: no limit. */
  readonly timeLimit: number | null;
  /** Groups of operators that may go back to float; null: all. */
  readonly maxIterations: number | null;
}

interface Restoration {
  readonly remedies: readonly TriedRemedy[];
  readonly steps: readonly RestoreStep[];
  readonly candidates: readonly Candidate[];
  readonly rankingSamples: number;
  readonly stopReason: string;
}

interface Measured {
  readonly baseline: Baseline;
  /** The quantized model before restoration. */
  readonly initial: Evaluation;
  /** The final model. */
  readonly final: Evaluation;
}

export interface RestoreOutcome<Made = { readonly quantization: Quantization }> {
  /** The quantization that served best. */
  readonly made: Made;
  readonly reverted: ReadonlySet<string>;
  readonly measured: Measured | null;
  readonly restoration: Restoration | null;
}

/**
 * Measures the quantized model and, where accuracy control asks for it, tries cheaper remedies (`make` quantizes with
 * other settings) and puts operators back to float.
 */
export async function restoreAccuracy<Made extends { readonly quantization: Quantization }>(
  made: Made,
  validation: Validation | null,
  plan: RestorationPlan | null,
  make: (change: QuantizationChange) => Promise<Made>,
  context: RestoreContext,
): Promise<RestoreOutcome<Made>> {
  const reverted: ReadonlySet<string> = new Set();
  if (validation === null) return { made, reverted, measured: null, restoration: null };
  const { baseline, evaluation: initial } = await measureStart(made.quantization, validation, context);
  const start = { made, evaluation: initial, drop: comparableDrop(validation, baseline, initial) };
  const maxDrop = allowedDrop(validation, baseline);
  const isMet = maxDrop !== null && meetsTarget(start.drop, maxDrop);
  // Where no state has a drop, none is better than another.
  if (maxDrop === null || plan === null || isMet || dropsAreUndefined(validation, baseline)) {
    return { made, reverted, measured: { baseline, initial, final: initial }, restoration: null };
  }

  if (maxDrop < 0) {
    const stopReason = 'The float model itself misses the target; no operator was put back in float.';
    const restoration = { remedies: [], steps: [], candidates: [], rankingSamples: 0, stopReason };
    return { made, reverted, measured: { baseline, initial, final: initial }, restoration };
  }

  const deadline = plan.timeLimit === null ? null : performance.now() + 1000 * plan.timeLimit;
  const isLate = () =>
    context.finish?.aborted === true || (deadline !== null && performance.now() >= deadline);
  context.clock.stage('rank', null);
  const { best, tried: remedies } = await tryRemedies({
    start,
    baseline,
    validation,
    maxDrop,
    plan,
    make,
    isLate,
    context,
  });

  if (meetsTarget(best.drop, maxDrop)) {
    const stopReason = 'The target was met by other settings, with no operator back in float.';
    const restoration = { remedies, steps: [], candidates: [], rankingSamples: 0, stopReason };
    return {
      made: best.made,
      reverted,
      measured: { baseline, initial, final: best.evaluation },
      restoration,
    };
  }

  const searched = await search(best, { baseline, validation, maxDrop, deadline, plan }, context);

  return {
    made: best.made,
    reverted: searched.reverted,
    measured: { baseline, initial, final: searched.final },
    restoration: { remedies, ...searched.restoration },
  };
}

async function measureStart(
  quantization: Quantization,
  validation: Validation,
  { workers, clock, journal, baselineOf }: RestoreContext,
): Promise<{ baseline: Baseline; evaluation: Evaluation }> {
  const { count } = validation.source;
  const { prepared } = quantization;
  clock.stage('validate', 2 * count);
  const done = { float: 0, quantized: 0 };
  const progress = (model: keyof typeof done) => (samples: number) => {
    done[model] = samples;
    clock.progress(done.float + done.quantized, `${model} model`);
  };

  let noteProbed: (probed: Probed) => void = () => undefined;
  const probed = new Promise<Probed>((resolve) => (noteProbed = resolve));
  const measureFloat = () =>
    baselineOf(() =>
      measureBaseline(prepared, validation, workers, {
        onSample: progress('float'),
        onProbed: noteProbed,
      }),
    );
  // The float model's outputs, where the metric compares with them, are too much for the journal.
  const measuringFloat = validation.metric.needsReference
    ? measureFloat()
    : journal.of('baseline', measureFloat);
  const measureInitial = (baseline: Measuring['baseline']) =>
    journal.of('initial', () =>
      measureModel(buildModel(quantization, new Set()), firstIndices(count), {
        ...{ workers, validation, baseline, prepared },
        ...sessionOptions(quantization),
        onSample: progress('quantized'),
      }),
    );
  // Where others measure, both models are measured side by side, as soon as it is known how samples go through them.
  if (validation.spread === undefined || validation.metric.needsReference) {
    const baseline = await measuringFloat;
    return { baseline, evaluation: await measureInitial(baseline) };
  }

  const known = Promise.race([probed.then((facts) => ({ ...facts, reference: null })), measuringFloat]);
  const [baseline, evaluation] = await Promise.all([measuringFloat, known.then(measureInitial)]);

  return { baseline, evaluation };
}

interface SearchInput {
  readonly baseline: Baseline;
  readonly validation: Validation;
  readonly maxDrop: number;
  readonly deadline: number | null;
  readonly plan: RestorationPlan;
}

async function search(
  { made: { quantization }, evaluation, drop }: Tried<{ readonly quantization: Quantization }>,
  { baseline, validation, maxDrop, deadline, plan }: SearchInput,
  { workers, clock, journal, finish }: RestoreContext,
) {
  const groups = reversible(quantization);
  const evaluator = createEvaluator({
    quantization,
    validation,
    baseline,
    maxDrop,
    initial: evaluation,
    groups,
    limit: plan.decidingSamples,
    workers,
    journal,
    prefix: 'restore',
  });
  const result = await restoreBySearch({
    groups,
    maxDrop,
    maxIterations: plan.maxIterations,
    deadline,
    finish,
    initial: { metric: evaluation.value, drop },
    screen: evaluator.screen,
    width: validation.spread?.width ?? workers.threads,
    assess: evaluator.assess,
    predict: evaluator.predict,
    async validate(reverted) {
      const evaluation = await evaluator.validate(reverted);
      return { metric: evaluation.value, drop: comparableDrop(validation, baseline, evaluation) };
    },
    onRanked: () => clock.stage('restore', null),
    onProgress: (done, detail) => clock.progress(done, detail),
  });

  const { steps, candidates, stopReason } = result;

  return {
    reverted: result.reverted,
    final: evaluator.evaluationOf(result.reverted) ?? evaluation,
    restoration: { steps, candidates, rankingSamples: evaluator.deciding, stopReason },
  };
}
