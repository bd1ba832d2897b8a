import { type ModelNode, tableOf } from '@quantsmith/schemas';
import { isOnnxDomain } from '../onnx/node.js';
import { OPERATORS, type Property } from './table.js';

/** What the table says of nodes by a model's structure alone, without its tensors. */
type Described = Pick<ModelNode, 'op' | 'domain'>;

/** Whether something is true of a node's operator; nothing is of operators that are not in the table. */
export function isKnownTo(property: Property): (node: Described) => boolean {
  return (node) => isOnnxDomain(node) && OPERATORS[node.op]?.is.includes(property) === true;
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

/**
 * Whether nothing of an operator is ever rounded: it is in the table, takes no quantizer of its own, has no integer kernel and
 * no constant that is large enough for codes. Of others, which passes may turn into another operator, nothing is known.
 */
export function staysFloat(node: Described & Pick<ModelNode, 'constants' | 'floatConstants'>): boolean {
  const { op, constants, floatConstants } = node;
  const known = isOnnxDomain(node) ? OPERATORS[op] : undefined;
  if (known === undefined || known.trait === 'quantizable' || op === 'Einsum') return false;
  if (known.is.includes('integer-output') || known.is.includes('embeds')) return false;
  return floatConstants.every((input) => (constants[input]?.length ?? 0) < 2);
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
