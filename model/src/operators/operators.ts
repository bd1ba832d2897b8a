import { intAttribute, isOnnxDomain } from '../onnx/node.js';
import type { NodeProto } from '../onnx/onnx_pb.js';
import type { Graph } from '../graph/graph.js';

/**
 * What an operator means to placement. Source: the operator traits of NNCF's ONNX backend (reference facts).
 * - `quantizable`: computes on quantized inputs.
 * - `agnostic`: moves values without changing them, so that a quantizer passes through it upwards.
 * - `concat`: like agnostic, but every input takes a quantizer.
 * - `float`: its inputs stay float.
 */
export type Trait = 'quantizable' | 'agnostic' | 'concat' | 'float';

const LINEAR = new Set(['Conv', 'ConvTranspose', 'Gemm', 'MatMul']);

const ELEMENTWISE = new Set([
  'Add',
  'Sum',
  'Sub',
  'Mul',
  'Div',
  'Max',
  'Min',
  'Mod',
  'Equal',
  'Greater',
  'GreaterOrEqual',
  'Less',
  'LessOrEqual',
  'Pow',
  'Sqrt',
  'Reciprocal',
]);

const QUANTIZABLE = new Set([
  ...LINEAR,
  ...ELEMENTWISE,
  'DeformConv',
  'Attention',
  'AveragePool',
  'GlobalAveragePool',
  'ReduceMean',
  'ReduceSum',
  'ReduceL2',
  'Resize',
  'BatchNormalization',
  'HardSigmoid',
]);

const AGNOSTIC = new Set([
  'MaxPool',
  'GlobalMaxPool',
  'ReduceMax',
  'Reshape',
  'Flatten',
  'Transpose',
  'Squeeze',
  'Unsqueeze',
  'Split',
  'Tile',
  'Slice',
  'Pad',
  'Expand',
  'CenterCropPad',
  'Gather',
  'GatherND',
  'GatherElements',
  'DepthToSpace',
  'SpaceToDepth',
  'Scatter',
  'ScatterElements',
  'ScatterND',
  'CastLike',
  'Dropout',
  'Identity',
]);

/** Activations that fuse with the operator before them. */
export const ACTIVATIONS: ReadonlySet<string> = new Set([
  'Relu',
  'LeakyRelu',
  'ThresholdedRelu',
  'Elu',
  'PRelu',
  'Sigmoid',
  'HardSigmoid',
  'HardSwish',
  'Selu',
  'Clip',
]);

/** Conv, ConvTranspose, Gemm or MatMul: the operators that take a quantized weight. */
export function isLinear(node: NodeProto): boolean {
  return isOnnxDomain(node) && LINEAR.has(node.opType);
}

export function isElementwise(node: NodeProto): boolean {
  return isOnnxDomain(node) && ELEMENTWISE.has(node.opType);
}

/** A Gather on a constant float table: an embedding lookup, whose table is quantized like a weight. */
export function isEmbedding(node: NodeProto, graph: Graph): boolean {
  if (!isOnnxDomain(node) || node.opType !== 'Gather') return false;
  const table = graph.initializer(node.input[0] ?? '');
  return table !== undefined && table.dataType === 1 && table.dims.length === 2;
}

/** The trait of a node in its graph; subgraph owners (If, Loop, Scan) and unknown domains are float. */
export function traitOf(node: NodeProto, graph: Graph): Trait {
  if (!isOnnxDomain(node)) return 'float';
  if (node.opType === 'Concat') return 'concat';
  if (QUANTIZABLE.has(node.opType)) return 'quantizable';
  if (!AGNOSTIC.has(node.opType)) return 'float';
  if (isEmbedding(node, graph)) return 'float';
  return 'agnostic';
}

/** The inputs of an agnostic operator that carry the values it moves (the rest are shapes, indices, pads …). */
export function dataInputs(node: NodeProto): number[] {
  if (node.opType === 'Concat') return node.input.map((_, index) => index);
  if (node.opType === 'ScatterND' || node.opType === 'ScatterElements' || node.opType === 'Scatter')
    return [0, 2];
  return [0];
}

/** A convolution with one filter per input channel. */
export function isDepthwise(node: NodeProto, graph: Graph): boolean {
  if (node.opType !== 'Conv') return false;
  const group = intAttribute(node, 'group', 1);
  const weight = graph.initializer(node.input[1] ?? '');
  return group > 1 && weight !== undefined && Number(weight.dims[1]) === 1;
}

/**
 * Axis of the output channels in a constant operand, or null when the operand is not a weight.
 * `rank` is the constant's rank. A constant on the left of a MatMul takes its row axis, not the reduction axis.
 */
export function weightAxis(node: NodeProto, input: number, rank: number): number | null {
  switch (node.opType) {
    case 'Conv':
      return input === 1 ? 0 : null;
    case 'ConvTranspose':
      return input === 1 ? 1 : null;
    case 'Gemm':
      if (input === 1) return intAttribute(node, 'transB', 0) === 1 ? 0 : 1;
      if (input === 0) return intAttribute(node, 'transA', 0) === 1 ? 1 : 0;
      return null;
    case 'MatMul':
      if (rank === 1) return null;
      return input === 1 ? rank - 1 : rank - 2;
    case 'Gather':
      return input === 0 ? 0 : null;
    default:
      return null;
  }
}
