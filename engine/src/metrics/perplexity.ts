import { fail } from '@quantsmith/schemas';
import { isLabelArray, type Label } from '../data/labels/label.js';
import { guessBySample } from './guess.js';
import { total, type Metric, type SampleContext, type Sums } from './metric.js';
import { mainOutput } from './read.js';

/**
 * exp of the mean negative log-likelihood of each token, from the logits at the position before it. Labels are token ids
 * by position, the input ids where there are none; negative ones, masked ones and, with `task.stride`, those that are
 * context only are left out. State: [negative log-likelihood, tokens, that of guessing among the vocabulary].
 */
export const perplexity: Metric<Sums> = {
  name: 'perplexity',
  higherIsBetter: false,
  needsLabels: false,
  needsReference: false,
  accumulate(outputs, label, _, context) {
    const { data, dims } = mainOutput(outputs, context);
    const [vocabulary = 1, length = 1] = [dims.at(-1), dims.at(-2)];
    const logits = data as ArrayLike<number>;
    const tokens = tokenIds(label, context);
    const mask = context.feeds['attention_mask']?.data as ArrayLike<number | bigint> | undefined;
    const first = context.task.stride === null ? 1 : Math.max(1, length - context.task.stride);
    let [loss, count] = [0, 0];
    for (let position = 0; position < logits.length / vocabulary; position++) {
      const token = Number(tokens[position] ?? -1);
      if (position % length < first || token < 0 || Number(mask?.[position] ?? 1) === 0) continue;
      loss += negativeLogLikelihood(logits, (position - 1) * vocabulary, vocabulary, token, context);
      count++;
    }

    return [loss, count, count * Math.log(vocabulary)];
  },
  result: (states) => Math.min(Number.MAX_VALUE, Math.exp(total(states, 0) / Math.max(1, total(states, 1)))),
  sampleError: ([loss = 0, count = 1]) => loss / Math.max(1, count),
  guess(states) {
    const counted = states.filter(([, count]) => count! > 0);
    const better = counted.filter(([loss = 0, , guessed = 0]) => loss < guessed).length;
    const [loss, guessed] = [total(counted, 0), total(counted, 2)];

    return guessBySample(
      { better, worse: counted.length - better, units: total(counted, 1) },
      {
        value: Math.exp(guessed / Math.max(1, total(counted, 1))),
        reached: guessed === 0 ? 1 : 1 - loss / guessed,
      },
    );
  },
};

function tokenIds(label: Label, { feeds }: SampleContext): ArrayLike<number | bigint | string> {
  if (isLabelArray(label)) return label.data;
  const ids = feeds['input_ids'] ?? Object.values(feeds)[0];
  return ids?.data ?? [];
}

/** log Σ exp(logits) − logits[token], from the largest logit on, so that nothing overflows. */
function negativeLogLikelihood(
  logits: ArrayLike<number>,
  start: number,
  vocabulary: number,
  token: number,
  { name }: SampleContext,
): number {
  if (token >= vocabulary) {
    fail(
      'label-out-of-range',
      `Sample "${name}" has the token ${token}, but the model has only ${vocabulary}.`,
      {
        configPath: ['data', 'validation', 'labels'],
        data: { sample: name, label: token, classes: vocabulary },
      },
    );
  }

  let largest = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < vocabulary; i++) largest = Math.max(largest, logits[start + i]!);
  let sum = 0;
  for (let i = 0; i < vocabulary; i++) sum += Math.exp(logits[start + i]! - largest);

  return largest + Math.log(sum) - logits[start + token]!;
}
