import type { Graph } from '@quantsmith/model/graph';
import { ElementType, type NodeProto, readFloats } from '@quantsmith/model/onnx';
import { has } from '@quantsmith/model/operators';
import { fail } from '@quantsmith/schemas';
import { allFinite } from '@quantsmith/model/arrays';

import type { Reduction } from './augment.js';

/**
 * Reductions that become NaN when one of the tensors holds a NaN. The runtime's minima and maxima pass over NaN, so it
 * has to be looked for behind the operators in which it can arise (infinities do show in them); a mean keeps it. Only
 * the first of the tensors behind such an operator are looked at: what is masked out before does no harm.
 */
export function nanSentinels(graph: Graph, dir: string, tensors: ReadonlySet<string>): Reduction[] {
  const behind = new Set<string>();
  const queue = graph.nodes.flatMap((node) =>
    has(node, 'can-make-nan') && !isSafe(graph, dir, node) ? node.output : [],
  );

  const visited = new Set(queue);
  for (let tensor = queue.pop(); tensor !== undefined; tensor = queue.pop()) {
    if (tensors.has(tensor)) {
      behind.add(tensor);
      continue;
    }

    for (const next of graph.consumers(tensor).flatMap(({ node }) => node.output)) {
      if (visited.has(next)) continue;
      visited.add(next);
      queue.push(next);
    }
  }

  return [...tensors]
    .filter((tensor) => behind.has(tensor))
    .map((tensor) => ({ tensor, kind: 'mean', axis: null }));
}

/** Division by constants that are not zero, and powers with a positive integer as exponent. */
function isSafe(graph: Graph, dir: string, node: NodeProto): boolean {
  const operand = graph.initializer(node.input[1] ?? '');
  if (operand?.dataType !== ElementType.FLOAT) return false;
  const values = readFloats(operand, dir);
  if (node.opType === 'Div') return values.every((value) => value !== 0);
  return node.opType === 'Pow' && values.every((value) => value > 0 && Number.isInteger(value));
}

/** Throws `calibration-not-finite` naming tensor and sample when a value is NaN or infinite. */
export function checkValues(values: Float32Array | Float64Array, tensor: string, sample: string): void {
  if (allFinite(values)) return;
  const culprit = values.find((value) => !Number.isFinite(value));
  fail('calibration-not-finite', `Tensor "${tensor}" becomes ${culprit} on calibration sample "${sample}".`, {
    configPath: ['data', 'calibration'],
    data: { tensor, sample },
  });
}
