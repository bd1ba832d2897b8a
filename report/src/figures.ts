import type { QuantizationReport } from '@quantsmith/schemas';

type Metric = NonNullable<QuantizationReport['metric']>;

const isShare = (metric: string) => /^(top1|top5|f1)$/.test(metric);

/** A metric's value: shares (top1, top5, f1) in percent, others with five digits. */
export function metricValue(name: string, value: number): string {
  return isShare(name) ? `${(100 * value).toFixed(2)} %` : value.toPrecision(5);
}

/** A drop in its own terms: percent of the baseline when relative, points for shares, the metric's unit otherwise. */
export function dropValue(
  { name, drop_type: type }: Pick<Metric, 'name' | 'drop_type'>,
  drop: number,
): string {
  if (type === 'relative') return `${(100 * drop).toFixed(2)} %`;
  return isShare(name) ? `${(100 * drop).toFixed(2)} points` : drop.toPrecision(4);
}

/** The drop of a value below (or, where lower is better, above) the baseline, as the engine defines it. */
export function dropOf(
  { baseline, higher_is_better: higher, drop_type: type }: Metric,
  value: number,
): number {
  const lost = higher ? baseline - value : value - baseline;
  return type === 'absolute' || lost === 0 ? lost : lost / Math.abs(baseline);
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

export function decibels(value: number): string {
  return `${value.toFixed(1)} dB`;
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
