import type { Graph } from '@quantsmith/model/graph';
import { ElementType, floatAttribute, readFloats } from '@quantsmith/model/onnx';
import { has, traitOf } from '@quantsmith/model/operators';
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

/** Whether the values of a tensor can be told to be ≥ 0 from the graph alone. */
function isNeverNegative(graph: Graph, dir: string, tensor: string, depth = 0): boolean {
  const node = graph.producer(tensor);
  if (node === undefined || depth > 16) return false;
  if (has(node, 'never-negative')) return true;
  if (node.opType === 'Clip') {
    const lower = graph.initializer(node.input[1] ?? '');
    return lower === undefined
      ? floatAttribute(node, 'min', -1) >= 0
      : lower.dataType === ElementType.FLOAT && readFloats(lower, dir)[0]! >= 0;
  }

  if (has(node, 'keeps-sign')) return isNeverNegative(graph, dir, node.input[0] ?? '', depth + 1);
  if (has(node, 'keeps-all-signs')) {
    return node.input.every((input) => isNeverNegative(graph, dir, input, depth + 1));
  }

  return false;
}
