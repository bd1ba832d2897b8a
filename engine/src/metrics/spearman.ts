import { fail } from '@quantsmith/schemas';
import type { HostTensor } from '@quantsmith/model/arrays';
import { cosineOf } from './difference.js';
import { normal } from './chance.js';
import { tooFewToTell } from './guess.js';
import type { Metric, Outputs, Sums } from './metric.js';
import { mainOutput, scoreLabel } from './read.js';

/**
 * Spearman's rank correlation of the cosine similarity of pairs with their labelled scores; ties share the average of
 * their ranks. A sample is a pair: the model's batch is the two texts. Vectors by token are averaged over the tokens that
 * the attention mask leaves. State: [similarity, score].
 */
export const spearman: Metric<Sums> = {
  name: 'spearman',
  higherIsBetter: true,
  needsLabels: true,
  needsReference: false,
  accumulate(outputs, label, _, context) {
    const vectors = embeddings(mainOutput(outputs, context), context.feeds);
    const [first, second] = vectors;
    if (first === undefined || second === undefined || vectors.length !== 2) {
      return fail(
        'sample-not-a-pair',
        `Sample "${context.name}" gave ${vectors.length} vectors; spearman needs pairs: a batch of two.`,
        { configPath: ['data', 'validation'], data: { sample: context.name } },
      );
    }

    const dot = (a: ArrayLike<number>, b: ArrayLike<number>) => {
      let sum = 0;
      for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
      return sum;
    };

    const similarity = cosineOf(dot(first, second), dot(first, first), dot(second, second));

    return [similarity, scoreLabel(label, context)];
  },
  result: (states) =>
    rankCorrelation(
      states.map(([similarity]) => similarity!),
      states.map(([, score]) => score!),
    ),
  sampleError: ([similarity = 0]) => -similarity,
  comparesSamples: false,
  // Of unrelated ranks, ρ·√(n − 1) is about normally distributed.
  guess(states) {
    if (tooFewToTell(states.length)) return null;
    const correlation = spearman.result(states);
    return { value: 0, chance: 1 - normal(correlation * Math.sqrt(states.length - 1)), reached: correlation };
  },
};

/** One vector for each row of the batch. */
function embeddings({ data, dims }: HostTensor, feeds: Outputs): ArrayLike<number>[] {
  const values = data as Float32Array;
  const [rows = 1, size = 1] = [dims[0], dims.at(-1)];
  const length = values.length / rows / size;
  const mask = feeds['attention_mask']?.data as ArrayLike<number | bigint> | undefined;

  return Array.from({ length: rows }, (_, row) => {
    if (length === 1) return values.subarray(row * size, (row + 1) * size);
    const mean = new Float64Array(size);
    for (let token = 0; token < length; token++) {
      const weight = Number(mask?.[row * length + token] ?? 1);
      for (let i = 0; i < size; i++) mean[i] = mean[i]! + weight * values[(row * length + token) * size + i]!;
    }

    // The cosine does not depend on the divisor.
    return mean;
  });
}

/** Pearson's correlation of the ranks; 0 where all values of a side are equal. */
function rankCorrelation(a: readonly number[], b: readonly number[]): number {
  const [x, y] = [ranks(a), ranks(b)];
  const mean = (a.length + 1) / 2;
  let [covariance, left, right] = [0, 0, 0];
  for (let i = 0; i < x.length; i++) {
    covariance += (x[i]! - mean) * (y[i]! - mean);
    left += (x[i]! - mean) ** 2;
    right += (y[i]! - mean) ** 2;
  }

  return left === 0 || right === 0 ? 0 : covariance / Math.sqrt(left * right);
}

/** Ranks from 1; equal values share the average of theirs. */
function ranks(values: readonly number[]): Float64Array {
  const order = values.map((_, index) => index).sort((a, b) => values[a]! - values[b]!);
  const result = new Float64Array(values.length);
  for (let start = 0; start < order.length;) {
    let end = start + 1;
    while (end < order.length && values[order[end]!] === values[order[start]!]) end++;
    for (let i = start; i < end; i++) result[order[i]!] = (start + 1 + end) / 2;
    start = end;
  }

  return result;
}
