import { type ModelNode, tableOf } from '@quantsmith/schemas';
import { OPERATORS, type Property } from './table.js';

/** What the table says of nodes by a model's structure alone, without its tensors. */
type Described = Pick<ModelNode, 'op' | 'domain'>;

/** Whether something is true of a node's operator; nothing is of operators that are not in the table. */
export function isKnownTo(property: Property): (node: Described) => boolean {
  return ({ op, domain }) =>
    (domain === '' || domain === 'ai.onnx') && OPERATORS[op]?.is.includes(property) === true;
}

/** Products that ONNX Runtime writes into a model that it has optimized, and the plain operators that they begin with. */
const FUSED: Readonly<Record<string, string>> = tableOf({
  FusedConv: 'Conv',
  FusedGemm: 'Gemm',
  FusedMatMul: 'MatMul',
  TransposeMatMul: 'MatMul',
});

/** The plain operator that a fused product of the runtime begins with; undefined: it is none. */
export function plainProduct({ op, domain }: Described): string | undefined {
  return domain === 'com.microsoft' ? FUSED[op] : undefined;
}

const isLinear = isKnownTo('linear');

/** A linear operator whose weight is a constant. */
export function hasConstantWeight(node: Described & Pick<ModelNode, 'constants'>): boolean {
  return isLinear(node) && node.constants[1] !== undefined;
}

/** A convolution whose outputs read a part of the input channels each. */
export function isGroupedConvolution({ op, attributes }: Pick<ModelNode, 'op' | 'attributes'>): boolean {
  return op === 'Conv' && (attributes['group'] ?? 1) !== 1;
}

/** A convolution without groups and with a constant weight: a path's first one is its first layer. */
export function isFirstLayer(node: ModelNode): boolean {
  return node.op === 'Conv' && hasConstantWeight(node) && !isGroupedConvolution(node);
}
