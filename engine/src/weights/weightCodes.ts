import { inspectModel, makeNode, readConstant, readFloats } from '@quantsmith/model/onnx';
import { weightAxis } from '@quantsmith/model/operators';
import { fail, type ModelNode, type WeightCodes, type WeightsRequest } from '@quantsmith/schemas';
import { dirname } from 'node:path';
import { weightEstimator } from '../ranges/defaults.js';
import { dequantize, quantizeWeights } from './quantize.js';

/** Bytes of a weight that is looked at. */
const MAX_BYTES = 256 * 1024 ** 2;

/** A grid that nothing else is known of: 8 bits, a scale for each channel, the whole range. */
const PLAIN = { bits: 8, perChannel: true, halfRange: false };

/**
 * How the weight of a layer lies on its grid of codes: as the last run quantized it, or on the plain int8 grid. Reads that one
 * tensor. Throws `layer-without-weight`, and what reading a model and a tensor throws.
 */
export async function weightCodes({ modelPath, layer, grid }: WeightsRequest): Promise<WeightCodes> {
  const { nodes } = await inspectModel(modelPath);
  const node = nodes.find(({ name }) => name === layer);
  const input = node === undefined ? null : weightInput(node);
  const name = node?.inputs[input ?? -1];
  const tensor = name === undefined ? null : await readConstant(modelPath, name, MAX_BYTES);
  if (node === undefined || input === null || tensor === null) {
    return fail('layer-without-weight', `"${layer}" has no floating-point constant in ${modelPath}.`, {
      file: modelPath,
      data: { layer },
    });
  }

  const values = readFloats(tensor, dirname(modelPath));
  const dims = tensor.dims.map(Number);
  const { bits, perChannel, halfRange } = grid ?? PLAIN;
  const axis = perChannel ? channelAxis(node, input, dims.length) : null;
  const config = {
    ...({ numBits: bits, mode: 'symmetric', signednessToForce: true, narrowRange: true } as const),
    perChannel: axis !== null,
  };
  const weights = quantizeWeights(
    values,
    dims,
    axis,
    config,
    halfRange,
    weightEstimator({ min: {}, max: {} }),
    true,
  );
  const { codeLow, codeHigh, scale } = weights.parameters;
  const counts = new Array<number>(codeHigh - codeLow + 1).fill(0);
  for (const code of weights.codes) counts[code - codeLow]!++;

  return {
    tensor: tensor.name,
    dims,
    ...{ bits, perChannel: axis !== null, halfRange, counts, firstCode: codeLow },
    scales: [
      scale.reduce((least, value) => Math.min(least, value), Infinity),
      scale.reduce((largest, value) => Math.max(largest, value), 0),
    ],
    decibels: signalToNoise(values, dequantize(weights, dims, axis)),
  };
}

/** The largest floating-point constant: a bias has one value for each channel. */
function weightInput({ constants, floatConstants }: ModelNode): number | null {
  const size = (input: number) => (constants[input] ?? []).reduce((product, dim) => product * dim, 1);
  return floatConstants.reduce<number | null>(
    (largest, input) => (largest === null || size(input) > size(largest) ? input : largest),
    null,
  );
}

/** Only integers decide about axes. */
function channelAxis({ op, inputs, outputs, attributes, domain }: ModelNode, input: number, rank: number) {
  const integers = Object.entries(attributes).filter(([, value]) => Number.isInteger(value));
  const node = makeNode(op, inputs, outputs, Object.fromEntries(integers), { domain });
  return weightAxis(node, input, rank);
}

/** 10·log10(Σx² / Σ(x − x̂)²) in dB; null without noise or without signal. */
function signalToNoise(values: Float32Array, rounded: Float32Array): number | null {
  let signal = 0;
  let noise = 0;
  for (const [index, value] of values.entries()) {
    signal += value * value;
    noise += (value - rounded[index]!) ** 2;
  }

  return noise === 0 || signal === 0 ? null : 10 * Math.log10(signal / noise);
}
