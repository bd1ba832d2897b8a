import type { QuantizationReport } from '@quantsmith/schemas';
import type { Evaluation } from '../metrics/evaluate.js';
import type { Answer, Metric } from '../metrics/metric.js';
import type { Baseline, Validation } from './validation.js';

export type Answers = NonNullable<QuantizationReport['answers']>;

/** Samples whose names a report lists. */
const MAX_LISTED = 50;

/**
 * Which samples the quantized model answers otherwise than the float model, those that it loses first, and the metric of each
 * class, those that lose most first; null: the metric has neither answers nor classes.
 */
export async function describeAnswers(
  { source, metric }: Pick<Validation, 'source' | 'metric'>,
  { baseline, final }: { readonly baseline: Baseline; readonly final: Evaluation },
): Promise<Answers | null> {
  const flipped = flippedSamples(metric, baseline.states, final.states);
  const classes = classValues(metric, baseline.states, final.states);
  if (flipped === null && classes === null) return null;
  const listed: Answers['listed'] = [];
  for (const { index, float, quantized } of (flipped ?? []).slice(0, MAX_LISTED)) {
    const { name } = await source.get(index);
    listed.push({
      ...{ name, label: float.label, float: float.answer, quantized: quantized.answer },
      ...{ float_margin: float.margin, quantized_margin: quantized.margin },
    });
  }

  const lost = numbersOf(flipped, ({ float, quantized }) => float.isRight && !quantized.isRight);
  const gained = numbersOf(flipped, ({ float, quantized }) => !float.isRight && quantized.isRight);

  return {
    changed: flipped?.length ?? null,
    lost: lost?.length ?? null,
    gained: gained?.length ?? null,
    ...(lost === null || gained === null ? {} : { lost_samples: lost, gained_samples: gained }),
    listed,
    classes: classes ?? [],
  };
}

interface Flipped {
  readonly index: number;
  readonly float: Answer;
  readonly quantized: Answer;
}

/** The numbers of flipped samples of a kind, in the order of the data. */
function numbersOf(
  flipped: readonly Flipped[] | null,
  isMeant: (sample: Flipped) => boolean,
): number[] | null {
  if (flipped === null) return null;
  return flipped
    .filter(isMeant)
    .map(({ index }) => index)
    .sort((a, b) => a - b);
}

/** Samples with another answer, or an answer that is right for one model only; null: the metric keeps no answers. */
function flippedSamples(
  metric: Metric,
  float: readonly unknown[],
  quantized: readonly unknown[],
): Flipped[] | null {
  if (metric.answer === undefined) return null;
  const answer = (state: unknown) => metric.answer!(state);
  const loss = (flip: Flipped) => Number(flip.float.isRight) - Number(flip.quantized.isRight);
  const fall = (flip: Flipped) => (flip.float.margin ?? 0) - (flip.quantized.margin ?? 0);

  return float
    .map((state, index) => ({ index, float: answer(state), quantized: answer(quantized[index]) }))
    .filter(({ float: a, quantized: b }) => a.answer !== b.answer || a.isRight !== b.isRight)
    .sort((a, b) => loss(b) - loss(a) || fall(b) - fall(a) || a.index - b.index);
}

function classValues(
  metric: Metric,
  float: readonly unknown[],
  quantized: readonly unknown[],
): Answers['classes'] | null {
  if (metric.byClass === undefined) return null;
  const after = new Map(metric.byClass(quantized).map((entry) => [entry.class, entry.value]));
  return metric
    .byClass(float)
    .map(({ class: index, count, value }) => ({
      class: index,
      count,
      float: value,
      quantized: after.get(index) ?? 0,
    }))
    .sort((a, b) => b.float - b.quantized - (a.float - a.quantized) || a.class - b.class);
}
