import type { Graph } from '@quantsmith/model/graph';
import { isNeverNegative, traitOf } from '@quantsmith/model/operators';
import type { ActivationQuantizer } from '../placement/types.js';
import { clipOf } from '../weights/quantize.js';
import {
  effectiveStatistic,
  type AggregatorType,
  type RangeEstimator,
  type StatisticsType,
} from '../ranges/estimator.js';

/** What is collected for one side of one quantizer's range. */
export interface SidePlan {
  readonly statistic: StatisticsType;
  readonly aggregator: AggregatorType;
  /** The quantile's position for quantile statistics. */
  readonly probability: number;
  /** The outlier share for no_outliers aggregators. */
  readonly outlierProbability: number;
  readonly clip: { readonly low: number; readonly high: number };
}

export interface TensorPlan {
  readonly quantizer: string;
  readonly tensor: string;
  /** The channels' axis, −1 for the last; null: one range for the whole tensor. */
  readonly axis: number | null;
  readonly symmetric: boolean;
  /** null: the values are known not to be negative, so that the lower border is zero whatever the samples are. */
  readonly min: SidePlan | null;
  readonly max: SidePlan;
}

/**
 * What to collect for the activation quantizers. Each tensor is looked at once; the output of a Concat whose inputs
 * share a range needs nothing of its own.
 */
export function planStatistics(
  graph: Graph,
  dir: string,
  quantizers: readonly ActivationQuantizer[],
  estimatorOf: (quantizer: ActivationQuantizer) => RangeEstimator,
): TensorPlan[] {
  const unified = new Map<string, Set<string>>();
  for (const { unified: key, tensor } of quantizers) {
    if (key !== null) unified.set(key, (unified.get(key) ?? new Set()).add(tensor));
  }

  return quantizers.flatMap((quantizer) => {
    const producer = graph.producer(quantizer.tensor);
    const group = quantizer.unified === null ? undefined : unified.get(quantizer.unified);
    if (
      producer !== undefined &&
      traitOf(producer, graph) === 'concat' &&
      group !== undefined &&
      producer.input.every((tensor) => group.has(tensor))
    ) {
      return [];
    }

    return [planTensor(graph, dir, quantizer, estimatorOf(quantizer))];
  });
}

function planTensor(
  graph: Graph,
  dir: string,
  quantizer: ActivationQuantizer,
  estimator: RangeEstimator,
): TensorPlan {
  const symmetric = quantizer.config.mode === 'symmetric';
  const side = (which: 'min' | 'max'): SidePlan => ({
    statistic: effectiveStatistic(which, estimator[which], symmetric),
    aggregator: estimator[which].aggregator_type,
    probability:
      which === 'min' ? estimator.min.quantile_outlier_prob : 1 - estimator.max.quantile_outlier_prob,
    outlierProbability: estimator[which].quantile_outlier_prob,
    clip: clipOf(which, estimator[which], symmetric),
  });

  return {
    quantizer: quantizer.id,
    tensor: quantizer.tensor,
    axis: quantizer.axis,
    symmetric,
    min: isNeverNegative(graph, dir, quantizer.tensor) ? null : side('min'),
    max: side('max'),
  };
}
