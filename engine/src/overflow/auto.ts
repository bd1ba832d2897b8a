import type { Graph } from '../graph/graph.js';
import type { Placement } from '../placement/types.js';
import type { QuantizedWeights } from '../weights/quantize.js';
import { pairRisk } from './pairs.js';

/**
 * `overflow_fix: auto`: half range for those weights that can saturate at full range, and no others. `weights` are the
 * codes at full range, by quantizer id.
 */
export function halveAtRisk(
  graph: Graph,
  placement: Placement,
  weights: ReadonlyMap<string, QuantizedWeights>,
): Placement {
  return {
    ...placement,
    weights: placement.weights.map((quantizer) => {
      const dims = graph.initializer(quantizer.tensor)?.dims.map(Number) ?? [];
      const codes = weights.get(quantizer.id)?.codes ?? [];
      const halfRange = quantizer.targets.some((port) => {
        const node = graph.node(port.node);
        return node !== undefined && (pairRisk(node, codes, dims)?.pairsAtRisk ?? 0) > 0;
      });
      return { ...quantizer, halfRange };
    }),
  };
}
