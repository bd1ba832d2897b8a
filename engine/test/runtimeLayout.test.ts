import { describe, expect, it } from 'vitest';
import { readModel } from '@quantsmith/model/onnx';
import { floats, model, node, value } from '../../test/kit/models.js';
import { quantizeModel } from '../../test/kit/quantize.js';

const WAVES = Array.from({ length: 8 * 8 * 8 }, (_, index) => Math.sin(index));
const weight = (name: string, inputs: number) =>
  floats(
    name,
    [8, inputs, 1, 1],
    Array.from({ length: 8 * inputs }, (_, index) => Math.cos(3 * index)),
  );
const swish = (input: string, output: string) => [
  node('Sigmoid', [input], [`${output}_gate`], {}, `${output}_sigmoid`),
  node('Mul', [input, `${output}_gate`], [output], {}, `${output}_mul`),
];

/** The kernels that compute a network with input x and output y, both of 8 channels. */
async function kernelsOf(network: ReturnType<typeof model>, types: string[] = []) {
  const quantization = { defaults: 'nncf' as const, ignored_scope: { types } };
  const { report } = await quantizeModel(network, [{ shape: [8, 8, 8], data: WAVES }], quantization);
  return report.kernels;
}

describe('integer kernels from end to end', () => {
  it('swish between convolutions', async () => {
    const { float, by_op: operators } = await kernelsOf(
      model({
        nodes: [
          node('Conv', ['x', 'w1'], ['a'], {}, 'first'),
          ...swish('a', 'b'),
          node('Conv', ['b', 'w2'], ['y'], {}, 'second'),
        ],
        inputs: [value('x', [1, 8, 8, 8])],
        outputs: [value('y', [1, 8, 8, 8])],
        initializers: [weight('w1', 8), weight('w2', 8)],
      }),
    );
    expect(operators).toMatchObject({ QLinearConv: 2, QLinearSigmoid: 1, QLinearMul: 1 });
    expect(operators['Sigmoid'] ?? operators['Mul']).toBeUndefined();
    expect(float).toBe(0);
  });
  it('a Concat of poolings of one tensor', async () => {
    const pool = (size: number) =>
      node(
        'MaxPool',
        ['a'],
        [`p${size}`],
        { kernel_shape: [size, size], pads: Array.from({ length: 4 }, () => (size - 1) / 2) },
        `pool${size}`,
      );
    const { by_op: operators } = await kernelsOf(
      model({
        nodes: [
          node('Conv', ['x', 'w1'], ['r'], {}, 'first'),
          node('Relu', ['r'], ['a'], {}, 'relu'),
          pool(3),
          pool(5),
          node('Concat', ['a', 'p3', 'p5'], ['c'], { axis: 1 }, 'concat'),
          node('Conv', ['c', 'w2'], ['y'], {}, 'second'),
        ],
        inputs: [value('x', [1, 8, 8, 8])],
        outputs: [value('y', [1, 8, 8, 8])],
        initializers: [weight('w1', 8), weight('w2', 24)],
      }),
    );
    expect(operators).toMatchObject({ QLinearConv: 2, QLinearConcat: 1 });
    expect(operators['Concat']).toBeUndefined();
  });
  it('operators of the ignored scope compute in float', async () => {
    const network = model({
      nodes: [
        node('Conv', ['x', 'w1'], ['a'], {}, 'first'),
        ...swish('a', 'b'),
        node('Conv', ['b', 'w2'], ['c'], {}, 'second'),
        node('Sigmoid', ['c'], ['d'], {}, 'alone'),
        node('Conv', ['d', 'w2'], ['e'], {}, 'third'),
        node('Add', ['d', 'e'], ['f'], {}, 'sum'),
        node('Conv', ['f', 'w2'], ['y'], {}, 'fourth'),
      ],
      inputs: [value('x', [1, 8, 8, 8])],
      outputs: [value('y', [1, 8, 8, 8])],
      initializers: [weight('w1', 8), weight('w2', 8)],
    });
    const all = await kernelsOf(network);
    expect(all.by_op).toMatchObject({ QLinearConv: 4, QLinearSigmoid: 2, QLinearMul: 1, QLinearAdd: 1 });
    const { by_op: operators } = await kernelsOf(network, ['Sigmoid', 'Mul', 'Add']);
    for (const op of ['QLinearSigmoid', 'QLinearMul', 'QLinearAdd']) expect(operators[op]).toBeUndefined();
    // The first convolution keeps its kernel: swish reads its rounded result. Before the others float needs float.
    expect(operators['QLinearConv']).toBeGreaterThanOrEqual(1);
  });
  it('what becomes an integer is not rounded before', async () => {
    const { by_op: operators } = await kernelsOf(
      model({
        nodes: [
          node('Conv', ['x', 'w1'], ['a'], {}, 'first'),
          node('Conv', ['a', 'w2'], ['y'], {}, 'second'),
          node('Cast', ['a'], ['n'], { to: 7 }, 'cast'),
        ],
        inputs: [value('x', [1, 8, 8, 8])],
        outputs: [value('y', [1, 8, 8, 8]), value('n', [1, 8, 8, 8], 7)],
        initializers: [weight('w1', 8), weight('w2', 8)],
      }),
    );
    expect(operators).toMatchObject({ Conv: 1, QLinearConv: 1 });
  });
});

describe('what the report says of kernels', () => {
  it('names the kernel of a product with its bias, and none for what is in float beside it', async () => {
    const square = (name: string, step: number) =>
      floats(
        name,
        [8, 8],
        Array.from({ length: 64 }, (_, index) => Math.cos(step * index)),
      );
    const network = model({
      nodes: [
        node('MatMul', ['x', 'w1'], ['a'], {}, 'plain'),
        node('Add', ['a', 'b'], ['q'], {}, 'plain_bias'),
        node('MatMul', ['x', 'w2'], ['c'], {}, 'rounded'),
        node('Add', ['c', 'b'], ['k'], {}, 'rounded_bias'),
        node('Transpose', ['k'], ['t'], { perm: [0, 2, 1] }, 'turn'),
        node('MatMul', ['q', 't'], ['s'], {}, 'scores'),
        node('Softmax', ['s'], ['y'], {}, 'softmax'),
      ],
      inputs: [value('x', [1, 8, 8])],
      outputs: [value('y', [1, 8, 8])],
      initializers: [square('w1', 3), square('w2', 5), floats('b', [8], WAVES.slice(0, 8))],
    });
    const samples = [{ shape: [8, 8], data: WAVES.slice(0, 64) }];
    const overrides = [{ names: ['plain'], float: true }];
    const { report } = await quantizeModel(network, samples, { defaults: 'nncf', overrides });
    const layer = (name: string) => report.layers.find((other) => other.name === name);
    expect(layer('plain')).toMatchObject({ quantized: false, runs: 'float', kernel: null });
    expect(layer('rounded')).toMatchObject({ quantized: true, runs: 'integer', kernel: 'QGemm' });
    expect(layer('scores')).toMatchObject({ runs: 'integer', kernel: 'MatMulIntegerToFloat' });
  });
});

describe('the written model', () => {
  it('stores equal zero points of weights and biases once', async () => {
    const network = model({
      nodes: [
        node('Conv', ['x', 'w1', 'b1'], ['a'], {}, 'first'),
        node('Conv', ['a', 'w2', 'b2'], ['y'], {}, 'second'),
      ],
      inputs: [value('x', [1, 8, 8, 8])],
      outputs: [value('y', [1, 8, 8, 8])],
      initializers: [
        ...[weight('w1', 8), weight('w2', 8)],
        ...['b1', 'b2'].map((name) => floats(name, [8], WAVES.slice(0, 8))),
      ],
    });
    const { output, report } = await quantizeModel(network, [{ shape: [8, 8, 8], data: WAVES }], {});
    const { node: nodes, initializer } = (await readModel(output)).model.graph;
    const perChannel = (name: string) =>
      initializer.find((tensor) => tensor.name === name)?.dims.length === 1;
    const zeroPoints = nodes
      .filter(({ opType, input }) => opType === 'DequantizeLinear' && perChannel(input[1]!))
      .map(({ input }) => input[2]!);
    // Two of weights, two of biases.
    expect(zeroPoints.length).toBe(4);
    expect(new Set(zeroPoints).size).toBe(2);
    expect(report.kernels.by_op).toMatchObject({ QLinearConv: 2 });
  });
});
