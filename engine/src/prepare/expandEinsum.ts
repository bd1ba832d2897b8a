import { freshNames } from '@quantsmith/model/graph';
import {
  type ModelProto,
  type NodeProto,
  isOnnxDomain,
  makeNode,
  stringAttribute,
} from '@quantsmith/model/onnx';

/** Matrix products that are written as Einsum become MatMul, with a Transpose in front of a turned right operand. */
export function expandEinsum(model: ModelProto): ModelProto {
  const graph = model.graph;
  const fresh = freshNames(model);
  let changed = false as boolean;
  const node = graph.node.flatMap((einsum): NodeProto[] => {
    const product =
      einsum.opType === 'Einsum' && isOnnxDomain(einsum) && einsum.input.length === 2
        ? productOf(stringAttribute(einsum, 'equation', ''))
        : undefined;

    if (product === undefined) return [einsum];
    changed = true;
    const [left = '', right = ''] = einsum.input;
    const matMul = (other: string) =>
      makeNode('MatMul', [left, other], einsum.output, {}, { name: einsum.name });
    if (product.perm === null) return [matMul(right)];
    const turned = fresh(`${right}_turned`);

    return [
      makeNode(
        'Transpose',
        [right],
        [turned],
        { perm: product.perm },
        { name: fresh(`${einsum.name}_Transpose`) },
      ),
      matMul(turned),
    ];
  });

  return changed ? { ...model, graph: { ...graph, node } } : model;
}

/**
 * How the right operand is turned for a MatMul to compute the equation (null: not at all). undefined: it is no product of
 * (stacks of) matrices `…ik,kj->…ij` or `…ik,…kj->…ij`, the right operand turned or not.
 */
function productOf(equation: string): { readonly perm: readonly number[] | null } | undefined {
  const parts = /^([a-zA-Z]+),([a-zA-Z]+)->([a-zA-Z]+)$/.exec(equation.replaceAll(/\s/g, ''));
  if (parts === null) return undefined;
  const [left, right, result] = parts.slice(1) as [string, string, string];
  if ([left, right, result].some((letters) => new Set(letters).size < letters.length)) return undefined;
  const [rows, summed, columns] = [left.slice(0, -1), left.slice(-1), result.slice(-1)];
  const stack = right.slice(0, -2);
  const isStack = stack === '' || stack === rows.slice(0, -1);
  if (rows === '' || left.includes(columns) || result !== rows + columns || !isStack) return undefined;
  if (right === stack + summed + columns) return { perm: null };
  if (right !== stack + columns + summed) return undefined;
  const rank = right.length;

  return { perm: [...Array.from(stack, (_, axis) => axis), rank - 1, rank - 2] };
}
