import { readFloats } from '@quantsmith/model/onnx';
import type { Problem } from '@quantsmith/schemas';
import { revertOperators } from '../placement/revert.js';
import type { WeightQuantizer } from '../placement/types.js';
import type { PreparedModel } from '../prepare/prepare.js';
import { integerBiases } from '../qdq/biases.js';
import { writtenPlacement, type Quantization } from '../quantize/quantization.js';
import { encode, type QuantizedWeights } from '../weights/quantize.js';

/** Biases are stored as int32; a quarter of its range is left to bias correction. */
const LARGEST_CODE = 2 ** 29;

/** A scale that all channels share may grow so much for one of them; beyond, the others would lose too many levels. */
const MAX_SHARED_GROWTH = 2;

/**
 * Widens the scale of weights beside which a bias would not fit into 32 bits: |b| ≤ 2^29 · s_x · s_w. The runtime would wrap the
 * bias instead, without a word. What the weights lose is nothing beside the bias: half a level, K · 127 · s_x · s_w / 2 in all,
 * is less than K · 2^-24 of it. Where all channels share the scale, and others would lose, the operator stays in float.
 */
export function makeRoomForBiases(quantization: Quantization): {
  readonly quantization: Quantization;
  readonly problems: readonly Problem[];
} {
  if (quantization.runtime !== 'onnxruntime') return { quantization, problems: [] };
  const { prepared, placement, runtime, activationConfig, activations } = quantization;
  const written = writtenPlacement(prepared.graph, placement, runtime, activationConfig);
  const places = integerBiases({ ...quantization, graph: prepared.graph, placement: written });
  const weights = new Map(quantization.weights);
  const float = new Set<string>();
  const widened = new Set<string>();
  for (const { node, activation, weight } of places) {
    const bias = prepared.graph.initializer(node.input[2] ?? '');
    const held = weights.get(weight.id)!;
    if (bias === undefined) continue;
    const [activationScale = 1] = activations.get(activation.id)!.scale;
    const { scale } = held.parameters;
    const factors = growth(readFloats(bias, prepared.dir), scale, activationScale);
    if (factors.every((factor) => factor === 1)) continue;
    if (factors.length === 1 && factors[0]! > MAX_SHARED_GROWTH) float.add(node.name);
    else {
      widened.add(node.name);
      weights.set(weight.id, widen(prepared, weight, held, factors));
    }
  }

  const problems = [
    ...[...widened].map((name) =>
      problem(name, 'so large that its weights were given wider scales, so that it fits into 32 bits'),
    ),
    ...[...float].map((name) => problem(name, 'too large for 32 bits; the operator stays in float')),
  ];

  return {
    quantization: { ...quantization, weights, placement: revertOperators(prepared.graph, placement, float) },
    problems,
  };
}

function problem(node: string, reason: string): Problem {
  return {
    code: 'bias-too-large',
    severity: 'info',
    message: `The bias of "${node}" is ${reason}.`,
    configPath: ['model'],
    data: { node },
  };
}

/** By how much each scale has to grow, at least 1. */
function growth(bias: Float32Array, scale: Float32Array, activationScale: number): number[] {
  const needed = Array.from(bias, (value, c) => {
    const unit = activationScale * scale[scale.length === 1 ? 0 : c]!;
    return Math.max(1, Math.abs(value) / (LARGEST_CODE * unit));
  });

  return scale.length === 1 ? [needed.reduce((largest, factor) => Math.max(largest, factor), 1)] : needed;
}

function widen(
  { graph, dir }: PreparedModel,
  { tensor: name, axis }: WeightQuantizer,
  { parameters }: QuantizedWeights,
  factors: readonly number[],
): QuantizedWeights {
  const grow = (values: Float32Array) => values.map((value, c) => value * factors[c]!);
  const { low, high, scale } = parameters;
  const wider = { ...parameters, low: grow(low), high: grow(high), scale: grow(scale) };
  const tensor = graph.initializer(name)!;
  return { parameters: wider, codes: encode(readFloats(tensor, dir), tensor.dims.map(Number), axis, wider) };
}
