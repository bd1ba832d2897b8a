import { readFloats } from '@quantsmith/model/onnx';
import type { Quantization } from '../quantize/quantization.js';
import { dequantize } from '../weights/quantize.js';
import { spreadOf } from './ranges.js';
import { addNoise, decibelsOf, type Noise } from './tensors.js';

/** How a layer's weights are rounded. */
export interface WeightUse {
  readonly bits: number;
  readonly perChannel: boolean;
  /** 10·log10(Σw² / Σ(w − ŵ)²); null where they are equal. */
  readonly sqnrDb: number | null;
  /** Largest absolute weight of the loudest output channel over that of the median one; null: fewer than two channels. */
  readonly channelSpread: number | null;
}

/** The weights that an operator reads rounded; null: it has none. */
export function weightUse({ prepared, placement, weights }: Quantization, node: string): WeightUse | null {
  const quantizer = placement.weights.find(({ targets }) => targets.some((port) => port.node === node));
  const codes = quantizer === undefined ? undefined : weights.get(quantizer.id);
  if (quantizer === undefined || codes === undefined) return null;
  const tensor = prepared.graph.initializer(quantizer.tensor)!;
  const dims = tensor.dims.map(Number);
  const float = readFloats(tensor, prepared.dir);
  const rounded = dequantize(codes, dims, quantizer.axis);
  const sum: Noise = { signal: 0, noise: 0 };
  addNoise(sum, { type: 'float32', dims, data: float }, { type: 'float32', dims, data: rounded });

  return {
    bits: codes.parameters.numBits,
    perChannel: quantizer.axis !== null,
    sqnrDb: sum.noise === 0 ? null : decibelsOf(sum),
    channelSpread: spreadOf(loudestOf(float, dims)),
  };
}

/** Largest absolute value of each channel: the first axis, the last one of matrices. */
function loudestOf(values: Float32Array, dims: readonly number[]): number[] {
  const isMatrix = dims.length === 2;
  const channels = (isMatrix ? dims[1] : dims[0]) ?? 1;
  const inner = isMatrix ? 1 : values.length / Math.max(1, channels);
  const loudest = new Array<number>(channels).fill(0);
  values.forEach((value, i) => {
    const channel = Math.floor(i / inner) % channels;
    loudest[channel] = Math.max(loudest[channel]!, Math.abs(value));
  });

  return loudest;
}
