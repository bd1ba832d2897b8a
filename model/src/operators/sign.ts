import { ElementType } from '../onnx/elementTypes.js';
import { floatAttribute } from '../onnx/node.js';
import { readFloats } from '../onnx/tensor.js';
import type { Graph } from '../graph/graph.js';
import { has } from './operators.js';

/** Operators above a tensor that are asked about its sign. */
const MAX_DEPTH = 16;

/** Whether the values of a tensor can be told to be ≥ 0 from the graph alone. `dir`: the folder of the external data. */
export function isNeverNegative(graph: Graph, dir: string, tensor: string, depth = 0): boolean {
  const node = graph.producer(tensor);
  if (node === undefined || depth > MAX_DEPTH) return false;
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
