import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { QuantizationChange } from '@quantsmith/schemas';
import { floats, model, node, value } from '../../test/kit/models.js';
import { plan } from '../src/plan/plan.js';
import { makeQuantization, type QuantizationInputs } from '../src/run/make.js';
import { weightWork } from '../src/quantize/lastMade.js';
import { inputsOf, sourceOf } from './inputsOf.js';

const wave = (length: number, step: number) =>
  Float32Array.from({ length }, (_, i) => Math.sin(step * (i + 1)));

/** A padded convolution and a product, whose inputs' means differ from zero. */
const network = model({
  inputs: [value('x', [1, 2, 4, 4])],
  outputs: [value('y', [1, 5])],
  nodes: [
    node('Conv', ['x', 'filter', 'offset'], ['c'], { pads: [1, 1, 1, 1] }, 'conv'),
    node('Relu', ['c'], ['r'], {}, 'relu'),
    node('Flatten', ['r'], ['f'], {}, 'flatten'),
    node('Gemm', ['f', 'matrix', 'bias'], ['y'], {}, 'gemm'),
  ],
  initializers: [
    floats('filter', [3, 2, 3, 3], wave(54, 2)),
    floats('offset', [3], wave(3, 1)),
    floats('matrix', [48, 5], wave(240, 3)),
    floats('bias', [5], wave(5, 4)),
  ],
});
const source = sourceOf(4, (index) => ({
  ...{ name: `${index}`, label: null },
  feeds: { x: { type: 'float32', dims: [1, 2, 4, 4], data: wave(32, 0.3 + index).map((v) => v + 0.5) } },
}));

const settings = fc.constantFrom<QuantizationChange>(
  {},
  { preset: 'mixed' },
  { advanced_parameters: { weights_quantization_params: { per_channel: false } } },
  { advanced_parameters: { weights_quantization_params: { num_bits: 4 } } },
  { advanced_parameters: { overflow_fix: 'enable' } },
  { advanced_parameters: { activations_range_estimator_params: 'minmax' } },
  { advanced_parameters: { weights_range_estimator_params: { max: { statistics_type: 'mean' } } } },
  { overrides: [{ names: ['gemm'], per_channel: false }] },
);

async function made(inputs: QuantizationInputs, change: QuantizationChange) {
  const planned = plan({ model: 'm.onnx', data: { calibration: { arrays: 'x.npy' } } }, change);
  const { quantization, records } = await makeQuantization(inputs, planned, () => undefined);
  return { weights: [...quantization.weights], biases: quantization.biases, records };
}

describe('quantizations of one run', () => {
  it('have the weights and biases that each has by itself, in whatever order they are made', async () => {
    const orders = fc.array(fc.record({ change: settings, samples: fc.constantFrom(2, 4) }), {
      maxLength: 6,
    });
    await fc.assert(
      fc.asyncProperty(orders, async (order) => {
        const shared = await inputsOf(network, source);
        for (const { change, samples } of order) {
          const inputs = { ...shared, statistics: { ...shared.statistics, samples } };
          const alone = { ...inputs, last: weightWork() };
          expect(await made(inputs, change)).toEqual(await made(alone, change));
        }
      }),
    );
  });

  it('do not make again what stays the same', async () => {
    const inputs = await inputsOf(network, source);
    const [first, second] = [await made(inputs, {}), await made(inputs, { preset: 'mixed' })];
    for (const [index, [, { codes }]] of second.weights.entries())
      expect(codes).toBe(first.weights[index]![1].codes);
  });
});
