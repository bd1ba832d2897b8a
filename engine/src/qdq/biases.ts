import { type NodeProto, floatAttribute, makeTensor, readFloats } from '@quantsmith/model/onnx';
import type { Graph, GraphRewrite } from '@quantsmith/model/graph';
import { has, traitOf } from '@quantsmith/model/operators';
import type { ActivationQuantizer, WeightQuantizer } from '../placement/types.js';
import { DATA_TYPE, STORAGE, integerTensor } from './storage.js';
import type { BiasUpdate, QdqInput } from './types.js';
import type { ZeroPoints } from './zeroPoints.js';

/** Writes corrected biases as new initializers, so that a bias shared with another operator stays as it is there. */
export function replaceBiases(rewrite: GraphRewrite, updates: readonly BiasUpdate[]): void {
  for (const { port, values } of updates) {
    const old = rewrite.node(port.node)?.input[port.input] ?? '';
    const source = rewrite.initializer(old);
    const name = rewrite.freshName(`${old === '' ? `${port.node}_bias` : old}_corrected`);
    const dims = source === undefined ? [values.length] : source.dims.map(Number);
    rewrite.addInitializer(makeTensor(name, dims, DATA_TYPE.float, values));
    rewrite.rewire([port], name);
  }
}

/** An operator whose bias an integer kernel adds to its accumulator. */
export interface BiasPlace {
  readonly node: NodeProto;
  readonly activation: ActivationQuantizer;
  readonly weight: WeightQuantizer;
}

/** The operators of a placement whose biases are stored as integers, biases or not. */
export function integerBiases({
  graph,
  placement,
  activations,
  weights,
}: Pick<QdqInput, 'graph' | 'placement' | 'activations' | 'weights'>): BiasPlace[] {
  const activationAt = portMap(placement.activations);
  const weightAt = portMap(placement.weights);
  return graph.nodes.flatMap((node) => {
    if (!takesIntegerBias(node)) return [];
    const activation = activationBefore(graph, node, activationAt);
    const weight = weightAt.get(`${node.name}\u00001`);
    if (activation === undefined || weight === undefined) return [];
    const bits = [activations.get(activation.id)?.numBits, weights.get(weight.id)?.parameters.numBits];
    const narrow = bits.every((count) => count !== undefined && count <= 8);
    return narrow && activation.axis === null ? [{ node, activation, weight }] : [];
  });
}

/**
 * Stores the biases of quantized Conv and Gemm nodes as int32 with scale = activation scale × weight scale (zero
 * point 0), the form in which an integer kernel adds them to its accumulator. Weights have room for them
 * (`makeRoomForBiases`); one that does not fit all the same stays float.
 */
export function quantizeBiases(rewrite: GraphRewrite, input: QdqInput, zeroPoints: ZeroPoints): void {
  for (const { node, activation, weight } of integerBiases(input)) {
    const target = rewrite.node(node.name);
    const bias = rewrite.initializer(target?.input[2] ?? '');
    if (target === undefined || bias === undefined) continue;
    const [activationScale = 1] = input.activations.get(activation.id)!.scale;
    const scale = input.weights.get(weight.id)!.parameters.scale.map((s) => s * activationScale);
    const codes = biasCodes(readFloats(bias, input.dir), scale);
    if (codes === null) continue;
    const zeroPoint = zeroPoints(perChannelDims(scale), 'int32', new Int32Array(scale.length));
    writeIntegerBias(rewrite, target, bias.dims.map(Number), { scale, codes, zeroPoint });
  }
}

/** The quantizer of a node's first input, also where it stands above operators that only move values. */
function activationBefore(
  graph: Graph,
  node: NodeProto,
  activationAt: ReadonlyMap<string, ActivationQuantizer>,
): ActivationQuantizer | undefined {
  let reader: NodeProto | undefined = node;
  while (reader !== undefined) {
    const quantizer = activationAt.get(`${reader.name}\u00000`);
    if (quantizer !== undefined) return quantizer;
    reader = graph.producer(reader.input[0] ?? '');
    if (reader !== undefined && traitOf(reader, graph) !== 'agnostic') return undefined;
  }

  return undefined;
}

/** Codes of a bias, rounded half to even, or null when one leaves the int32 range. */
function biasCodes(values: Float32Array, scale: Float32Array): Int32Array | null {
  if (scale.length !== 1 && scale.length !== values.length) return null;
  const codes = new Int32Array(values.length);
  const [lowest, highest] = STORAGE.int32;
  for (let i = 0; i < values.length; i++) {
    const code = roundHalfEven(values[i]! / scale[scale.length === 1 ? 0 : i]!);
    if (!(code >= lowest && code <= highest)) return null;
    codes[i] = code;
  }

  return codes;
}

function roundHalfEven(x: number): number {
  const rounded = Math.round(x);
  return rounded - x === 0.5 && rounded % 2 !== 0 ? rounded - 1 : rounded;
}

interface BiasParameters {
  readonly scale: Float32Array;
  readonly codes: Int32Array;
  /** The constant's name. */
  readonly zeroPoint: string;
}

const perChannelDims = (scale: Float32Array) => (scale.length > 1 ? [scale.length] : []);

function writeIntegerBias(
  rewrite: GraphRewrite,
  target: NodeProto,
  dims: readonly number[],
  { scale, codes, zeroPoint }: BiasParameters,
): void {
  const base = rewrite.freshName(`${target.name}_bias_q`);
  rewrite.addInitializer(integerTensor(base, dims, 'int32', codes));
  const scaleName = rewrite.freshName(`${base}_scale`);
  rewrite.addInitializer(makeTensor(scaleName, perChannelDims(scale), DATA_TYPE.float, scale));
  const output = rewrite.freshName(`${base}_dq`);
  const attributes = scale.length > 1 ? { axis: 0 } : {};
  rewrite.addNode('DequantizeLinear', [base, scaleName, zeroPoint], output, attributes, {
    name: rewrite.freshName(`DequantizeLinear_${base}`),
  });
  rewrite.rewire([{ node: target.name, input: 2 }], output);
}

/** A Gemm that scales its product or bias has no such kernel. */
function takesIntegerBias(node: NodeProto): boolean {
  const plain = floatAttribute(node, 'beta', 1) === 1 && floatAttribute(node, 'alpha', 1) === 1;
  return has(node, 'integer-bias') && plain;
}

function portMap<Q extends ActivationQuantizer | WeightQuantizer>(quantizers: readonly Q[]): Map<string, Q> {
  return new Map(
    quantizers.flatMap((quantizer) =>
      quantizer.targets.map((port) => [`${port.node}\u0000${port.input}`, quantizer] as const),
    ),
  );
}
