import type { Graph } from '../graph/graph.js';
import type { ModelProto } from '../onnx/onnx_pb.js';
import type { Placement, Port } from '../placement/types.js';
import type { QuantizerParameters } from '../ranges/parameters.js';
import type { QuantizedWeights } from '../weights/quantize.js';
import { insertActivationQuantizer } from './activations.js';
import { quantizeBiases, replaceBiases } from './biases.js';
import { Draft } from './draft.js';
import { repeatBehindMovers } from './movers.js';
import { foldWeights } from './weights.js';

/** A new bias for one operand: a Conv's or Gemm's third input, or the constant of the Add behind a MatMul. */
export interface BiasUpdate {
  readonly port: Port;
  /** One value for each output channel. */
  readonly values: Float32Array;
}

export interface QdqInput {
  /** The prepared float model; it is not changed. */
  readonly model: ModelProto;
  readonly graph: Graph;
  /** Folder of the model's external data. */
  readonly dir: string;
  readonly placement: Placement;
  /** By quantizer id. */
  readonly activations: ReadonlyMap<string, QuantizerParameters>;
  /** By quantizer id. */
  readonly weights: ReadonlyMap<string, QuantizedWeights>;
  readonly biases: readonly BiasUpdate[];
  readonly runtime: 'onnxruntime' | 'openvino';
}

/**
 * The quantized model in QDQ form: QuantizeLinear → DequantizeLinear pairs on activations, integer weights behind a
 * DequantizeLinear. For `onnxruntime` signed 8-bit activations are stored as uint8 with the zero point moved by 128
 * (the same values exactly) and biases as int32, which its CPU provider needs for integer kernels.
 */
export function writeQdq(input: QdqInput): ModelProto {
  const draft = new Draft(input.model);
  replaceBiases(draft, input.biases);
  for (const quantizer of input.placement.activations) {
    const parameters = input.activations.get(quantizer.id);
    if (parameters === undefined) continue;
    const pair = insertActivationQuantizer(draft, quantizer, parameters, input);
    if (input.runtime === 'onnxruntime') repeatBehindMovers(draft, input.graph, quantizer, pair);
  }
  if (input.runtime === 'onnxruntime') quantizeBiases(draft, input);
  for (const quantizer of input.placement.weights) {
    const weights = input.weights.get(quantizer.id);
    if (weights !== undefined) foldWeights(draft, quantizer, weights);
  }
  return draft.finish();
}
