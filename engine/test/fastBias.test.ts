import { describe, expect, it } from 'vitest';
import { readFloats, readModel } from '@quantsmith/model/onnx';
import type { QuantizationConfig } from '@quantsmith/schemas';
import { floats, model, node, value } from '../../test/kit/models.js';
import { vectors } from './vectors.js';
import { quantizeModel } from '../../test/kit/quantize.js';

interface Case {
  model: string;
  bias?: number[];
  input?: number[];
  corrected: number[];
}

type Advanced = NonNullable<NonNullable<QuantizationConfig['quantization']>['advanced_parameters']>;

/** The bias of the model's linear operator after quantization with one sample. */
async function correctedBias(...args: Parameters<typeof quantized>) {
  const { output } = await quantized(...args);
  const { model: written, dir } = await readModel(output);
  const initializers = new Map(written.graph.initializer.map((t) => [t.name, t]));
  const layer = written.graph.node.find(({ opType }) => opType === 'Conv' || opType === 'Add')!;
  const bias = initializers.get(layer.input[layer.opType === 'Conv' ? 2 : 1] ?? '');
  return bias === undefined ? null : Array.from(readFloats(bias, dir));
}

async function quantized(
  network: ReturnType<typeof model>,
  sample: { shape: number[]; data: number[] },
  advanced: Advanced = {},
) {
  return quantizeModel(network, [sample], {
    defaults: 'nncf',
    subset_size: 1,
    advanced_parameters: {
      overflow_fix: 'disable',
      backend_params: { runtime: 'openvino', threads: 1 },
      ...advanced,
    },
  });
}

const WEIGHT = [0.1, -2, 1, 0.1, 0.1, 2, -1, 0.1];
const conv = (
  bias: number[] | null,
  rest: ReturnType<typeof node>[] = [],
  more = [] as ReturnType<typeof floats>[],
) =>
  model({
    nodes: [node('Conv', ['x', 'w', ...(bias === null ? [] : ['b'])], ['c']), ...rest],
    inputs: [value('x', [1, 1, 4, 4])],
    outputs: [value(rest.at(-1)?.output[0] ?? 'c', [1, 2, 3, 3])],
    initializers: [
      floats('w', [2, 1, 2, 2], WEIGHT),
      ...(bias === null ? [] : [floats('b', [2], bias)]),
      ...more,
    ],
  });

describe('fast bias correction against the reference', () => {
  const { cases } = vectors<{ cases: Case[] }>('fast_bias_correction_testfile');
  const image = () => ({ shape: [1, 4, 4], data: cases[0]!.input! });
  const near = (actual: number[] | null, expected: number[], tolerance = 1e-4) => {
    expect(actual).toHaveLength(expected.length);
    expected.forEach((x, c) =>
      expect(Math.abs(actual![c]! - x), `bias ${c}: ${actual![c]}`).toBeLessThan(tolerance),
    );
  };

  it('convolution', async () => {
    // A weight lies exactly between two codes here (1 / scale = 63.5): the file's own tolerance holds.
    near(await correctedBias(conv(cases[0]!.bias!), image()), cases[0]!.corrected, 0.01);
  });
  it('convolution and BatchNorm', async () => {
    const norm = node('BatchNormalization', ['c', 'gamma', 'beta', 'mean', 'var'], ['y']);
    const constants = [
      floats('gamma', [2], [0.2, 2]),
      floats('beta', [2], [0.1, 1]),
      floats('mean', [2], [0, 0]),
      floats('var', [2], [1, 1]),
    ];
    near(await correctedBias(conv(null, [norm], constants), image()), cases[1]!.corrected);
  });
  it('matrix product', async () => {
    const { input, bias, corrected } = cases[2]!;
    const linear = model({
      nodes: [node('MatMul', ['x', 'w'], ['m']), node('Add', ['m', 'b'], ['y'])],
      inputs: [value('x', [1, 3, 3])],
      outputs: [value('y', [1, 3, 2])],
      initializers: [floats('w', [3, 2], [0.1, 0.3, 0.2, -0.1, 0.3, 0.2]), floats('b', [2], bias!)],
    });
    near(await correctedBias(linear, { shape: [3, 3], data: input! }), corrected);
  });
});

describe('fast bias correction', () => {
  const image = { shape: [1, 4, 4], data: Array.from({ length: 16 }, (_, i) => (i % 2 === 0 ? 0.5 : 0.75)) };
  it('corrects the other channels of a layer in which one bias is zero', async () => {
    const bias = await correctedBias(conv([0, 1]), image);
    expect(bias![0]).not.toBe(0);
    expect(bias![1]).not.toBe(1);
  });
  it('gives a bias to layers without one when apply_for_all_nodes is set', async () => {
    expect(await correctedBias(conv(null), image)).toBeNull();
    const bias = await correctedBias(conv(null), image, {
      bias_correction_params: { apply_for_all_nodes: true },
    });
    const same = await correctedBias(conv([0, 0]), image);
    expect(bias).toHaveLength(2);
    bias!.forEach((x, c) => expect(x).toBeCloseTo(same![c]!, 6));
  });
  it('leaves a layer alone whose bias would move further than the threshold', async () => {
    const moved = await correctedBias(conv([0.1, 1]), image);
    const kept = await correctedBias(conv([0.1, 1]), image, { bias_correction_params: { threshold: 1e-6 } });
    expect(Array.from(moved!, Math.fround)).not.toEqual([0.1, 1].map(Math.fround));
    expect(kept).toEqual([0.1, 1].map(Math.fround));
  });
  it('does not take the miss of a constant image for an effect of quantization', async () => {
    // A horizontal difference of a ramp, its weights without rounding: the mean output is 1, on a constant image 0.
    const network = model({
      nodes: [node('Conv', ['x', 'w', 'b'], ['c'])],
      inputs: [value('x', [1, 1, 4, 4])],
      outputs: [value('c', [1, 1, 4, 3])],
      initializers: [floats('w', [1, 1, 1, 2], [-1, 1]), floats('b', [1], [10])],
    });
    const ramp = { shape: [1, 4, 4], data: Array.from({ length: 16 }, (_, index) => index % 4) };
    const shiftIn = async (runtime: 'onnxruntime' | 'openvino') => {
      const { report } = await quantized(network, ramp, { backend_params: { runtime, threads: 1 } });
      return report.layers.find(({ op }) => op === 'Conv')!.bias_correction.max_shift;
    };

    expect(await shiftIn('openvino')).toBeCloseTo(1, 5);
    expect(await shiftIn('onnxruntime')).toBeCloseTo(0, 5);
  });
});

describe('a layer whose input has no known shape', () => {
  it('is left as it is, since its channels are not known', async () => {
    // What a Reshape makes of a computed shape.
    const network = model({
      nodes: [
        node('Shape', ['x'], ['s']),
        node('Reshape', ['x', 's'], ['r']),
        node('Conv', ['r', 'w', 'b'], ['y'], {}, 'conv'),
      ],
      inputs: [value('x', ['n', 'c', 'h', 'w_'])],
      outputs: [value('y', ['n', 2, 'p', 'q'])],
      initializers: [floats('w', [2, 2, 1, 1], [0.1, -2, 1, 0.13]), floats('b', [2], [5, -5])],
    });
    const sample = { shape: [1, 2, 3, 3], data: Array.from({ length: 18 }, (_, i) => i / 3) };
    expect(await correctedBias(network, sample)).toEqual([5, -5]);
  });
});
