import type { Subject } from './subject.js';

/** Samples that one side alone answers right, and how likely chance alone makes them so unequal. */
export interface PairedTest {
  readonly samples: number;
  readonly only_a: number;
  readonly only_b: number;
  /** Two-sided, of McNemar's exact test. */
  readonly p_value: number;
}

/**
 * Whether two models that were measured on the same samples differ by more than chance; null: they were not, or their metric
 * has no right and wrong answers, or a report is older than the list of its flipped samples.
 */
export function pairedTest(a: Subject, b: Subject): PairedTest | null {
  const isAlike =
    a.measured_on !== null &&
    b.measured_on !== null &&
    a.measured_on.model === b.measured_on.model &&
    a.measured_on.validation === b.measured_on.validation &&
    a.metric?.name === b.metric?.name &&
    a.metric?.samples === b.metric?.samples;

  if (!isAlike || a.metric === null || a.flipped === null || b.flipped === null) return null;
  // Float's answers are the same for both: what one has lost or gained and the other has not is where they differ.
  const only_a =
    countMissing(b.flipped.lost, a.flipped.lost) + countMissing(a.flipped.gained, b.flipped.gained);
  const only_b =
    countMissing(a.flipped.lost, b.flipped.lost) + countMissing(b.flipped.gained, a.flipped.gained);

  return { samples: a.metric.samples, only_a, only_b, p_value: mcnemar(only_a, only_b) };
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
