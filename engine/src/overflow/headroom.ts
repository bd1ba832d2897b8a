import { ElementType, type ModelProto } from '@quantsmith/model/onnx';
import type { IntegerLayer } from './layers.js';
import { draftLayers, withDrafts } from './models.js';
import { largestPairs } from './pairs.js';
import { kernelColumns, type Draft } from './saturate.js';

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
  const { drafts, drafted: layers } = draftLayers(optimized, (draft, layer) => ({
    layer,
    largest: addLargestSum(draft, layer),
  }));
  const outputs = layers.map(({ largest }) => largest);
  return { model: withDrafts(optimized, drafts, outputs), layers };
}

function addLargestSum(draft: Draft, layer: IntegerLayer): string {
  const { columns, places, place } = kernelColumns(draft, layer);
  const pairs = largestPairs(layer.rows, places, place);
  const product = (side: 0 | 1) => {
    const values = draft.add('Gather', [columns, draft.ints(pairs.at[side])], { axis: 0 });
    const factors = Float32Array.from(pairs.weights[side]);
    const factor = draft.constant([factors.length, 1], ElementType.FLOAT, factors);
    return draft.add('Mul', [draft.add('Cast', [values], { to: ElementType.FLOAT }), factor]);
  };
  return draft.add('ReduceMax', [draft.add('Add', [product(0), product(1)])], { keepdims: 0 });
}
