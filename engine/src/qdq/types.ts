import type { Graph } from '@quantsmith/model/graph';
import type { ModelProto } from '@quantsmith/model/onnx';
import type { Placement, Port } from '../placement/types.js';
import type { QuantizerParameters } from '../ranges/parameters.js';
import type { QuantizedWeights } from '../weights/quantize.js';

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
  readonly placement: Pick<Placement, 'activations' | 'weights'>;
  /** By quantizer id. */
  readonly activations: ReadonlyMap<string, QuantizerParameters>;
  /** By quantizer id. */
  readonly weights: ReadonlyMap<string, QuantizedWeights>;
  readonly biases: readonly BiasUpdate[];
  readonly runtime: 'onnxruntime' | 'openvino';
}
