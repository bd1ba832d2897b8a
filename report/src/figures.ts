import { drop, dropValue, type QuantizationReport } from '@quantsmith/schemas';
import type { Span, Text } from './document.js';

export { allowanceText, changeText, distrustOf, dropValue, metricValue } from '@quantsmith/schemas';

type Metric = NonNullable<QuantizationReport['metric']>;

/** The drop of a value in the terms of a report's metric; null: undefined. */
export function dropOf(metric: Metric, value: number): number | null {
  const { baseline, higher_is_better: higherIsBetter, drop_type: dropType } = metric;
  return drop(value, { baseline, higherIsBetter, dropType });
}

/** Decimal units, as disk sizes are given: bytes up to gigabytes. */
export function bytes(count: number): string {
  const units = ['kB', 'MB', 'GB'];
  let value = count / 1000;
  let unit = 0;
  while (Math.abs(value) >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }

  return `${value.toFixed(value < 10 ? 2 : 1)} ${units[unit]!}`;
}

/** Milliseconds with three digits that matter, as seconds from one second on. */
export function duration(milliseconds: number): string {
  if (milliseconds >= 1000) return `${(milliseconds / 1000).toFixed(1)} s`;
  return `${milliseconds.toPrecision(3)} ms`;
}

/** A ratio of two sizes in words: what is smaller than before, and what is larger. */
export function sizeChange(ratio: number): string {
  return ratio >= 1 ? `${ratio.toFixed(2)} times smaller` : `${(1 / ratio).toFixed(2)} times larger`;
}

/** A speed-up in words: what is faster than before, and what is slower. */
export function speedChange(speedup: number): string {
  return speedup >= 1 ? `${speedup.toFixed(2)} times as fast` : `${(1 / speedup).toFixed(2)} times slower`;
}

/** `1 operator`, `2 operators`. */
export function counted(count: number, noun: string): string {
  return `${count.toLocaleString('en')} ${noun}${count === 1 ? '' : 's'}`;
}

/** Minutes are enough, and the zone is always said. */
export function moment(iso: string): string {
  return `${iso.slice(0, 16).replace('T', ' ')} UTC`;
}

/** The last part of a path of any system. */
export function baseName(path: string): string {
  return path.split(/[\\/]/).at(-1) ?? path;
}

/** A drop with its 95 % interval. */
export function dropText(
  metric: Pick<Metric, 'name' | 'drop' | 'drop_type'> & { readonly ci95: readonly number[] | null },
): Text {
  const [low, high] = metric.ci95 ?? [];
  const drop = dropValue(metric, metric.drop);
  if (low === undefined || high === undefined) return drop;

  return [drop, bounds(dropValue(metric, low), dropValue(metric, high))];
}

/** The median of a latency with its 10th and 90th percentile. */
export function latencyText(median: number, spread: readonly [number, number] | null): Text {
  if (spread === null) return duration(median);
  const [low, high] = spread;

  return [duration(median), bounds(duration(low), duration(high))];
}

/** From one figure to another, for behind a figure; a unit that both have is named once. */
function bounds(low: string, high: string): Span {
  const unit = / \S+$/.exec(high)?.[0] ?? '';
  const from = unit !== '' && low.endsWith(unit) ? low.slice(0, -unit.length) : low;
  return { text: ` (${from} to ${high})`, tone: 'quiet' };
}
