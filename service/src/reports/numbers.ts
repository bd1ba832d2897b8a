import { drop, dropValue, type QuantizationReport } from '@quantsmith/schemas';

type Metric = NonNullable<QuantizationReport['metric']>;

/** A drop of a metric as a person reads it. */
export const points = dropValue;

/** The drop before anything was restored, of the kind that the report has; null: undefined. */
export function initialDrop(metric: Metric): number | null {
  const { baseline, quantized_initial: initial, higher_is_better: higherIsBetter } = metric;
  return drop(initial, { baseline, higherIsBetter, dropType: metric.drop_type });
}
