import { ElementType } from '../onnx/elementTypes.js';
import { intAttribute, isOnnxDomain } from '../onnx/node.js';
import type { NodeProto } from '../onnx/onnx_pb.js';
import type { Graph } from '../graph/graph.js';
import { OPERATORS, type Operator, type Property, type Trait, type WeightPorts } from './table.js';

const UNKNOWN: Operator = { trait: 'float', is: [] };

function operatorOf(node: NodeProto): Operator {
  return (isOnnxDomain(node) ? OPERATORS[node.opType] : undefined) ?? UNKNOWN;
}

/** Whether something is true of a node's operator; nothing is of operators that are not in the table. */
export function has(node: NodeProto, property: Property): boolean {
  return operatorOf(node).is.includes(property);
}

/** Conv, ConvTranspose, Gemm or MatMul: the operators that take a quantized weight. */
export const isLinear = (node: NodeProto) => has(node, 'linear');

/** A Gather on a constant float table: an embedding lookup, whose table is quantized like a weight. */
export function isEmbedding(node: NodeProto, graph: Graph): boolean {
  if (!has(node, 'embeds')) return false;
  const table = graph.initializer(node.input[0] ?? '');
  return table !== undefined && table.dataType === ElementType.FLOAT && table.dims.length === 2;
}

/** Whether a node only moves the values of one tensor. */
export const isMover = (node: NodeProto, graph: Graph): boolean =>
  traitOf(node, graph) === 'agnostic' && dataInputs(node).length === 1;

/** The trait of a node in its graph; subgraph owners (If, Loop, Scan) and unknown domains are float. */
export function traitOf(node: NodeProto, graph: Graph): Trait {
  return isEmbedding(node, graph) ? 'float' : operatorOf(node).trait;
}

/** Whether an input is computed with and takes a quantizer: not a Conv's bias, a Pow's exponent, a Resize's sizes. */
export function isOperand(node: NodeProto, input: number): boolean {
  return operatorOf(node).operands?.includes(input) ?? true;
}

/** The inputs of an agnostic operator that carry the values it moves (the rest are shapes, indices, pads …). */
export function dataInputs(node: NodeProto): readonly number[] {
  const { moved = [0] } = operatorOf(node);
  return moved === 'all' ? node.input.map((_, index) => index) : moved;
}

/** A convolution with one filter per input channel. */
export function isDepthwise(node: NodeProto, graph: Graph): boolean {
  if (node.opType !== 'Conv') return false;
  const weight = graph.initializer(node.input[1] ?? '');
  return isGrouped(node) && weight !== undefined && Number(weight.dims[1]) === 1;
}

/** A convolution whose outputs read a part of the input channels each. */
export function isGrouped(node: NodeProto): boolean {
  return node.opType === 'Conv' && intAttribute(node, 'group', 1) > 1;
}

/** A convolution without groups: a path's first one with a quantized weight is its first layer. */
export function mayBeFirstLayer(node: NodeProto): boolean {
  return node.opType === 'Conv' && !isGrouped(node);
}

/** Where a linear operator or an embedding has weight, channels and bias. */
export function weightPorts(node: NodeProto): WeightPorts | undefined {
  return operatorOf(node).weight;
}

/**
 * Axis of the output channels in a constant operand, or null when the operand is not a weight.
 * `rank` is the constant's rank. A constant on the left of a MatMul takes its row axis, not the reduction axis.
 */
export function weightAxis(node: NodeProto, input: number, rank: number): number | null {
  return weightPorts(node)?.axis(node, input, rank) ?? null;
}
