import { append } from '@quantsmith/schemas';
import {
  ElementType,
  type ModelProto,
  type NodeProto,
  type TensorProto,
  floatAttribute,
  intAttribute,
  isOnnxDomain,
  makeTensor,
  readFloats,
} from '@quantsmith/model/onnx';
import { has } from '@quantsmith/model/operators';
import { withoutUnused } from './foldConstants.js';
import { freshNames, type Graph } from '@quantsmith/model/graph';

/**
 * Folds BatchNormalization, y = γ·(x − μ)/√(σ² + ε) + β, into the Conv, ConvTranspose, Gemm or MatMul (of matrices) before it:
 * W' = W·γ/√(σ² + ε), b' = (b − μ)·γ/√(σ² + ε) + β. The linear node keeps its name and takes the BatchNorm's output
 * name; a MatMul, which has no bias, becomes a Gemm. A weight shared with another node is copied first.
 */
export function foldBatchNorms(model: ModelProto, graph: Graph, dir: string): ModelProto {
  const changed = new Map<NodeProto, NodeProto | null>();
  const added: TensorProto[] = [];
  const fresh = freshNames(model);
  for (const norm of graph.nodes) {
    const linear = foldTarget(graph, norm);
    if (linear === undefined || changed.has(linear)) continue;
    const folded = foldInto(graph, linear, norm, dir, fresh);
    if (folded === undefined) continue;
    append(added, folded.initializers);
    changed.set(linear, folded.node);
    changed.set(norm, null);
  }

  if (changed.size === 0) return model;
  const node = model.graph.node.flatMap((old) => {
    const now = changed.get(old);
    return now === undefined ? [old] : now === null ? [] : [now];
  });

  const initializer = [...model.graph.initializer, ...added];

  return withoutUnused({ ...model, graph: { ...model.graph, node, initializer } });
}

/** The linear node whose only reader is this BatchNormalization. */
function foldTarget(graph: Graph, norm: NodeProto): NodeProto | undefined {
  if (!has(norm, 'affine')) return undefined;
  if (intAttribute(norm, 'training_mode', 0) === 1) return undefined;
  const [x = ''] = norm.input;
  const linear = graph.producer(x);
  if (linear === undefined || !isOnnxDomain(linear)) return undefined;
  if (graph.consumers(x).length !== 1 || graph.outputs.includes(x) || graph.isCaptured(x)) return undefined;
  if (has(linear, 'convolution')) return linear;
  if (linear.opType === 'MatMul') return graph.rank(linear.input[0] ?? '') === 2 ? linear : undefined;
  const plain = floatAttribute(linear, 'alpha', 1) === 1 && floatAttribute(linear, 'beta', 1) === 1;

  return linear.opType === 'Gemm' && plain ? linear : undefined;
}

function foldInto(
  graph: Graph,
  linear: NodeProto,
  norm: NodeProto,
  dir: string,
  fresh: (base: string) => string,
): { node: NodeProto; initializers: TensorProto[] } | undefined {
  const constants = [linear.input[1], ...norm.input.slice(1, 5)].map((name) => graph.initializer(name ?? ''));
  if (constants.some((tensor) => tensor === undefined || tensor.dataType !== ElementType.FLOAT))
    return undefined;
  const [weight, gamma, beta, mean, variance] = constants as TensorProto[];
  const biasName = linear.input[2] ?? '';
  const bias = graph.initializer(biasName);
  if (biasName !== '' && bias === undefined) return undefined;
  const epsilon = floatAttribute(norm, 'epsilon', 1e-5);
  const scale = Float64Array.from(readFloats(gamma!, dir));
  const spread = readFloats(variance!, dir);
  for (let c = 0; c < scale.length; c++) scale[c] = scale[c]! / Math.sqrt(spread[c]! + epsilon);
  const channels = scale.length;
  const oldBias = bias === undefined ? new Float32Array(channels) : readFloats(bias, dir);
  if (oldBias.length !== channels) return undefined;
  const shift = readFloats(beta!, dir);
  const centre = readFloats(mean!, dir);
  const newBias = Float32Array.from(scale, (s, c) => (oldBias[c]! - centre[c]!) * s + shift[c]!);
  const values = scaledWeight(linear, weight!, readFloats(weight!, dir), scale);
  if (values === undefined) return undefined;
  const weightName = fresh(`${weight!.name}_bn`);
  const newBiasName = fresh(biasName === '' ? `${linear.name}_bias` : `${biasName}_bn`);

  return {
    node: {
      ...linear,
      opType: linear.opType === 'MatMul' ? 'Gemm' : linear.opType,
      input: [linear.input[0] ?? '', weightName, newBiasName],
      output: [norm.output[0] ?? ''],
    },
    initializers: [
      makeTensor(weightName, weight!.dims.map(Number), ElementType.FLOAT, values),
      makeTensor(newBiasName, [channels], ElementType.FLOAT, newBias),
    ],
  };
}

/** The weight with each output channel multiplied by its scale, or undefined when the channels do not line up. */
function scaledWeight(
  linear: NodeProto,
  weight: TensorProto,
  values: Float32Array,
  scale: Float64Array,
): Float32Array | undefined {
  const dims = weight.dims.map(Number);
  const result = values.slice();
  const channels = scale.length;
  const multiply = (channelOf: (index: number) => number) => {
    for (let i = 0; i < result.length; i++) result[i] = result[i]! * scale[channelOf(i)]!;
    return result;
  };

  if (has(linear, 'product')) {
    if (dims.length !== 2) return undefined;
    const rows = intAttribute(linear, 'transB', 0) === 1;
    if (dims[rows ? 0 : 1] !== channels) return undefined;
    const width = dims[1]!;
    return multiply(rows ? (i) => Math.floor(i / width) : (i) => i % width);
  }

  const inner = dims.slice(2).reduce((product, dim) => product * dim, 1);
  if (linear.opType === 'Conv') {
    if (dims[0] !== channels) return undefined;
    const perChannel = dims[1]! * inner;
    return multiply((i) => Math.floor(i / perChannel));
  }

  // ConvTranspose: [in channels, out channels per group, …], grouped by input channels.
  const group = intAttribute(linear, 'group', 1);
  const outPerGroup = dims[1]!;
  if (outPerGroup * group !== channels) return undefined;
  const inPerGroup = dims[0]! / group;

  return multiply((i) => {
    const row = Math.floor(i / (outPerGroup * inner));
    return Math.floor(row / inPerGroup) * outPerGroup + (Math.floor(i / inner) % outPerGroup);
  });
}
