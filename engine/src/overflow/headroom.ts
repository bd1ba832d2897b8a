import { ElementType, type ModelProto } from '@quantsmith/model/onnx';
import type { IntegerLayer } from './layers.js';
import { type GraphBuilder, withBuilt } from '@quantsmith/model/graph';
import { buildLayers } from './models.js';
import { largestPairs } from './pairs.js';
import { kernelColumns } from './saturate.js';

/** What to read of one layer: the name of a scalar output, the largest sum of two products of a sample. */
export interface Reached {
  readonly layer: IntegerLayer;
  readonly largest: string;
}

/**
 * The model with the largest sum of two products of each layer at risk as an output, signs dropped. Many times cheaper
 * than counting the sums that saturate: of all weights that meet the same two activations few can give the largest.
 */
export function reachedModel(optimized: ModelProto): { model: ModelProto; layers: Reached[] } {
  const { built, layers } = buildLayers(optimized, (part, layer) => ({
    layer,
    largest: addLargestSum(part, layer),
  }));

  const outputs = layers.map(({ largest }) => largest);
  return { model: withBuilt(optimized, built, outputs), layers };
}

function addLargestSum(built: GraphBuilder, layer: IntegerLayer): string {
  const { columns, places, place } = kernelColumns(built, layer);
  const pairs = largestPairs(layer.rows, places, place);
  const product = (side: 0 | 1) => {
    const values = built.add('Gather', [columns, built.ints(pairs.at[side])], { axis: 0 });
    const factors = Float32Array.from(pairs.weights[side]);
    const factor = built.constant([factors.length, 1], ElementType.FLOAT, factors);
    return built.add('Mul', [built.add('Cast', [values], { to: ElementType.FLOAT }), factor]);
  };

  return built.add('ReduceMax', [built.add('Add', [product(0), product(1)])], { keepdims: 0 });
}
