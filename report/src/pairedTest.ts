import type { Subject } from './subject.js';

/** On how many samples one side is better, and how likely chance alone makes the two so unequal. */
export interface PairedTest {
  /** By right and wrong answers, or by the samples' errors. */
  readonly test: 'mcnemar' | 'wilcoxon';
  readonly samples: number;
  /** Samples that only `a` answers right, or where its error is smaller. */
  readonly only_a: number;
  readonly only_b: number;
  /** Two-sided. */
  readonly p_value: number;
}

/**
 * Whether two models that were measured on the same samples differ by more than chance; null: they were not, or their metric
 * judges no sample alone, or a report is older than the list of what its samples came to.
 */
export function pairedTest(a: Subject, b: Subject): PairedTest | null {
  const isAlike =
    a.measured_on !== null &&
    b.measured_on !== null &&
    a.measured_on.model === b.measured_on.model &&
    a.measured_on.validation === b.measured_on.validation &&
    a.metric?.name === b.metric?.name &&
    a.metric?.samples === b.metric?.samples;

  if (!isAlike || a.metric === null) return null;
  const { samples } = a.metric;
  if (a.flipped !== null && b.flipped !== null) return byAnswers(samples, a.flipped, b.flipped);
  const [errorsA, errorsB] = [a.sample_errors, b.sample_errors];
  if (errorsA === null || errorsB === null || errorsA.length !== errorsB.length) return null;

  return byErrors(samples, errorsA, errorsB);
}

function byAnswers(
  samples: number,
  a: NonNullable<Subject['flipped']>,
  b: NonNullable<Subject['flipped']>,
): PairedTest {
  // Float's answers are the same for both: what one has lost or gained and the other has not is where they differ.
  const only_a = countMissing(b.lost, a.lost) + countMissing(a.gained, b.gained);
  const only_b = countMissing(a.lost, b.lost) + countMissing(b.gained, a.gained);

  return { test: 'mcnemar', samples, only_a, only_b, p_value: mcnemar(only_a, only_b) };
}

function byErrors(samples: number, a: readonly number[], b: readonly number[]): PairedTest {
  const differences = a.map((error, index) => b[index]! - error);

  return {
    test: 'wilcoxon',
    samples,
    only_a: differences.filter((difference) => difference > 0).length,
    only_b: differences.filter((difference) => difference < 0).length,
    p_value: wilcoxon(differences),
  };
}

/** "p = 0.031". */
export const pText = ({ p_value: p }: PairedTest): string =>
  p < 0.001 ? 'p < 0.001' : `p = ${p.toFixed(3)}`;

/** How many of some numbers are not among others. */
function countMissing(numbers: readonly number[], others: readonly number[]): number {
  const known = new Set(others);
  return numbers.filter((number) => !known.has(number)).length;
}

/**
 * McNemar's exact test: were both sides equally good, each sample that they answer differently would be right on either side
 * with probability 1/2. Twice the smaller tail of that binomial distribution, at most 1.
 */
export function mcnemar(onlyA: number, onlyB: number): number {
  const count = onlyA + onlyB;
  const fewer = Math.min(onlyA, onlyB);
  let logTerm = -count * Math.LN2;
  let tail = Math.exp(logTerm);
  for (let right = 1; right <= fewer; right++) {
    logTerm += Math.log((count - right + 1) / right);
    tail += Math.exp(logTerm);
  }

  return Math.min(1, 2 * tail);
}

/** So many differences are judged exactly, more by the normal distribution, which is then near enough. */
const MAX_EXACT = 100;

/**
 * Wilcoxon's signed-rank test, two-sided: were both sides equally good, the sign of each difference would be that of a fair
 * coin. How likely the ranks of the positive ones then sum to something at least as far from half of all ranks. Differences
 * of 0 are left out; equal ones share the mean of their ranks (Wilcoxon 1945; Hollander, Wolfe and Chicken 2014, 3.1).
 */
export function wilcoxon(differences: readonly number[]): number {
  const signed = differences.filter((difference) => difference !== 0);
  // Doubled, shared ranks are whole numbers.
  const ranks = doubledRanks(signed.map(Math.abs));
  const all = ranks.reduce((sum, rank) => sum + rank, 0);
  const positive = ranks.reduce((sum, rank, index) => sum + (signed[index]! > 0 ? rank : 0), 0);
  const smaller = Math.min(positive, all - positive);

  return signed.length <= MAX_EXACT ? exactTail(ranks, smaller) : normalTail(ranks, smaller);
}

/** Twice the rank of each value, from 2 for the smallest; equal values have the mean of theirs. */
function doubledRanks(values: readonly number[]): number[] {
  const order = values.map((_, index) => index).sort((a, b) => values[a]! - values[b]!);
  const ranks = new Array<number>(values.length).fill(0);
  for (let start = 0; start < order.length;) {
    let end = start;
    while (end < order.length && values[order[end]!] === values[order[start]!]) end++;
    // The mean of start + 1 to end, doubled.
    for (let place = start; place < end; place++) ranks[order[place]!] = start + 1 + end;
    start = end;
  }

  return ranks;
}

/** Twice the probability that the ranks of a fair coin's heads sum to at most `limit`; at most 1. */
function exactTail(ranks: readonly number[], limit: number): number {
  const probability = new Float64Array(limit + 1);
  probability[0] = 1;
  for (const rank of ranks)
    for (let sum = limit; sum >= 0; sum--)
      probability[sum] = (probability[sum]! + (sum >= rank ? probability[sum - rank]! : 0)) / 2;

  return Math.min(1, 2 * probability.reduce((tail, share) => tail + share, 0));
}

/** The same by the normal distribution: a sum of independent terms, rank or 0, with half a (doubled) rank for its steps. */
function normalTail(ranks: readonly number[], limit: number): number {
  const mean = ranks.reduce((sum, rank) => sum + rank, 0) / 2;
  const variance = ranks.reduce((sum, rank) => sum + rank ** 2, 0) / 4;

  return Math.min(1, 2 * normalBelow((limit + 1 - mean) / Math.sqrt(variance)));
}

/**
 * Probability that a standard normal value is below `z`, with a relative error under 1.2e-7 (the complementary error function
 * of Press et al., Numerical Recipes in C, 2nd edition, 6.2).
 */
function normalBelow(z: number): number {
  const x = Math.abs(z) / Math.SQRT2;
  const t = 1 / (1 + x / 2);
  const terms = [
    -1.26551223, 1.00002368, 0.37409196, 0.09678418, -0.18628806, 0.27886807, -1.13520398, 1.48851587,
    -0.82215223, 0.17087277,
  ];
  const series = terms.reduceRight((sum, term) => term + t * sum, 0);
  const beyond = (t * Math.exp(-x * x + series)) / 2;

  return z < 0 ? beyond : 1 - beyond;
}
