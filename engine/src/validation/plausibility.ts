import type { Problem } from '@quantsmith/schemas';
import type { ModelProto } from '@quantsmith/model/onnx';
import type { Baseline, Validation } from './validation.js';

/** Samples below which a share of right answers tells too little. */
const MIN_SAMPLES = 20;
/** Probability of guessing so well, above which right answers may be guesses. */
const MAX_CHANCE = 0.01;

/**
 * What is to be said of a float model that answers no better than by guessing: then labels, class order or preprocessing do
 * not fit it, and no drop from it means anything. `classes`: values of the output that classes are read from; null: unknown.
 */
export function plausibilityProblems(
  { metric }: Pick<Validation, 'metric'>,
  { states, value }: Pick<Baseline, 'states' | 'value'>,
  classes: number | null,
): Problem[] {
  const right = rightAnswers(metric.name, states);
  if (right === null || classes === null || classes < 2 || states.length < MIN_SAMPLES) return [];
  const guessed = Math.min(1, (metric.name === 'top5' ? 5 : 1) / classes);
  const chance = upperTail(right, states.length, guessed);
  // A good model on few samples of few classes cannot be told from guessing either: that is no fault of it.
  const isFar = right / states.length < guessed + (1 - guessed) / 4;
  if (chance < MAX_CHANCE || !isFar) return [];

  return [
    {
      code: 'float-accuracy-implausible',
      severity: 'error',
      message: `The float model's ${metric.name} is ${(100 * value).toFixed(2)} % on ${states.length} samples, no better than guessing among ${classes} classes: labels, class order or preprocessing do not fit the model.`,
      configPath: ['data', 'validation'],
      data: { metric: metric.name, value, samples: states.length, classes, chance },
    },
  ];
}

/** Values of each row of the only output, where its shape says so; null: there are several, or it is no row of scores. */
export function classesOf({ graph }: ModelProto): number | null {
  const [output, ...others] = graph?.output ?? [];
  const type = output?.type?.value;
  if (others.length > 0 || type?.case !== 'tensorType') return null;
  const dims = type.value.shape?.dim ?? [];
  const last = dims.at(-1)?.value;
  return dims.length === 2 && last?.case === 'dimValue' ? Number(last.value) : null;
}

/** Said of a run without a metric: that nothing is red does not mean that accuracy is kept. */
export const unmeasured = (): Problem => ({
  code: 'accuracy-not-measured',
  severity: 'info',
  message:
    'Accuracy was not measured: the outputs were compared with the float model, which says nothing of right and wrong. Name data.validation with labels.',
  configPath: ['data'],
});

/** How many samples were answered rightly; null where the metric does not count them. */
function rightAnswers(name: string, states: Baseline['states']): number | null {
  const figures = states as readonly (readonly number[])[];
  if (name === 'top1' || name === 'top5') return figures.filter(([hit]) => hit === 1).length;
  if (name === 'f1' || name === 'f1_micro')
    return figures.filter(([predicted, label]) => predicted === label).length;
  return null;
}

/** Probability of at least `hits` of `count` where each has this probability: the upper tail of a binomial distribution. */
export function upperTail(hits: number, count: number, probability: number): number {
  if (hits <= 0 || probability >= 1) return 1;
  let logTerm = count * Math.log1p(-probability);
  const odds = Math.log(probability) - Math.log1p(-probability);
  let sum = 0;
  for (let k = 0; k <= count; k++) {
    if (k >= hits) sum += Math.exp(logTerm);
    logTerm += Math.log(count - k) - Math.log(k + 1) + odds;
  }

  return Math.min(1, sum);
}
