import { fail } from '@quantsmith/schemas';
import { f1Score } from './f1.js';
import { total, type Metric, type Sums } from './metric.js';
import { arrayLabel, largestIndex, mainOutput } from './read.js';

/**
 * F1 over the tokens of all samples together (micro-averaged), without class 0, which stands for no entity, and without
 * tokens whose label is negative. State: [hits, predicted, actual].
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
    const labels = arrayLabel(label, 'one class a token', context).data;
    if (labels.length > tokens) {
      fail('labels-count', `Sample "${context.name}" has ${labels.length} labels for ${tokens} tokens.`, {
        configPath: ['data', 'validation', 'labels'],
        data: { sample: context.name },
      });
    }

    let [hits, predicted, actual] = [0, 0, 0];
    for (let token = 0; token < labels.length; token++) {
      const expected = Number(labels[token]);
      if (expected < 0) continue;
      const found = largestIndex(data as ArrayLike<number>, token * classes, classes);
      if (found !== 0) predicted++;
      if (expected !== 0) actual++;
      if (found !== 0 && found === expected) hits++;
    }

    return [hits, predicted, actual];
  },
  result: (states) => f1Score(total(states, 0), total(states, 1), total(states, 2)),
  sampleError: ([hits = 0, predicted = 0, actual = 0]) =>
    predicted + actual === 0 ? 0 : 1 - f1Score(hits, predicted, actual),
};
