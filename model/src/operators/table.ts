import { tableOf } from '@quantsmith/schemas';
import { intAttribute } from '../onnx/node.js';
import type { NodeProto } from '../onnx/onnx_pb.js';

/**
 * What an operator means to placement. Source: the operator traits of NNCF's ONNX backend (reference facts).
 * - `quantizable`: computes on quantized inputs.
 * - `agnostic`: moves values without changing them, so that a quantizer passes through it upwards.
 * - `concat`: like agnostic, but every input takes a quantizer.
 * - `float`: its inputs stay float.
 */
export type Trait = 'quantizable' | 'agnostic' | 'concat' | 'float';

/**
 * What may be true of an operator.
 *
 * In quantization:
 * - `linear`: multiplies an activation by a weight, which takes a quantizer of its own.
 * - `elementwise`: arithmetic that fuses with the operator before it where the other operand is constant.
 * - `activation`: fuses with the operator before it.
 * - `transformer-float`: stays float under `model_type: transformer` (NNCF's list).
 * - `keeps-channels`: leaves the channel axis where it is, so that a per-channel quantizer may pass.
 * - `shape-only`: reads no values, only their shape.
 *
 * In ONNX Runtime's CPU provider:
 * - `takes-codes`: computes with codes; in front of the other quantizable ones they would only be dequantized again.
 * - `integer-output`: has an integer kernel that also needs its output quantized (Gemm and MatMul have ones with float output).
 * - `integer-bias`: adds its bias to the integer sum.
 * - `one-scale`: becomes an integer kernel whatever the scales of its inputs are, and is refused with several of them.
 * - `absorbed`: folds into the quantizer behind it.
 * - `carries-dequantize`: moves values, and the runtime carries a DequantizeLinear through it by itself.
 * - `stops-dequantize`: moves values, but the runtime does not.
 * - `makes-blocks`, `keeps-blocks`: its output is in the channel-blocked layout; likewise where its inputs are.
 *
 * Of values:
 * - `averages`: its output lies within neighbouring values of its first input (Resize: nearly).
 * - `maximum`: its output holds the largest of its inputs' values.
 * - `never-negative`: its output is ≥ 0.
 * - `keeps-sign`, `keeps-all-signs`: so is its output where its first input, or all of its inputs are.
 * - `rises`: a function of one value without attributes; of a larger one its result is no smaller.
 * - `can-make-nan`: can make NaN of finite numbers.
 * - `not-constant`: its output must not be folded, although its inputs are constant.
 *
 * In patterns:
 * - `convolution`, `product`: slides its weight over an image, or multiplies matrices.
 * - `scales`: multiplies or divides.
 * - `scales-or-shifts`: multiplies or adds.
 * - `affine`: scales and shifts its channels by constants.
 * - `gates-itself`: multiplied by its input it makes a swish.
 * - `reshapes-attention`: may stand before the second operand of the product behind a Softmax.
 * - `attention-product`: may multiply attention's probabilities with values.
 * - `between-attention`: may stand between the Softmax and that product.
 * - `between-gates`: may stand between the two convolutions of squeeze-and-excitation.
 * - `gate`, `squeezes`: may end squeeze-and-excitation, or begin it.
 * - `selects`: picks the best detections.
 *
 * Of the graph:
 * - `embeds`: looks up rows of a table.
 * - `probabilities`: gives probabilities, of which a large one hides what happens to the others.
 * - `squashes`: behind it all but the largest values look alike.
 * - `normalizes`: gives what features are normalized by, or normalizes them.
 * - `logarithm`: behind it the smallest values count as much as the largest.
 * - `copies`: may hand on its input as it is, and is then left out.
 * - `reshapes`: hands every value on, in another shape or order.
 * - `runs-bodies`: runs graphs of its own, whose readings from outside are not among its inputs.
 */
export type Property =
  | 'linear'
  | 'elementwise'
  | 'activation'
  | 'transformer-float'
  | 'keeps-channels'
  | 'shape-only'
  | 'takes-codes'
  | 'integer-output'
  | 'integer-bias'
  | 'one-scale'
  | 'absorbed'
  | 'carries-dequantize'
  | 'stops-dequantize'
  | 'makes-blocks'
  | 'keeps-blocks'
  | 'averages'
  | 'maximum'
  | 'never-negative'
  | 'keeps-sign'
  | 'keeps-all-signs'
  | 'rises'
  | 'can-make-nan'
  | 'not-constant'
  | 'convolution'
  | 'product'
  | 'scales'
  | 'scales-or-shifts'
  | 'affine'
  | 'gates-itself'
  | 'reshapes-attention'
  | 'attention-product'
  | 'between-attention'
  | 'between-gates'
  | 'gate'
  | 'squeezes'
  | 'selects'
  | 'embeds'
  | 'probabilities'
  | 'squashes'
  | 'normalizes'
  | 'logarithm'
  | 'copies'
  | 'reshapes'
  | 'runs-bodies';

/** What is known of an operator of the ONNX domain. */
export interface Operator {
  readonly trait: Trait;
  readonly is: readonly Property[];
  /** Inputs that are computed with and take quantizers; left out: all. */
  readonly operands?: readonly number[];
  /** Inputs that carry the values which it moves; left out: the first. */
  readonly moved?: readonly number[] | 'all';
  /** Only of linear operators and embeddings. */
  readonly weight?: WeightPorts;
}

export interface WeightPorts {
  /** The axis of the output channels in a constant operand of this rank; null: that operand is no weight. */
  readonly axis: (node: NodeProto, input: number, rank: number) => number | null;
  /** The axis of the channels in the first input and in the output. */
  readonly channels: 1 | -1;
  /** Where the bias is read: an input, or the constant of the Add behind the node. */
  readonly bias: number | 'add-behind' | null;
}

const CONVOLUTION: WeightPorts = { axis: (_, input) => (input === 1 ? 0 : null), channels: 1, bias: 2 };
const TRANSPOSED: WeightPorts = { axis: (_, input) => (input === 1 ? 1 : null), channels: 1, bias: 2 };
const GEMM: WeightPorts = {
  axis: (node, input) => {
    if (input === 1) return intAttribute(node, 'transB', 0) === 1 ? 0 : 1;
    if (input === 0) return intAttribute(node, 'transA', 0) === 1 ? 1 : 0;
    return null;
  },
  channels: 1,
  bias: 2,
};
const PRODUCT: WeightPorts = {
  // A constant on the left takes its row axis, not the reduction axis.
  axis: (_, input, rank) => (rank === 1 ? null : input === 1 ? rank - 1 : rank - 2),
  // A product runs over the last axis, whatever the rank is.
  channels: -1,
  bias: 'add-behind',
};

/** LSTM, GRU and RNN: gates or outputs on axis 1, directions on axis 0. */
const RECURRENT: WeightPorts = {
  axis: (_, input, rank) => ((input === 1 || input === 2) && rank === 3 ? 1 : null),
  channels: -1,
  bias: null,
};
const EMBEDDING: WeightPorts = { axis: (_, input) => (input === 0 ? 0 : null), channels: -1, bias: null };

function row(
  trait: Trait,
  properties: readonly Property[],
  ports: Omit<Operator, 'trait' | 'is'> = {},
): Operator {
  return { trait, is: properties, ...ports };
}

const FIRST = { operands: [0] };

/**
 * Everything that is known of operators by their type; what is not named here stays float and has no property. A new operator's
 * rule is a line of this table.
 */
export const OPERATORS: Readonly<Record<string, Operator>> = tableOf({
  // Linear
  Conv: row(
    'quantizable',
    ['linear', 'convolution', 'takes-codes', 'integer-output', 'integer-bias', 'makes-blocks'],
    { operands: [0, 1], weight: CONVOLUTION },
  ),
  ConvTranspose: row('quantizable', ['linear', 'convolution'], { operands: [0, 1], weight: TRANSPOSED }),
  Gemm: row('quantizable', ['linear', 'product', 'takes-codes', 'integer-bias'], {
    operands: [0, 1],
    weight: GEMM,
  }),
  MatMul: row('quantizable', ['linear', 'product', 'takes-codes', 'attention-product'], { weight: PRODUCT }),
  DeformConv: row('quantizable', []),
  Attention: row('quantizable', [], { operands: [0, 1] }),

  // Element-wise
  Add: row('quantizable', [
    'takes-codes',
    'elementwise',
    'transformer-float',
    'integer-output',
    'one-scale',
    'keeps-blocks',
    'keeps-all-signs',
    'between-gates',
    'scales-or-shifts',
  ]),
  Sum: row('quantizable', ['elementwise']),
  Sub: row('quantizable', ['elementwise', 'transformer-float']),
  Mul: row('quantizable', [
    'takes-codes',
    'elementwise',
    'integer-output',
    'one-scale',
    'keeps-blocks',
    'between-attention',
    'between-gates',
    'scales',
    'scales-or-shifts',
  ]),
  Div: row('quantizable', ['elementwise', 'transformer-float', 'can-make-nan', 'scales']),
  Max: row('quantizable', ['elementwise', 'transformer-float']),
  Min: row('quantizable', ['elementwise']),
  Mod: row('quantizable', ['elementwise', 'can-make-nan']),
  Equal: row('quantizable', ['elementwise', 'transformer-float']),
  Greater: row('quantizable', ['elementwise', 'transformer-float']),
  GreaterOrEqual: row('quantizable', ['elementwise']),
  Less: row('quantizable', ['elementwise', 'transformer-float']),
  LessOrEqual: row('quantizable', ['elementwise']),
  Pow: row('quantizable', ['elementwise', 'transformer-float', 'can-make-nan'], FIRST),
  Sqrt: row('quantizable', ['elementwise', 'transformer-float', 'never-negative', 'can-make-nan']),
  Reciprocal: row('quantizable', ['elementwise', 'transformer-float']),

  // Averages, norms, resizing
  AveragePool: row('quantizable', [
    'averages',
    'takes-codes',
    'transformer-float',
    'integer-output',
    'one-scale',
    'keeps-blocks',
    'keeps-sign',
  ]),
  GlobalAveragePool: row('quantizable', [
    'takes-codes',
    'transformer-float',
    'integer-output',
    'one-scale',
    'keeps-blocks',
    'keeps-sign',
    'squeezes',
  ]),
  ReduceMean: row('quantizable', ['transformer-float', 'keeps-sign', 'squeezes', 'normalizes'], FIRST),
  ReduceSum: row('quantizable', ['transformer-float', 'normalizes'], FIRST),
  ReduceL2: row('quantizable', ['transformer-float', 'never-negative', 'normalizes'], FIRST),
  BatchNormalization: row('quantizable', ['transformer-float', 'keeps-blocks', 'affine'], FIRST),
  Resize: row('quantizable', ['averages', 'takes-codes'], FIRST),

  // Activations
  Relu: row('float', ['activation', 'absorbed', 'keeps-blocks', 'never-negative', 'between-gates']),
  LeakyRelu: row('float', ['activation', 'integer-output', 'one-scale', 'between-gates']),
  ThresholdedRelu: row('float', ['activation']),
  Elu: row('float', ['activation']),
  PRelu: row('float', ['activation', 'between-gates']),
  Sigmoid: row('float', [
    'activation',
    'integer-output',
    'one-scale',
    'keeps-blocks',
    'never-negative',
    'between-gates',
    'gate',
    'gates-itself',
    'squashes',
    'rises',
  ]),
  HardSigmoid: row('quantizable', ['activation', 'never-negative', 'gate', 'gates-itself', 'squashes']),
  HardSwish: row('float', ['activation', 'between-gates', 'gates-itself']),
  Selu: row('float', ['activation']),
  Clip: row('float', ['activation', 'absorbed', 'keeps-blocks', 'between-gates']),
  Tanh: row('float', ['keeps-blocks', 'rises']),

  // What only moves values
  MaxPool: row('agnostic', ['carries-dequantize', 'maximum', 'keeps-channels', 'keeps-blocks', 'keeps-sign']),
  GlobalMaxPool: row('agnostic', ['maximum', 'keeps-channels', 'keeps-sign']),
  ReduceMax: row('agnostic', ['maximum', 'keeps-sign']),
  Reshape: row('agnostic', [
    'carries-dequantize',
    'keeps-sign',
    'reshapes-attention',
    'between-attention',
    'between-gates',
    'reshapes',
  ]),
  Flatten: row('agnostic', ['stops-dequantize', 'keeps-sign', 'reshapes']),
  Transpose: row('agnostic', [
    'carries-dequantize',
    'keeps-sign',
    'reshapes-attention',
    'between-attention',
    'reshapes',
  ]),
  Squeeze: row('agnostic', [
    'carries-dequantize',
    'transformer-float',
    'keeps-sign',
    'reshapes-attention',
    'reshapes',
  ]),
  Unsqueeze: row('agnostic', ['carries-dequantize', 'keeps-sign', 'reshapes']),
  Split: row('agnostic', ['stops-dequantize', 'keeps-sign', 'reshapes-attention']),
  Slice: row('agnostic', ['stops-dequantize', 'keeps-sign']),
  Tile: row('agnostic', ['stops-dequantize', 'keeps-sign']),
  Expand: row('agnostic', ['stops-dequantize', 'keeps-sign']),
  Pad: row('agnostic', ['stops-dequantize']),
  CenterCropPad: row('agnostic', []),
  Gather: row('agnostic', ['stops-dequantize', 'reshapes-attention', 'embeds'], { weight: EMBEDDING }),
  GatherND: row('agnostic', []),
  GatherElements: row('agnostic', []),
  DepthToSpace: row('agnostic', ['stops-dequantize', 'keeps-sign']),
  SpaceToDepth: row('agnostic', ['stops-dequantize', 'keeps-sign']),
  Scatter: row('agnostic', [], { moved: [0, 2] }),
  ScatterElements: row('agnostic', [], { moved: [0, 2] }),
  ScatterND: row('agnostic', [], { moved: [0, 2] }),
  CastLike: row('agnostic', []),
  Dropout: row('agnostic', ['keeps-channels', 'between-attention', 'copies']),
  Identity: row('agnostic', ['keeps-channels', 'between-attention', 'copies', 'reshapes']),
  Concat: row('concat', ['integer-output', 'keeps-blocks', 'keeps-all-signs', 'reshapes-attention'], {
    moved: 'all',
  }),

  // Others that something is known of
  Shape: row('float', ['shape-only']),
  Size: row('float', ['shape-only']),
  Softmax: row('float', ['never-negative', 'probabilities', 'squashes']),
  LayerNormalization: row('float', ['normalizes']),
  RMSNormalization: row('float', ['normalizes']),
  SimplifiedLayerNormalization: row('float', ['normalizes']),
  LogSoftmax: row('float', ['squashes']),
  Einsum: row('float', ['attention-product']),
  Cast: row('float', ['between-attention', 'copies']),
  Where: row('float', ['between-attention']),
  TopK: row('float', ['selects']),
  NonMaxSuppression: row('float', ['selects']),
  LSTM: row('float', [], { weight: RECURRENT }),
  GRU: row('float', [], { weight: RECURRENT }),
  RNN: row('float', [], { weight: RECURRENT }),
  If: row('float', ['runs-bodies']),
  Loop: row('float', ['runs-bodies']),
  Scan: row('float', ['runs-bodies']),
  Softplus: row('float', ['never-negative']),
  Abs: row('float', ['never-negative']),
  Exp: row('float', ['never-negative']),
  Log: row('float', ['can-make-nan', 'logarithm']),
  Acos: row('float', ['can-make-nan']),
  Acosh: row('float', ['can-make-nan']),
  Asin: row('float', ['can-make-nan']),
  Atanh: row('float', ['can-make-nan']),
  RandomNormal: row('float', ['not-constant']),
  RandomUniform: row('float', ['not-constant']),
  RandomNormalLike: row('float', ['not-constant']),
  RandomUniformLike: row('float', ['not-constant']),
  Multinomial: row('float', ['not-constant']),
  Bernoulli: row('float', ['not-constant']),
  QuantizeLinear: row('float', ['not-constant']),
  DequantizeLinear: row('float', ['not-constant']),
});
