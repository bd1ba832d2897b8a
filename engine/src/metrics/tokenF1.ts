import { fail } from '@quantsmith/schemas';
import { f1Score } from './f1.js';
import { guessBySample } from './guess.js';
import { total, type Metric, type Sums } from './metric.js';
import { arrayLabel, largestIndex, mainOutput } from './read.js';

/**
 * F1 over the tokens of all samples together (micro-averaged), without class 0, which stands for no entity, and without
 * tokens whose label is negative. State: [hits, predicted, actual, tokens].
 */
export const tokenF1: Metric<Sums> = {
  name: 'token_f1',
  higherIsBetter: true,
  needsLabels: true,
  needsReference: false,
  accumulate(outputs, label, _, context) {
    const { data, dims } = mainOutput(outputs, context);
    const classes = dims.at(-1) ?? 1;
    const tokens = data.length / classes;
    const labels = arrayLabel(label, 'tokens', context).data;
    if (labels.length > tokens) {
      fail('labels-count', `Sample "${context.name}" has ${labels.length} labels for ${tokens} tokens.`, {
        configPath: ['data', 'validation', 'labels'],
        data: { sample: context.name },
      });
    }

    let [hits, predicted, actual, counted] = [0, 0, 0, 0];
    for (let token = 0; token < labels.length; token++) {
      const expected = Number(labels[token]);
      if (expected < 0) continue;
      counted++;
      const guess = largestIndex(data as ArrayLike<number>, token * classes, classes);
      if (guess !== 0) predicted++;
      if (expected !== 0) actual++;
      if (guess !== 0 && guess === expected) hits++;
    }

    return [hits, predicted, actual, counted];
  },
  result: (states) => f1Score(total(states, 0), total(states, 1), total(states, 2)),
  sampleError: ([hits = 0, predicted = 0, actual = 0]) =>
    predicted + actual === 0 ? 0 : 1 - f1Score(hits, predicted, actual),
  // Entities that lie anywhere hit at most this often, were they all of one class.
  guess(states) {
    const named = states.filter(([, , actual]) => actual! > 0);
    const expected = named.map(([, predicted = 0, actual = 0, tokens = 1]) => (predicted * actual) / tokens);
    const better = named.filter(([hits = 0], i) => hits > expected[i]!).length;
    const value = f1Score(
      expected.reduce((sum, count) => sum + count, 0),
      total(named, 1),
      total(named, 2),
    );
    const score = f1Score(total(named, 0), total(named, 1), total(named, 2));

    return guessBySample(
      { better, worse: named.length - better, units: total(named, 2) },
      {
        value,
        reached: value === 1 ? 1 : (score - value) / (1 - value),
      },
    );
  },
};
