import type { QuantizationReport } from './generated/report.js';
import { largest, smallest } from './large.js';

/** What a run is judged by, each the better the larger; null: unknown. */
type Figures = readonly (number | null)[];

/**
 * Which runs are on the Pareto front of accuracy, latency and size: no other is at least as good in all and better in one.
 * Accuracy is the metric that most of them have, or where none has one, the worst output's SQNR; runs without it, and null
 * (failed), are not on it. Where one of two latencies is unknown, they count as equal.
 */
export function sweepFront(reports: readonly (QuantizationReport | null)[]): boolean[] {
  const name = commonMetric(reports.flatMap((report) => (report === null ? [] : [report])));
  const figures = reports.map((report) => (report === null ? null : figuresOf(report, name)));

  return figures.map(
    (run) => run !== null && !figures.some((other) => other !== null && dominates(other, run)),
  );
}

/** The metric that most runs have; null: none has one. */
export function commonMetric(reports: readonly QuantizationReport[]): string | null {
  const counts = new Map<string, number>();
  for (const { metric } of reports)
    if (metric !== null) counts.set(metric.name, (counts.get(metric.name) ?? 0) + 1);
  const [first] = [...counts].sort(([, a], [, b]) => b - a);
  return first?.[0] ?? null;
}

function figuresOf(report: QuantizationReport, name: string | null): Figures | null {
  const { metric, latency_ms: latency, size } = report;
  const accuracy = name === null ? worstOutputDb(report) : metric?.name === name ? goodness(metric) : null;
  if (accuracy === null) return null;
  return [accuracy, latency === null ? null : -latency.quantized_median, -size.quantized_bytes];
}

/** The value of a metric, turned so that larger is better. */
export const goodness = ({
  quantized,
  higher_is_better: isHigherBetter,
}: NonNullable<QuantizationReport['metric']>): number => (isHigherBetter ? quantized : -quantized);

/**
 * The 95 % interval of a metric's value, from that of its drop: how sure it is beside the float model's value, which was measured on
 * the same samples. null: not known.
 */
export function boundsOf(metric: NonNullable<QuantizationReport['metric']>): [number, number] | null {
  const { baseline, ci95, drop_type: type, higher_is_better: isHigherBetter } = metric;
  const [low, high] = ci95 ?? [];
  if (low === undefined || high === undefined) return null;
  const valueAt = (drop: number) => {
    const change = type === 'relative' ? drop * Math.abs(baseline) : drop;
    return isHigherBetter ? baseline - change : baseline + change;
  };

  const ends = [valueAt(low), valueAt(high)];

  return [smallest(ends), largest(ends)];
}

/** dB of the output that lost most; an output without noise counts as 200. */
export function worstOutputDb({ outputs }: QuantizationReport): number | null {
  const levels = (outputs ?? []).map(({ sqnr_db: level }) => level ?? 200);
  return levels.length === 0 ? null : smallest(levels);
}

/** Whether the first is at least as good in all figures and better in one; what one of the two lacks counts as equal. */
export function dominates(first: Figures, second: Figures): boolean {
  const pairs = first.flatMap((figure, index) => {
    const other = second[index] ?? null;
    return figure === null || other === null ? [] : [[figure, other] as const];
  });

  return pairs.every(([x, y]) => x >= y) && pairs.some(([x, y]) => x > y);
}
