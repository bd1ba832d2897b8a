import type { GraphRewrite } from '@quantsmith/model/graph';
import { makeTensor } from '@quantsmith/model/onnx';
import type { WeightQuantizer } from '../placement/types.js';
import type { QuantizedWeights } from '../weights/quantize.js';
import { DATA_TYPE, integerTensor } from './storage.js';
import type { ZeroPoints } from './zeroPoints.js';

/**
 * Replaces the float weight by its codes and a DequantizeLinear that all targets share. Readers that are no targets
 * (an operator left float) keep the float weight.
 */
export function foldWeights(
  rewrite: GraphRewrite,
  quantizer: WeightQuantizer,
  weights: QuantizedWeights,
  zeroPoints: ZeroPoints,
): void {
  const { tensor, axis } = quantizer;
  const source = rewrite.initializer(tensor);
  if (source === undefined) return;
  const { parameters } = weights;
  const { storage, zeroPoint: zero, codes } = storedWeights(weights, quantizer);
  const dims = axis === null ? [] : [parameters.scale.length];
  const scale = rewrite.freshName(`scale_${tensor}_1`);
  const zeroPoint = zeroPoints(dims, storage, zero);
  const quantized = rewrite.freshName(`q_output_${tensor}_1`);
  rewrite.addInitializer(makeTensor(scale, dims, DATA_TYPE.float, parameters.scale));
  rewrite.addInitializer(integerTensor(quantized, source.dims.map(Number), storage, codes));
  const output = rewrite.freshName(`dq_output_${tensor}_1`);
  rewrite.addNode('DequantizeLinear', [quantized, scale, zeroPoint], output, axis === null ? {} : { axis }, {
    name: rewrite.freshName(`DequantizeLinear_${tensor}_1`),
    ...(parameters.numBits > 8 ? { domain: 'com.microsoft' } : {}),
  });
  rewrite.rewire(quantizer.targets, output);
  // A body that reads the same weight shares it, so that it is stored once.
  rewrite.rewireBodies(tensor, output);
}

/** Codes as they are stored: the same values, whether they are moved up or not. */
function storedWeights({ parameters, codes }: QuantizedWeights, { unsigned }: WeightQuantizer) {
  const { storage, zeroPoint } = parameters;
  if (unsigned !== true || storage !== 'int8') return { storage, zeroPoint, codes };
  return {
    storage: 'uint8' as const,
    zeroPoint: zeroPoint.map((code) => code + 128),
    codes: Uint8Array.from(codes, (code) => code + 128),
  };
}
