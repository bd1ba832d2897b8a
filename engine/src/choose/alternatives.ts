import type { Graph } from '@quantsmith/model/graph';
import { intAttribute } from '@quantsmith/model/onnx';
import { has, isLinear } from '@quantsmith/model/operators';
import { combineChanges, type MeasuredSetting, type QuantizationChange } from '@quantsmith/schemas';
import { squeezeExcitationIgnored } from '../placement/ignored.js';
import { selfGatedAt } from '../placement/selfGated.js';

/** One value of a setting that the config leaves open. */
export interface Alternative {
  /** As reports show it. */
  readonly value: string;
  readonly change: QuantizationChange;
}

/**
 * What is worth a measurement for a setting, only what has an effect on the model. First comes what is taken unless another value
 * is better: the documented default; of range estimators the whole range; of strengths none, which saves a pass over the samples; of
 * tails what is finer where values are told apart. `bodies`: graphs of bodies of If, Loop and Scan that are quantized, too.
 */
export function alternativesOf(
  setting: MeasuredSetting,
  graph: Graph,
  bodies: readonly Graph[] = [],
): readonly Alternative[] {
  switch (setting) {
    case 'preset':
      return (['performance', 'mixed'] as const).map((preset) => ({ value: preset, change: { preset } }));
    case 'advanced_parameters.activations_range_estimator_params':
      return (['minmax', 'mean_minmax', 'median_minmax'] as const).map((name) => ({
        value: name,
        // The documented default is more than its name: the tail of the model keeps its whole range.
        change: {
          advanced_parameters: { activations_range_estimator_params: name === 'mean_minmax' ? {} : name },
        },
      }));
    case 'model_type':
      return hasAttention(graph) || hasNormalizedProducts(graph)
        ? [
            { value: 'null', change: { model_type: null } },
            { value: 'transformer', change: { model_type: 'transformer' } },
          ]
        : [];
    case 'advanced_parameters.smooth_quant_alphas':
      return [-1, 0.95, 0.5].map((matmul) => ({
        value: `matmul ${matmul}`,
        change: { advanced_parameters: { smooth_quant_alphas: { matmul } } },
      }));
    case 'advanced_parameters.squeeze_excitation':
      return squeezeExcitationIgnored(graph).size > 0
        ? (['float', 'integer'] as const).map((kind) => ({
            value: kind,
            change: { advanced_parameters: { squeeze_excitation: kind } },
          }))
        : [];
    case 'advanced_parameters.activation_tails':
      return [graph, ...bodies].some(hasSelfGated)
        ? (['cut', 'whole'] as const).map((tails) => ({
            value: tails,
            change: { advanced_parameters: { activation_tails: tails } },
          }))
        : [];
    case 'overrides':
      return [];
  }
}

/** An activation of which no other operator reads what it is given. */
const hasSelfGated = (graph: Graph): boolean =>
  [...graph.inputs, ...graph.nodes.flatMap(({ output }) => output)].some(
    (tensor) => tensor !== '' && selfGatedAt(graph, tensor) !== null,
  );

/** A product of two activations behind a Softmax: what `model_type: transformer` is about. */
export function hasAttention(graph: Graph): boolean {
  const products = graph.nodes.some(
    (node) =>
      isLinear(node) &&
      has(node, 'attention-product') &&
      node.input.every((tensor) => !graph.isConstant(tensor)),
  );

  return products && graph.nodes.some((node) => has(node, 'probabilities'));
}

/** Normalized features, and products of them, as sequences or maps, with weights: what SmoothQuant is about. */
const hasNormalizedProducts = (graph: Graph): boolean =>
  graph.nodes.some((node) => has(node, 'normalizes') && intAttribute(node, 'keepdims', 1) === 1) &&
  graph.nodes.some((node) => {
    const [features = '', weights = ''] = node.input;
    return (
      has(node, 'product') &&
      graph.isConstant(weights) &&
      !graph.isConstant(features) &&
      (graph.rank(features) ?? 0) > 2
    );
  });

/** Every combination of one alternative of each group. */
export function combinations(groups: readonly (readonly Alternative[])[]): QuantizationChange[] {
  return groups
    .filter((group) => group.length > 0)
    .reduce<QuantizationChange[]>(
      (changes, group) =>
        changes.flatMap((change) => group.map((next) => combineChanges(change, next.change))),
      [{}],
    );
}
