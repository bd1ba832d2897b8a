import { type ModelProto, type NodeProto, type TensorProto, makeTensor } from '@quantsmith/model/onnx';
import { floats, model, node, randoms, value } from '../../test/kit/models.js';

const UINT8 = 2;
const INT8 = 3;
const INT32 = 6;
const INPUT_SCALE = 0.02;

/** A layer between quantizers. */
export interface Layer {
  readonly op: 'Conv' | 'Gemm' | 'MatMul';
  /** Of the activations. */
  readonly signed: boolean;
  readonly perChannel: boolean;
  readonly bias: boolean;
  /** Whether the result is quantized too. */
  readonly quantized: boolean;
  readonly group: number;
  /** Of one group. */
  readonly inputs: number;
  readonly outputs: number;
  readonly kernel: number;
  readonly stride: number;
  /** Rows and columns on each side, or the mode that says how many. */
  readonly pad: number | 'SAME_UPPER' | 'SAME_LOWER';
  readonly dilation: number;
  /** Of the image, or rows of the matrix. */
  readonly size: number;
  /** The weights' codes, in the order of their tensor. */
  readonly weight: (index: number) => number;
  /** The weights' zero point; default 0. */
  readonly weightZero?: number;
}

/** As a tool writes it: the model of one layer, from `x` to `y`. */
export function layerModel(layer: Layer): { readonly proto: ModelProto; readonly dims: readonly number[] } {
  const { op, inputs, group, size, quantized } = layer;
  const convolution = op === 'Conv';
  const depth = inputs * (convolution ? layer.kernel ** 2 : 1);
  const parts = [activation(layer), weights(layer, depth), ...biases(layer)];
  const operands = parts.map(({ output }) => output);
  const result = node(op, operands, [quantized ? 'y_f' : 'y'], attributesOf(layer), 'layer');
  const back = quantized
    ? [
        node('QuantizeLinear', ['y_f', 'y_s', 'y_z'], ['y_q']),
        node('DequantizeLinear', ['y_q', 'y_s', 'y_z'], ['y']),
      ]
    : [];
  const dims = convolution ? [2, inputs * group, size, size] : [size, inputs];
  const proto = model({
    inputs: [value('x', dims)],
    outputs: [value('y')],
    nodes: [...parts.flatMap(({ nodes }) => nodes), result, ...back],
    initializers: [
      ...parts.flatMap(({ constants }) => constants),
      floats('y_s', [], [INPUT_SCALE * 0.01 * 200 * Math.sqrt(depth)]),
      codes('y_z', [], [layer.signed ? 5 : 130], layer.signed),
    ],
  });
  return { proto, dims };
}

interface Part {
  readonly nodes: readonly NodeProto[];
  readonly constants: readonly TensorProto[];
  readonly output: string;
}

function activation({ signed }: Layer): Part {
  return {
    nodes: [
      node('QuantizeLinear', ['x', 'x_s', 'x_z'], ['x_q']),
      node('DequantizeLinear', ['x_q', 'x_s', 'x_z'], ['x_d']),
    ],
    constants: [floats('x_s', [], [INPUT_SCALE]), codes('x_z', [], [signed ? -3 : 125], signed)],
    output: 'x_d',
  };
}

function weights(layer: Layer, depth: number): Part {
  const { op, group, inputs, outputs, kernel, perChannel, weight, weightZero = 0 } = layer;
  const total = outputsOf({ op, group, outputs });
  const shapes = { Conv: [total, inputs, kernel, kernel], Gemm: [total, inputs], MatMul: [inputs, total] };
  const scales = scalesOf(total, perChannel);
  const values = Array.from({ length: depth * total }, (_, index) => weight(index));
  const per = perChannel ? [total] : [];
  const zeros = scales.map(() => weightZero);
  return {
    nodes: [
      node(
        'DequantizeLinear',
        ['w_q', 'w_s', 'w_z'],
        ['w'],
        perChannel ? { axis: op === 'MatMul' ? 1 : 0 } : {},
      ),
    ],
    constants: [codes('w_q', shapes[op], values), floats('w_s', per, scales), codes('w_z', per, zeros)],
    output: 'w',
  };
}

function biases({ op, group, outputs, perChannel, bias }: Layer): Part[] {
  if (!bias || op === 'MatMul') return [];
  const total = outputsOf({ op, group, outputs });
  const per = perChannel ? [total] : [];
  const scales = scalesOf(total, perChannel).map((scale) => Math.fround(INPUT_SCALE) * Math.fround(scale));
  const values = Int32Array.from(randoms(total), (at) => Math.round(at * 20000));
  return [
    {
      nodes: [node('DequantizeLinear', ['b_q', 'b_s', 'b_z'], ['b'], perChannel ? { axis: 0 } : {})],
      constants: [
        makeTensor('b_q', [total], INT32, values),
        floats('b_s', per, scales),
        makeTensor('b_z', per, INT32, new Int32Array(scales.length)),
      ],
      output: 'b',
    },
  ];
}

function attributesOf({ op, group, stride, pad, dilation }: Layer) {
  if (op === 'MatMul') return {};
  if (op === 'Gemm') return { transB: 1 };
  const [strides, dilations] = [
    [stride, stride],
    [dilation, dilation],
  ];
  const padding = typeof pad === 'string' ? { auto_pad: pad } : { pads: [pad, pad, pad, pad] };
  return { group, strides, dilations, ...padding };
}

const outputsOf = ({ op, group, outputs }: Pick<Layer, 'op' | 'group' | 'outputs'>) =>
  op === 'Conv' ? outputs * group : outputs;

const scalesOf = (total: number, perChannel: boolean) =>
  Array.from({ length: perChannel ? total : 1 }, (_, i) => 0.01 + 0.001 * i);

const codes = (name: string, dims: readonly number[], values: readonly number[], signed = true) =>
  makeTensor(name, dims, signed ? INT8 : UINT8, signed ? Int8Array.from(values) : Uint8Array.from(values));
