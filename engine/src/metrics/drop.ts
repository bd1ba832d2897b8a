import { drop, seededRandom, type DropType } from '@quantsmith/schemas';
import type { Metric, SampleState } from './metric.js';

const RESAMPLES = 1000;
const MIN_RESAMPLES = 100;
/** So many numbers are reduced at most, so that metrics with large states still end within seconds. */
const MAX_NUMBERS = 4e6;

function numbersIn(state: SampleState): number {
  if (typeof state !== 'object' || state === null) return 1;
  return Object.values(state).reduce<number>((sum, value) => sum + numbersIn(value), 0);
}

/**
 * 95 % confidence interval of the drop by paired bootstrap: samples are drawn with replacement, the same ones for both
 * models, and the 2.5 % and 97.5 % quantiles of the drops are taken. The generator has a fixed seed. Draws whose drop is
 * undefined are left out; null: all of them are.
 */
export function dropInterval(
  metric: Metric,
  initial: readonly SampleState[],
  quantized: readonly SampleState[],
  dropType: DropType,
): [number, number] | null {
  const count = initial.length;
  const random = seededRandom(0x9e3779b9);
  const drops: number[] = [];
  const numbers = initial.reduce<number>((sum, state) => sum + numbersIn(state), 0);
  const resamples = Math.max(
    MIN_RESAMPLES,
    Math.min(RESAMPLES, Math.floor(MAX_NUMBERS / Math.max(1, numbers))),
  );

  for (let i = 0; i < resamples; i++) {
    const drawn = Array.from({ length: count }, () => Math.floor(random() * count));
    const before = metric.result(drawn.map((index) => initial[index]!));
    const after = metric.result(drawn.map((index) => quantized[index]!));
    const raised = drop(after, { baseline: before, higherIsBetter: metric.higherIsBetter, dropType });
    if (raised !== null) drops.push(raised);
  }

  if (drops.length === 0) return null;
  drops.sort((a, b) => a - b);
  const quantile = (p: number) =>
    drops[Math.min(drops.length - 1, Math.max(0, Math.round(p * (drops.length - 1))))]!;

  return [quantile(0.025), quantile(0.975)];
}

/**
 * 95 % interval of the drop where all pairs differ alike, so that resampling sees no spread: of samples that were not drawn, at
 * most 1 − 0.025^(1/n) differ otherwise (Clopper and Pearson's exact interval for none of n), each by 1/`unit` at most.
 */
export function unseenInterval(drop: number, count: number, unit: number): [number, number] {
  const unseen = (1 - 0.025 ** (1 / count)) / unit;
  return [drop - unseen, drop + unseen];
}
