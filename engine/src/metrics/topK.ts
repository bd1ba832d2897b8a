import { average, total, type Metric, type Outputs, type SampleContext, type Sums } from './metric.js';
import type { Label } from '../data/labels/label.js';
import { byLabel } from './byClass.js';
import { guessAmongClasses } from './guess.js';
import { classLabel, classScores, largestIndex } from './read.js';

/**
 * Share of samples whose label is among the `k` largest outputs. Ties go to the lower class. State: [hit, margin, label, class
 * of the largest output].
 */
export function topK(name: string, k: number): Metric<Sums> {
  return {
    name,
    higherIsBetter: true,
    needsLabels: true,
    needsReference: false,
    accumulate(outputs, label, _, context) {
      const scores = classScores(outputs, context);
      return [
        rankOfLabel(outputs, label, context) < k ? 1 : 0,
        marginOfLabel(outputs, label, context, k),
        classLabel(label, scores.length, context),
        largestIndex(scores, 0, scores.length),
      ];
    },
    result: average,
    sampleError: ([hit = 0]) => 1 - hit,
    margin: {
      of: ([, margin = 0]) => margin,
      state: (margin, probability = margin > 0 ? 1 : 0) => [probability, margin],
    },
    answer: ([hit = 0, margin = 0, label = 0, answer = 0]) => ({ isRight: hit === 1, label, answer, margin }),
    guess: (states, classes) => guessAmongClasses(total(states, 0), states.length, classes, k),
    byClass: (states) => byLabel(states, ([, , label = 0]) => label, average),
  };
}

/** How many classes score higher than the label. */
function rankOfLabel(outputs: Outputs, truth: Label, context: SampleContext): number {
  const scores = classScores(outputs, context);
  const label = classLabel(truth, scores.length, context);
  const score = scores[label]!;
  if (Number.isNaN(score)) return Number.POSITIVE_INFINITY;
  let rank = 0;
  for (let index = 0; index < scores.length; index++)
    if (scores[index]! > score || (scores[index]! === score && index < label)) rank++;
  return rank;
}

/** The label's score less the k-th largest of the others; 0 where the label's is not a number. */
function marginOfLabel(outputs: Outputs, truth: Label, context: SampleContext, k: number): number {
  const scores = classScores(outputs, context);
  const label = classLabel(truth, scores.length, context);
  const largest: number[] = new Array<number>(k).fill(Number.NEGATIVE_INFINITY);
  for (let index = 0; index < scores.length; index++) {
    if (index === label || !(scores[index]! > largest[k - 1]!)) continue;
    let place = k - 1;
    for (; place > 0 && largest[place - 1]! < scores[index]!; place--) largest[place] = largest[place - 1]!;
    largest[place] = scores[index]!;
  }

  const margin = scores[label]! - largest[k - 1]!;

  return Number.isFinite(margin) ? margin : 0;
}
