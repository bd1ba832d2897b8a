import { guessAmongClasses, guessNothing, type Guess } from './guess.js';
import type { Metric, Outputs, SampleContext, Sums } from './metric.js';
import { classLabel, classScores, largestIndex } from './read.js';

/** 2·TP / (2·TP + FP + FN) = 2·TP / (predicted + actual); 0 where the class neither occurs nor is predicted. */
export const f1Score = (hits: number, predicted: number, actual: number): number =>
  predicted + actual === 0 ? 0 : (2 * hits) / (predicted + actual);

interface ClassCounts {
  hits: number;
  predicted: number;
  actual: number;
}

/** State: [prediction, label]. */
function f1Of(
  name: string,
  value: (counts: ReadonlyMap<number, ClassCounts>) => number,
  guess: Required<Metric<Sums>>['guess'] = guessByAnswers,
): Metric<Sums> {
  return {
    name,
    higherIsBetter: true,
    needsLabels: true,
    needsReference: false,
    accumulate(outputs, label, _, context) {
      const scores = classScores(outputs, context);
      return [predictedClass(outputs, context), classLabel(label, Math.max(2, scores.length), context)];
    },
    result: (states) => value(countClasses(states)),
    sampleError: ([prediction, label]) => (prediction === label ? 0 : 1),
    answer: ([prediction = 0, label = 0]) => ({
      ...{ isRight: prediction === label, label, answer: prediction, margin: null },
    }),
    guess,
    byClass: (states) =>
      [...countClasses(states)]
        .filter(([, { actual }]) => actual > 0)
        .sort(([a], [b]) => a - b)
        .map(([index, counts]) => ({ class: index, count: counts.actual, value: scoreOf(counts) })),
  };
}

/** By the share of right answers: what guessing makes of a mean over classes depends on how often each is guessed. */
function guessByAnswers(states: readonly Sums[], classes: number | null): Guess | null {
  return guessAmongClasses(rightAnswers(states), states.length, classes);
}

const rightAnswers = (states: readonly Sums[]) =>
  states.filter(([predicted, label]) => predicted === label).length;

/** The largest output; of a single one, whether it says yes. */
function predictedClass(outputs: Outputs, context: SampleContext): number {
  const scores = classScores(outputs, context);
  if (scores.length > 1) return largestIndex(scores, 0, scores.length);
  return scores[0]! > (context.task.logits ? 0 : 0.5) ? 1 : 0;
}

function countClasses(states: readonly Sums[]): Map<number, ClassCounts> {
  const counts = new Map<number, ClassCounts>();
  const countsOf = (label: number) => {
    const count = counts.get(label) ?? { hits: 0, predicted: 0, actual: 0 };
    counts.set(label, count);
    return count;
  };

  for (const [prediction = 0, label = 0] of states) {
    countsOf(prediction).predicted++;
    countsOf(label).actual++;
    if (prediction === label) countsOf(label).hits++;
  }

  return counts;
}

const scoreOf = ({ hits, predicted, actual }: ClassCounts) => f1Score(hits, predicted, actual);

/** The mean of the F1 of the classes that occur or are predicted. */
export const f1Macro = f1Of('f1', (counts) => {
  const scores = [...counts].sort(([a], [b]) => a - b).map(([, count]) => scoreOf(count));
  return scores.reduce((sum, score) => sum + score, 0) / scores.length;
});

/** F1 of all decisions together, which is the share of right ones. */
export const f1Micro = f1Of('f1_micro', (counts) => {
  const [hits, predicted, actual] = (['hits', 'predicted', 'actual'] as const).map((key) =>
    [...counts.values()].reduce((sum, counted) => sum + counted[key], 0),
  );

  return f1Score(hits!, predicted!, actual!);
});

const scoreOfPositive = (counts: ReadonlyMap<number, ClassCounts>) => {
  const positive = counts.get(1);
  return positive === undefined ? 0 : scoreOf(positive);
};

/** F1 of class 1. Where it is rare, saying no is mostly right: then nothing found is what tells. */
export const f1Binary = f1Of('f1_binary', scoreOfPositive, (states) => {
  const counts = countClasses(states);
  const guess = guessNothing(scoreOfPositive(counts), counts.get(1)?.actual ?? 0);
  return guess?.chance === 1 ? guess : guessAmongClasses(rightAnswers(states), states.length, 2);
});
