import {
  combineChanges,
  meetsTarget,
  type LayerFacts,
  type QuantizationChange,
  type Remedy,
} from '@quantsmith/schemas';
import { firstIndices } from '../data/source.js';
import type { Evaluation } from '../metrics/evaluate.js';
import { buildModel, type Quantization, sessionOptions } from '../quantize/quantization.js';
import { measureModel } from '../validation/measureModel.js';
import { comparableDrop, type Baseline, type Validation } from '../validation/validation.js';
import { createEvaluator } from './evaluator.js';
import type { RestoreContext } from './context.js';
import { layerFacts } from './layerFacts.js';
import { tune, type TriedRemedy } from './tune.js';
import { tuningBudget, workOf, type WorkFacts } from './tuningWork.js';

/** What is tried before operators go back to float. */
export interface RemediesPlan {
  /** Whether the mixed preset is tried first. */
  readonly mixedPreset: boolean;
  /** Other values of settings, grouped by setting; null: none are tried. */
  readonly remedies: ((layers: LayerFacts) => readonly (readonly Remedy[])[]) | null;
  /** So many samples decide at most, before a state is measured on all. */
  readonly decidingSamples: number;
}

/** A quantization and how it does on all validation samples. */
export interface Tried<Made extends { readonly quantization: Quantization }> {
  readonly made: Made;
  readonly evaluation: Evaluation;
  readonly drop: number;
}

/** The measured start, and what is needed to make and measure others like it. */
export interface RemedyInput<Made extends { readonly quantization: Quantization }> {
  readonly start: Tried<Made>;
  readonly baseline: Baseline;
  readonly validation: Validation;
  readonly maxDrop: number;
  readonly plan: RemediesPlan;
  /** Quantizes again with other settings. */
  readonly make: (change: QuantizationChange) => Promise<Made>;
  readonly isLate: () => boolean;
  readonly context: RestoreContext;
}

/**
 * Cheaper remedies than float, as far as the config asks for them: the mixed preset, then other settings. What does not
 * lower the drop on all samples is not kept.
 */
export async function tryRemedies<Made extends { readonly quantization: Quantization }>(
  input: RemedyInput<Made>,
): Promise<{ best: Tried<Made>; tried: TriedRemedy[] }> {
  const { plan, maxDrop, isLate } = input;
  const tried: TriedRemedy[] = [];
  let best = input.start;
  let base: QuantizationChange = {};
  if (plan.mixedPreset) {
    const mixed = await measured(input, { preset: 'mixed' });
    const kept = mixed.drop < best.drop;
    tried.push({ setting: 'preset', value: 'mixed', drop: mixed.drop, kept });
    if (kept) [best, base] = [mixed, { preset: 'mixed' }];
  }

  if (plan.remedies === null || meetsTarget(best.drop, maxDrop) || isLate()) return { best, tried };
  const groups = plan.remedies(await layerFacts(best.made.quantization, input.validation, input.context));
  const keeper = bestMade(input.make);
  const facts = workFacts(input);
  const tuned = await tune(groups, best.drop, maxDrop, predictedDrop(input, base, keeper), {
    ...{ isLate, budget: tuningBudget(facts), work: (remedy) => workOf(remedy, facts) },
  });
  if (tuned.drop >= best.drop) return { best, tried: [...tried, ...tuned.tried] };
  const after = await measured({ ...input, make: keeper.make }, combineChanges(base, tuned.change));
  const kept = after.drop < best.drop;
  const settled = tuned.tried.map((remedy) => ({ ...remedy, kept: remedy.kept && kept }));

  return { best: kept ? after : best, tried: [...tried, ...settled] };
}

function workFacts<Made extends { readonly quantization: Quantization }>({
  start,
  validation,
  plan,
  context,
}: RemedyInput<Made>): WorkFacts {
  return {
    calibration: context.calibrationSamples,
    validation: validation.source.count,
    deciding: plan.decidingSamples,
    layers: start.made.quantization.placement.weights.length,
  };
}

/** Makes quantizations and keeps the best one: it is wanted again when it is measured on all samples. */
interface Keeper<Made> {
  readonly make: (change: QuantizationChange) => Promise<Made>;
  readonly judged: (change: QuantizationChange, made: Made, drop: number) => void;
}

function bestMade<Made>(make: (change: QuantizationChange) => Promise<Made>): Keeper<Made> {
  let best: { key: string; made: Made; drop: number } | null = null;
  return {
    make: (change) => (best?.key === JSON.stringify(change) ? Promise.resolve(best.made) : make(change)),
    judged(change, made, drop) {
      if (best === null || drop < best.drop) best = { key: JSON.stringify(change), made, drop };
    },
  };
}

/** The drop with other settings, judged by the samples that decide. */
function predictedDrop<Made extends { readonly quantization: Quantization }>(
  input: RemedyInput<Made>,
  base: QuantizationChange,
  keeper: Keeper<Made>,
): (change: QuantizationChange) => Promise<number> {
  const { start, baseline, validation, plan, context } = input;
  return async (change) => {
    const combined = combineChanges(base, change);
    const made = await keeper.make(combined);
    const evaluator = createEvaluator({
      quantization: made.quantization,
      validation,
      baseline,
      maxDrop: input.maxDrop,
      initial: start.evaluation,
      groups: [],
      limit: plan.decidingSamples,
      workers: context.workers,
      journal: context.journal,
      prefix: `with ${JSON.stringify(combined)}`,
    });
    const { drop } = await evaluator.assess(new Set());
    keeper.judged(combined, made, drop);

    return drop;
  };
}

async function measured<Made extends { readonly quantization: Quantization }>(
  { baseline, validation, context, make }: RemedyInput<Made>,
  change: QuantizationChange,
): Promise<Tried<Made>> {
  const made = await make(change);
  const { workers, journal } = context;
  const evaluation = await journal.of(`all with ${JSON.stringify(change)}`, () =>
    measureModel(buildModel(made.quantization, new Set()), firstIndices(validation.source.count), {
      ...{ workers, validation, baseline, prepared: made.quantization.prepared },
      ...sessionOptions(made.quantization),
    }),
  );

  return { made, evaluation, drop: comparableDrop(validation, baseline, evaluation) };
}
