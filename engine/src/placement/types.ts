/** How one quantizer turns real values into integers; the fields are those of the config's `*_quantization_params`. */
export interface QuantizerConfig {
  /** 2…16. Codes of fewer than 8 bits are stored in 8-bit integers, 9…16 in 16-bit integers. */
  readonly numBits: number;
  readonly mode: 'symmetric' | 'asymmetric';
  /** true: signed, false: unsigned, null: decided by the range (signed if any low < 0). */
  readonly signednessToForce: boolean | null;
  readonly perChannel: boolean;
  readonly narrowRange: boolean;
}

/** What a config states of single operators: bits of weights and read activations, mode of activations, the rest of weights. */
export interface LayerSettings {
  readonly numBits?: number;
  readonly mode?: QuantizerConfig['mode'];
  readonly perChannel?: boolean;
  readonly halfRange?: boolean;
}

/** The runtime whose kernels a layout must fit. */
export type TargetRuntime = 'onnxruntime' | 'openvino';

/** One input of one node: `node` is the node's name, `input` its index. */
export interface Port {
  readonly node: string;
  readonly input: number;
}

/** A quantizer on an activation edge: all `targets` read the quantized-dequantized form of `tensor`. */
export interface ActivationQuantizer {
  readonly id: string;
  readonly tensor: string;
  readonly targets: readonly Port[];
  readonly config: QuantizerConfig;
  /** The channel axis when per-channel, else null. */
  readonly axis: number | null;
  /** Quantizers with the same non-null key share one range (inputs of a Concat that feeds a linear operator). */
  readonly unified: string | null;
  /** True where the quantizer stands before a model output. */
  readonly atOutput: boolean;
}

/** A quantizer on a constant: an initializer that linear operators or an embedding read. Shared weights have one. */
export interface WeightQuantizer {
  readonly id: string;
  /** The initializer's name. */
  readonly tensor: string;
  readonly targets: readonly Port[];
  readonly config: QuantizerConfig;
  /** Axis of the channels in the initializer (negative axes already resolved); null when per-tensor. */
  readonly axis: number | null;
  /** Half of the 8-bit range (overflow fix). */
  readonly halfRange: boolean;
  /** Whether the config states that for this weight, so that no fix changes it. */
  readonly halfRangeStated?: boolean;
  /** Whether its codes are stored unsigned, moved up by 128: left operands of products. */
  readonly unsigned?: boolean;
}

/** Everything that placement decides; nothing in it depends on data. */
export interface Placement {
  readonly activations: readonly ActivationQuantizer[];
  readonly weights: readonly WeightQuantizer[];
  /** Operators that compute in float whatever kernels the runtime has: nothing is quantized for their sake. */
  readonly float: ReadonlySet<string>;
  /** Those of them that are there because their integer kernels cost more than they gain. */
  readonly slow?: ReadonlySet<string>;
}
