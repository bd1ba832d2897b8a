// The letters of equations. cspell:ignore bhte bhse bhts bthe bikl
import { toHalves } from '@quantsmith/model/arrays';
import {
  makeNode,
  makeTensor,
  type ModelProto,
  type NodeProto,
  type TensorProto,
} from '@quantsmith/model/onnx';
import { floats, ints, model, node, randoms, value } from '../../test/kit/models.js';

const BOOL = 9;
const FLOAT16 = 10;

export interface Variant {
  readonly built: ModelProto;
  /** The shape of a sample, without the axis of samples. */
  readonly shape: readonly number[];
  /** Linear operators that integer kernels compute. */
  readonly integer: number;
  /** Whether the input is float16. */
  readonly half?: boolean;
  /** What all samples are multiplied by; left out: 1. */
  readonly factor?: number;
}

export const matrix = (name: string, rows: number, columns: number, seed: number) =>
  floats(name, [rows, columns], randoms(rows * columns, seed));

export function ofRows(
  nodes: NodeProto[],
  initializers: TensorProto[],
  shape: readonly number[] = [8],
): ModelProto {
  return model({
    inputs: [value('x', [1, ...shape])],
    outputs: [value('y')],
    nodes,
    initializers,
    opset: 17,
  });
}

const microsoft = (
  op: string,
  inputs: string[],
  output: string,
  attributes: Parameters<typeof makeNode>[3] = {},
) => makeNode(op, inputs, [output], attributes, { name: `${op}_node`, domain: 'com.microsoft' });

/** Patterns of exporters beyond the cases: random samples come out the same to 25 dB. */
export const VARIANTS: Readonly<Record<string, Variant>> = {
  'Einsum with joined axes, as JAX and Keras write attention': {
    built: ofRows(
      [
        node('Einsum', ['x', 'Q'], ['q'], { equation: 'btd,dhe->bhte' }),
        node('Einsum', ['x', 'K'], ['k'], { equation: '...sd,dhe->...hse' }),
        node('Einsum', ['q', 'k'], ['scores'], { equation: 'bhte,bhse->bhts' }),
        node('Softmax', ['scores'], ['p'], { axis: -1 }),
        node('Einsum', ['p', 'k'], ['mixed'], { equation: 'bhts,bhse->bthe' }),
        node('Einsum', ['mixed', 'O'], ['y'], { equation: 'bthe,hed->btd' }),
      ],
      [
        floats('Q', [8, 2, 4], randoms(64, 2)),
        floats('K', [8, 2, 4], randoms(64, 3)),
        floats('O', [2, 4, 8], randoms(64, 4)),
      ],
      [6, 8],
    ),
    shape: [6, 8],
    // In a transformer the product behind the Softmax stays in float.
    integer: 4,
  },
  'nothing but one Einsum, its result implied': {
    built: ofRows([node('Einsum', ['x', 'W'], ['y'], { equation: 'ij,jk' })], [matrix('W', 8, 4, 2)]),
    shape: [8],
    integer: 1,
  },
  'products that the runtime has fused': {
    built: ofRows(
      [
        microsoft('FusedMatMul', ['x', 'W'], 'a', { transB: 1, alpha: { float: 0.5 } }),
        microsoft('FusedGemm', ['a', 'V', 'b'], 'y', { activation: 'Relu' }),
      ],
      [matrix('W', 16, 8, 2), matrix('V', 16, 4, 3), floats('b', [4], randoms(4, 4))],
    ),
    shape: [8],
    integer: 2,
  },
  'a convolution that the runtime has fused with a residual': {
    built: ofRows(
      [
        node('Conv', ['x', 'K'], ['r'], { pads: [1, 1, 1, 1] }),
        microsoft('FusedConv', ['r', 'L', 'b', 'r'], 'a', { activation: 'Relu', pads: [1, 1, 1, 1] }),
        node('Conv', ['a', 'M'], ['y']),
      ],
      [
        floats('K', [4, 3, 3, 3], randoms(108, 2)),
        floats('L', [4, 4, 3, 3], randoms(144, 3)),
        floats('b', [4], randoms(4, 5)),
        floats('M', [2, 4, 3, 3], randoms(72, 4)),
      ],
      [3, 6, 6],
    ),
    shape: [3, 6, 6],
    integer: 3,
  },
  'a transposed convolution, which has no integer kernel': {
    built: ofRows(
      [
        node('Conv', ['x', 'K'], ['a']),
        node('ConvTranspose', ['a', 'L'], ['b'], { strides: [2, 2], auto_pad: 'SAME_UPPER' }),
        node('Conv', ['b', 'M'], ['y']),
      ],
      [
        floats('K', [4, 3, 3, 3], randoms(108, 2)),
        floats('L', [4, 4, 3, 3], randoms(144, 3)),
        floats('M', [2, 4, 3, 3], randoms(72, 4)),
      ],
      [3, 6, 6],
    ),
    shape: [3, 6, 6],
    integer: 2,
  },
  'a convolution and a dense layer as jax2tf writes them through tf2onnx': {
    built: ofRows(
      [
        node('Transpose', ['x'], ['t'], { perm: [0, 3, 1, 2] }),
        node('Transpose', ['K'], ['k'], { perm: [3, 2, 0, 1] }),
        node('Conv', ['t', 'k'], ['c'], { auto_pad: 'SAME_UPPER', strides: [2, 2] }),
        node('Transpose', ['c'], ['n'], { perm: [0, 2, 3, 1] }),
        node('Add', ['n', 'b'], ['d']),
        node('Max', ['d', 'zero'], ['r']),
        node('Reshape', ['r', 'flat'], ['f']),
        node('Einsum', ['f', 'W'], ['y'], { equation: 'bd,de->be' }),
      ],
      [
        floats('K', [3, 3, 3, 8], randoms(216, 2)),
        floats('b', [1, 1, 1, 8], randoms(8, 3)),
        floats('zero', [], [0]),
        ints('flat', [1, 128]),
        matrix('W', 128, 4, 4),
      ],
      [8, 8, 3],
    ),
    shape: [8, 8, 3],
    integer: 2,
  },
  'a weight without elements': {
    built: ofRows(
      [
        node('MatMul', ['x', 'none'], ['a']),
        node('MatMul', ['x', 'W'], ['b']),
        node('Concat', ['a', 'b'], ['y'], { axis: 1 }),
      ],
      [floats('none', [8, 0], []), matrix('W', 8, 4, 2)],
    ),
    shape: [8],
    integer: 1,
  },
  'parts without channels, joined with the rest and averaged': {
    built: model({
      inputs: [value('x', [1, 3, 8, 8])],
      outputs: [value('y'), value('m')],
      nodes: [
        node('Conv', ['x', 'K'], ['a']),
        node('Slice', ['a', 'zero', 'zero', 'channels'], ['none']),
        node('ReduceMean', ['none'], ['m'], { axes: [2, 3] }),
        node('Concat', ['none', 'a'], ['b'], { axis: 1 }),
        node('Conv', ['b', 'L'], ['y']),
      ],
      initializers: [
        floats('K', [4, 3, 3, 3], randoms(108, 2)),
        ints('zero', [0]),
        ints('channels', [1]),
        floats('L', [4, 4, 3, 3], randoms(144, 3)),
      ],
    }),
    shape: [3, 8, 8],
    integer: 2,
  },
  'a part without rows, as only a run tells': {
    built: model({
      inputs: [value('x', ['n', 3, 'h', 'w'])],
      outputs: [value('y')],
      nodes: [
        node('Conv', ['x', 'K'], ['a']),
        node('Shape', ['a'], ['sizes']),
        node('Gather', ['sizes', 'rows'], ['height']),
        node('Slice', ['numbers', 'height', 'end'], ['picked']),
        node('Gather', ['a', 'picked'], ['none'], { axis: 2 }),
        node('Tanh', ['none'], ['t']),
        node('Concat', ['a', 't'], ['b'], { axis: 2 }),
        node('Conv', ['b', 'L'], ['y']),
      ],
      initializers: [
        floats('K', [4, 3, 3, 3], randoms(108, 2)),
        ints('rows', [2]),
        ints('numbers', [0, 1, 2]),
        ints('end', [1000]),
        floats('L', [4, 4, 3, 3], randoms(144, 3)),
      ],
    }),
    shape: [3, 8, 8],
    integer: 2,
  },
  'a product over no elements, of which the bias alone is left': {
    built: ofRows(
      [
        node('Slice', ['x', 'zero', 'zero', 'columns'], ['none']),
        node('Gemm', ['none', 'E', 'b'], ['a']),
        node('Gemm', ['x', 'W'], ['c']),
        node('Add', ['a', 'c'], ['y']),
      ],
      [
        ints('zero', [0]),
        ints('columns', [1]),
        floats('E', [0, 4], []),
        floats('b', [4], randoms(4, 3)),
        matrix('W', 8, 4, 2),
      ],
    ),
    shape: [8],
    integer: 1,
  },
  'values of a billionth': {
    built: ofRows(
      [node('Gemm', ['x', 'W'], ['a']), node('LeakyRelu', ['a'], ['b']), node('Gemm', ['b', 'V'], ['y'])],
      [matrix('W', 8, 16, 2), matrix('V', 16, 4, 3)],
    ),
    shape: [8],
    integer: 2,
    factor: 1e-9,
  },
  'large values and weights of a ten-millionth': {
    built: ofRows(
      [node('Conv', ['x', 'K', 'b'], ['a']), node('Relu', ['a'], ['r']), node('Conv', ['r', 'L'], ['y'])],
      [
        floats(
          'K',
          [4, 3, 3, 3],
          randoms(108, 2).map((weight) => weight * 1e-7),
        ),
        floats('b', [4], randoms(4, 4)),
        floats('L', [4, 4, 3, 3], randoms(144, 3)),
      ],
      [3, 6, 6],
    ),
    shape: [3, 6, 6],
    integer: 2,
    factor: 1e7,
  },
  'the largest of masked values, by Where and by a penalty': {
    built: model({
      inputs: [value('x', [1, 6, 8])],
      outputs: [value('y')],
      nodes: [
        node('MatMul', ['x', 'W'], ['a']),
        node('Where', ['mask', 'a', 'low'], ['b']),
        node('ReduceMax', ['b'], ['c'], { axes: [1], keepdims: 0 }),
        node('MatMul', ['c', 'V'], ['d']),
        node('Mul', ['left', 'low'], ['penalty']),
        node('Unsqueeze', ['penalty', 'last'], ['e']),
        node('Add', ['a', 'e'], ['f']),
        node('ReduceMax', ['f'], ['g'], { axes: [1], keepdims: 0 }),
        node('MatMul', ['g', 'V'], ['h']),
        node('Add', ['d', 'h'], ['y']),
      ],
      initializers: [
        matrix('W', 8, 8, 2),
        makeTensor('mask', [1, 6, 1], BOOL, Uint8Array.of(1, 1, 0, 1, 0, 0)),
        floats('low', [], [-1e9]),
        floats('left', [1, 6], [0, 0, 1, 0, 1, 1]),
        ints('last', [2]),
        matrix('V', 8, 4, 3),
      ],
    }),
    shape: [6, 8],
    integer: 3,
  },
  'padding below all values between Transposes, as tf2onnx writes it': {
    built: model({
      inputs: [value('x', [1, 3, 8, 8])],
      outputs: [value('y')],
      nodes: [
        node('Conv', ['x', 'K'], ['a']),
        node('Transpose', ['a'], ['b'], { perm: [0, 2, 3, 1] }),
        node('Pad', ['b', 'amounts', 'low'], ['c']),
        node('Transpose', ['c'], ['d'], { perm: [0, 3, 1, 2] }),
        node('MaxPool', ['d'], ['e'], { kernel_shape: [3, 3], strides: [2, 2] }),
        node('Conv', ['e', 'L'], ['y']),
      ],
      initializers: [
        floats('K', [4, 3, 3, 3], randoms(108, 2)),
        ints('amounts', [0, 1, 1, 0, 0, 1, 1, 0]),
        floats('low', [], [-Infinity]),
        floats('L', [4, 4, 3, 3], randoms(144, 3)),
      ],
    }),
    shape: [3, 8, 8],
    integer: 2,
  },
  'padding below all values, joined': {
    built: model({
      inputs: [value('x', [1, 3, 8, 8])],
      outputs: [value('y')],
      nodes: [
        node('Conv', ['x', 'K'], ['a']),
        node('Conv', ['x', 'M'], ['b']),
        node('Pad', ['a', 'amounts', 'low'], ['c']),
        node('Pad', ['b', 'amounts', 'low'], ['d']),
        node('Concat', ['c', 'd'], ['e'], { axis: 1 }),
        node('MaxPool', ['e'], ['f'], { kernel_shape: [3, 3], strides: [2, 2] }),
        node('Conv', ['f', 'L'], ['y']),
      ],
      initializers: [
        floats('K', [4, 3, 3, 3], randoms(108, 2)),
        floats('M', [4, 3, 3, 3], randoms(108, 4)),
        ints('amounts', [0, 0, 1, 1, 0, 0, 1, 1]),
        floats('low', [], [-Infinity]),
        floats('L', [4, 8, 3, 3], randoms(288, 3)),
      ],
    }),
    shape: [3, 8, 8],
    integer: 3,
  },
  'products written as Einsum': {
    built: ofRows(
      [
        node('Einsum', ['x', 'Q'], ['q'], { equation: 'bij,kj->bik' }),
        node('Einsum', ['x', 'K'], ['k'], { equation: 'b i j, j k -> b i k' }),
        node('Einsum', ['q', 'k'], ['scores'], { equation: 'bqd,bkd->bqk' }),
        node('Softmax', ['scores'], ['p'], { axis: -1 }),
        node('Einsum', ['p', 'x'], ['mixed'], { equation: 'bqk,bkd->bqd' }),
        node('MatMul', ['mixed', 'W'], ['y']),
      ],
      [matrix('Q', 8, 8, 2), matrix('K', 8, 8, 3), matrix('W', 8, 4, 4)],
      [6, 8],
    ),
    shape: [6, 8],
    integer: 5,
  },
  'an Einsum with a tensor of rank three': {
    built: ofRows(
      [node('MatMul', ['x', 'W'], ['a']), node('Einsum', ['a', 'T'], ['y'], { equation: 'bij,jkl->bikl' })],
      [matrix('W', 8, 4, 2), floats('T', [4, 3, 2], randoms(24, 3))],
      [6, 8],
    ),
    shape: [6, 8],
    integer: 2,
  },
  'float16 with an optional input': {
    built: model({
      inputs: [value('x', [1, 8], FLOAT16), value('factor', [1], FLOAT16)],
      outputs: [value('y', [1, 4], FLOAT16)],
      nodes: [node('MatMul', ['x', 'W'], ['a']), node('Mul', ['a', 'factor'], ['y'])],
      initializers: [
        makeTensor('W', [8, 4], FLOAT16, toHalves(randoms(32, 2))),
        makeTensor('factor', [1], FLOAT16, toHalves(Float32Array.of(1.5))),
      ],
    }),
    shape: [8],
    integer: 1,
    half: true,
  },
  'a Gemm with a C of run time': {
    built: ofRows(
      [
        node('MatMul', ['x', 'W'], ['c']),
        node('Gemm', ['x', 'V', 'c'], ['y'], { alpha: { float: 0.5 }, beta: { float: 2 } }),
      ],
      [matrix('W', 8, 4, 2), matrix('V', 8, 4, 3)],
    ),
    shape: [8],
    integer: 2,
  },
  'one-dimensional convolutions with padding by name': {
    built: ofRows(
      [
        node('Conv', ['x', 'K'], ['a'], { auto_pad: 'SAME_UPPER' }),
        node('Relu', ['a'], ['b']),
        node('Conv', ['b', 'L'], ['y'], { auto_pad: 'VALID' }),
      ],
      [floats('K', [6, 4, 3], randoms(72, 2)), floats('L', [5, 6, 3], randoms(90, 3))],
      [4, 32],
    ),
    shape: [4, 32],
    integer: 2,
  },
  'a recurrent layer between products': {
    built: ofRows(
      [
        node('MatMul', ['x', 'W'], ['a']),
        node('Transpose', ['a'], ['t'], { perm: [1, 0, 2] }),
        node('LSTM', ['t', 'input', 'recurrent'], ['o'], { hidden_size: 8 }),
        node('Squeeze', ['o', 'one'], ['s']),
        node('MatMul', ['s', 'V'], ['y']),
      ],
      [
        matrix('W', 8, 6, 2),
        floats('input', [1, 32, 6], randoms(192, 3)),
        floats('recurrent', [1, 32, 8], randoms(256, 4)),
        ints('one', [1]),
        matrix('V', 8, 4, 5),
      ],
      [5, 8],
    ),
    shape: [5, 8],
    integer: 2,
  },
  'the fused operators of the runtime’s own optimizer': {
    built: model({
      inputs: [value('x', [1, 6, 16])],
      outputs: [value('y')],
      nodes: [
        ...['Q', 'K', 'V'].map((name) => node('MatMul', ['x', name], [name.toLowerCase()])),
        microsoft('MultiHeadAttention', ['q', 'k', 'v'], 'a', { num_heads: 2 }),
        microsoft('SkipLayerNormalization', ['a', 'x', 'gain', 'shift'], 'n'),
        microsoft('FusedMatMul', ['n', 'W'], 'f', { transB: 1 }),
        microsoft('Gelu', ['f'], 'g'),
        node('MatMul', ['g', 'U'], ['y']),
      ],
      initializers: [
        ...['Q', 'K', 'V', 'W', 'U'].map((name, index) => matrix(name, 16, 16, 2 + index)),
        floats('gain', [16], randoms(16, 8)),
        floats('shift', [16], randoms(16, 9)),
      ],
      opset: 17,
      domains: { 'com.microsoft': 1 },
    }),
    shape: [6, 16],
    integer: 5,
  },
  'attention and root mean square of operator set 23': {
    built: model({
      inputs: [value('x', [1, 6, 16])],
      outputs: [value('y')],
      nodes: [
        node('RMSNormalization', ['x', 'gain'], ['n']),
        ...['Q', 'K', 'V'].map((name) => node('MatMul', ['n', name], [name.toLowerCase()])),
        node('Attention', ['q', 'k', 'v'], ['a'], { q_num_heads: 2, kv_num_heads: 2 }),
        node('MatMul', ['a', 'U'], ['y']),
      ],
      initializers: [
        ...['Q', 'K', 'V', 'U'].map((name, index) => matrix(name, 16, 16, 2 + index)),
        floats('gain', [16], randoms(16, 8)),
      ],
      opset: 23,
      ir: 11,
    }),
    shape: [6, 16],
    integer: 4,
  },
  'a grid, a cubic Resize and normalized groups between convolutions': {
    built: model({
      inputs: [value('x', [1, 3, 8, 8])],
      outputs: [value('y')],
      nodes: [
        node('Conv', ['x', 'K'], ['a'], { pads: [1, 1, 1, 1] }),
        node('GroupNormalization', ['a', 'gain', 'shift'], ['n'], { num_groups: 2 }),
        node('GridSample', ['n', 'grid'], ['g'], { mode: 'linear' }),
        node('Resize', ['g', '', 'scales'], ['r'], { mode: 'cubic' }),
        node('Conv', ['r', 'L'], ['y']),
      ],
      initializers: [
        floats('K', [6, 3, 3, 3], randoms(162, 2)),
        floats('gain', [6], randoms(6, 3)),
        floats('shift', [6], randoms(6, 4)),
        floats('grid', [1, 6, 6, 2], randoms(72, 5)),
        floats('scales', [4], [1, 1, 2, 2]),
        floats('L', [4, 6, 3, 3], randoms(216, 6)),
      ],
      opset: 21,
      ir: 10,
    }),
    shape: [3, 8, 8],
    integer: 2,
  },
  'layers of columns: a constant on the left, as MATLAB and Paddle write them, alone and stacked': {
    built: model({
      inputs: [value('x', [1, 3, 16, 10])],
      outputs: [value('y')],
      nodes: [
        node('MatMul', ['W', 'x'], ['a']),
        node('Relu', ['a'], ['r']),
        node('MatMul', ['V', 'r'], ['y']),
      ],
      initializers: [floats('W', [1, 3, 12, 16], randoms(576, 2)), matrix('V', 6, 12, 3)],
    }),
    shape: [3, 16, 10],
    integer: 2,
  },
  'a Pad of some axes, and parts of uneven size, between convolutions': {
    built: model({
      inputs: [value('x', [1, 3, 8, 8])],
      outputs: [value('y')],
      nodes: [
        node('Conv', ['x', 'K'], ['a']),
        makeNode('Pad', ['a', 'amounts', '', 'axes'], ['b'], { mode: 'reflect' }, { name: 'pad' }),
        node('Conv', ['b', 'L'], ['c']),
        makeNode('Split', ['c'], ['d', 'e'], { axis: 1, num_outputs: 2 }, { name: 'split' }),
        node('Conv', ['d', 'M'], ['f']),
        node('Conv', ['e', 'N'], ['g']),
        node('Add', ['f', 'g'], ['y']),
      ],
      initializers: [
        floats('K', [6, 3, 3, 3], randoms(162, 2)),
        ints('amounts', [1, 2, 0, 1]),
        ints('axes', [2, -1]),
        floats('L', [7, 6, 3, 3], randoms(378, 3)),
        floats('M', [4, 4, 1, 1], randoms(16, 4)),
        floats('N', [4, 3, 1, 1], randoms(12, 5)),
      ],
      opset: 18,
    }),
    shape: [3, 8, 8],
    integer: 4,
  },
  'a fixed Reshape under a free batch': {
    built: model({
      inputs: [value('x', ['n', 3, 6, 6])],
      outputs: [value('y')],
      nodes: [
        node('Conv', ['x', 'K'], ['a']),
        node('Reshape', ['a', 'flat'], ['b']),
        node('MatMul', ['b', 'W'], ['y']),
      ],
      initializers: [
        floats('K', [4, 3, 3, 3], randoms(108, 2)),
        ints('flat', [1, 64]),
        matrix('W', 64, 4, 3),
      ],
    }),
    shape: [3, 6, 6],
    integer: 2,
  },
};
