import type { QuantizationReport } from '@quantsmith/schemas';

type Metric = NonNullable<QuantizationReport['metric']>;

/** Metrics that are shares. */
const SHARES = /^(top1|top5|f1)$/;

/** A drop of a metric as a person reads it. */
export const points = ({ name, drop_type: kind }: { name: string; drop_type: string }, value: number) =>
  kind === 'relative'
    ? `${(100 * value).toFixed(2)} %`
    : SHARES.test(name)
      ? `${(100 * value).toFixed(2)} points`
      : value.toPrecision(4);

/** The drop before anything was restored, of the kind that the report has. */
export function initialDrop({
  baseline,
  quantized_initial: initial,
  higher_is_better: higher,
  drop_type: kind,
}: Metric): number {
  const drop = higher ? baseline - initial : initial - baseline;
  return kind === 'relative' && baseline !== 0 ? drop / Math.abs(baseline) : drop;
}
