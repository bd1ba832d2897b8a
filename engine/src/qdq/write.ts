import { rewriteGraph } from '@quantsmith/model/graph';
import type { ModelProto } from '@quantsmith/model/onnx';
import { insertActivationQuantizer } from './activations.js';
import { quantizeBiases, replaceBiases } from './biases.js';
import { repeatBehindPassThrough } from './passThrough.js';
import { foldWeights } from './weights.js';
import type { ActivationQuantizer, Port } from '../placement/types.js';
import type { QdqInput } from './types.js';
import { sharedZeroPoints } from './zeroPoints.js';

/**
 * The quantized model in QDQ form: QuantizeLinear → DequantizeLinear pairs on activations, integer weights behind a
 * DequantizeLinear. For `onnxruntime` signed 8-bit activations are stored as uint8 with the zero point moved by 128
 * (the same values exactly) and biases as int32, which its CPU provider needs for integer kernels.
 */
export function writeQdq(input: QdqInput): ModelProto {
  const rewrite = rewriteGraph(input.model);
  const zeroPoints = sharedZeroPoints(rewrite);
  replaceBiases(rewrite, input.biases);
  const isQuantized = isTarget(input.placement.activations);
  for (const quantizer of input.placement.activations) {
    const parameters = input.activations.get(quantizer.id);
    if (parameters === undefined) continue;
    const pair = insertActivationQuantizer(rewrite, quantizer, parameters, input);
    if (input.runtime === 'onnxruntime')
      repeatBehindPassThrough(rewrite, input.graph, quantizer, pair, isQuantized);
  }

  if (input.runtime === 'onnxruntime') quantizeBiases(rewrite, input, zeroPoints);
  for (const quantizer of input.placement.weights) {
    const weights = input.weights.get(quantizer.id);
    if (weights !== undefined) foldWeights(rewrite, quantizer, weights, zeroPoints);
  }

  return rewrite.finish();
}

/** Whether a port reads from one of the quantizers. */
function isTarget(quantizers: readonly ActivationQuantizer[]): (port: Port) => boolean {
  const keyOf = ({ node, input }: Port) => `${node}\u0000${input}`;
  const ports = new Set(quantizers.flatMap(({ targets }) => targets.map(keyOf)));
  return (port) => ports.has(keyOf(port));
}
