import type { Metric, SampleRecord } from './metric.js';

export type DropType = 'absolute' | 'relative';

/**
 * How much worse `quantized` is than `initial`; negative: better. absolute: the difference in the metric's direction;
 * relative: |1 − quantized/initial|, with the sign of the absolute drop. With an initial value of zero the relative drop
 * is as large as a number can be for any loss (there is nothing to relate it to, and JSON has no infinities).
 */
export function accuracyDrop(
  initial: number,
  quantized: number,
  type: DropType,
  higherIsBetter: boolean,
): number {
  const absolute = higherIsBetter ? initial - quantized : quantized - initial;
  if (type === 'absolute' || absolute === 0) return absolute;
  if (initial === 0) return absolute > 0 ? Number.MAX_VALUE : -Number.MAX_VALUE;
  return Math.sign(absolute) * Math.abs(1 - quantized / initial);
}

/** Whether a drop is within the target; differences of shares such as 0.7545 − 0.7525 are not exact. */
export function meetsTarget(drop: number, maxDrop: number): boolean {
  return drop - maxDrop <= 1e-12;
}

const RESAMPLES = 1000;

/**
 * 95 % confidence interval of the drop by paired bootstrap: samples are drawn with replacement, the same ones for both
 * models, and the 2.5 % and 97.5 % quantiles of the drops are taken. The generator has a fixed seed.
 */
export function dropInterval(
  metric: Metric,
  initial: readonly SampleRecord[],
  quantized: readonly SampleRecord[],
  type: DropType,
): [number, number] {
  const count = initial.length;
  const random = generator(0x9e3779b9);
  const drops: number[] = [];
  // Bounded work: metrics that aggregate over many numbers still end within about a second.
  const resamples = Math.max(100, Math.min(RESAMPLES, Math.floor(2e6 / Math.max(1, count))));
  for (let i = 0; i < resamples; i++) {
    const drawn = Array.from({ length: count }, () => Math.floor(random() * count));
    const before = metric.aggregate(drawn.map((index) => initial[index]!));
    const after = metric.aggregate(drawn.map((index) => quantized[index]!));
    drops.push(accuracyDrop(before, after, type, metric.higherIsBetter));
  }
  drops.sort((a, b) => a - b);
  const at = (p: number) =>
    drops[Math.min(drops.length - 1, Math.max(0, Math.round(p * (drops.length - 1))))]!;
  return [at(0.025), at(0.975)];
}

/** mulberry32: a small deterministic generator of numbers in [0, 1). */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}
