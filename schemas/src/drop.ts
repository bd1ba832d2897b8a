export type DropType = 'absolute' | 'relative';

/** What values of a metric are compared with, and how. */
export interface DropTerms {
  /** The float model's value. */
  readonly baseline: number;
  readonly higherIsBetter: boolean;
  readonly dropType: DropType;
}

/**
 * How much worse a value is than the float model's; negative: better. absolute: the difference in the metric's direction;
 * relative: |1 − value/baseline|, with the sign of the absolute drop.
 *
 * @returns null where there is no such number: relative to a baseline of 0, or from a value that is not finite. An undefined
 *   drop meets no target.
 */
export function drop(value: number, { baseline, higherIsBetter, dropType }: DropTerms): number | null {
  const absolute = higherIsBetter ? baseline - value : value - baseline;
  if (!Number.isFinite(absolute)) return null;
  if (dropType === 'absolute') return absolute;
  if (baseline === 0) return null;
  const relative = Math.sign(absolute) * Math.abs(1 - value / baseline);
  return Number.isFinite(relative) ? relative : null;
}

/** Whether a drop is within the target; differences of shares such as 0.7545 − 0.7525 are not exact. */
export function meetsTarget(measured: number | null, maxDrop: number): boolean {
  return measured !== null && measured - maxDrop <= 1e-12;
}
