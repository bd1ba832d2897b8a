import { makeTensor } from '@quantsmith/model/onnx';
import type { WeightQuantizer } from '../placement/types.js';
import type { QuantizedWeights } from '../weights/quantize.js';
import type { Draft } from './draft.js';
import { DATA_TYPE, integerTensor } from './storage.js';

/**
 * Replaces the float weight by its codes and a DequantizeLinear that all targets share. Readers that are no targets
 * (an operator left float) keep the float weight.
 */
export function foldWeights(draft: Draft, quantizer: WeightQuantizer, weights: QuantizedWeights): void {
  const { tensor, axis } = quantizer;
  const source = draft.initializer(tensor);
  if (source === undefined) return;
  const { parameters, codes } = weights;
  const dims = axis === null ? [] : [parameters.scale.length];
  const scale = draft.freshName(`scale_${tensor}_1`);
  const zeroPoint = draft.freshName(`zero_point_${tensor}_1`);
  const quantized = draft.freshName(`q_output_${tensor}_1`);
  draft.addInitializer(makeTensor(scale, dims, DATA_TYPE.float, parameters.scale));
  draft.addInitializer(integerTensor(zeroPoint, dims, parameters.storage, parameters.zeroPoint));
  draft.addInitializer(integerTensor(quantized, source.dims.map(Number), parameters.storage, codes));
  const output = draft.freshName(`dq_output_${tensor}_1`);
  draft.addNode('DequantizeLinear', [quantized, scale, zeroPoint], output, axis === null ? {} : { axis }, {
    name: draft.freshName(`DequantizeLinear_${tensor}_1`),
    ...(parameters.numBits > 8 ? { domain: 'com.microsoft' } : {}),
  });
  draft.rewire(quantizer.targets, output);
  // A body that reads the same weight shares it, so that it is stored once.
  draft.rewireBodies(tensor, output);
}
