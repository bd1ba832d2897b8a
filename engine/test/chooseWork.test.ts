import { describe, expect, it } from 'vitest';
import type { ModelProto } from '@quantsmith/model/onnx';
import { floats, model, node, value } from '../../test/kit/models.js';
import { comparedCount, fewSamplesProblems } from '../src/choose/samples.js';
import { plan } from '../src/plan/plan.js';
import { makeQuantization } from '../src/run/make.js';
import { settleConfig } from '../src/run/settle.js';
import { oneWorker, type Workers } from '../src/runtime/workers.js';
import { inputsOf, sourceOf } from './inputsOf.js';

const CHANNELS = 32;
const wave = (length: number, step: number) => Array.from({ length }, (_, i) => Math.sin(step * (i + 1)));
const weight = (name: string, step: number) => floats(name, [CHANNELS, CHANNELS], wave(CHANNELS ** 2, step));

/** One attention head: what has every setting open, SmoothQuant too. */
const attention = model({
  nodes: [
    node('MatMul', ['x', 'wq'], ['q'], {}, 'query'),
    node('MatMul', ['x', 'wk'], ['k'], {}, 'key'),
    node('MatMul', ['x', 'wv'], ['v'], {}, 'value'),
    node('Transpose', ['k'], ['kt'], { perm: [0, 2, 1] }, 'transpose'),
    node('MatMul', ['q', 'kt'], ['scores'], {}, 'scores'),
    node('Softmax', ['scores'], ['p'], {}, 'softmax'),
    node('MatMul', ['p', 'v'], ['mixed'], {}, 'mix'),
    node('MatMul', ['mixed', 'wo'], ['y'], {}, 'out'),
  ],
  inputs: [value('x', [1, 16, CHANNELS])],
  outputs: [value('y', [1, 16, CHANNELS])],
  initializers: [weight('wq', 3), weight('wk', 5), weight('wv', 7), weight('wo', 11)],
});

/** Inferences that a quantization takes from its prepared model on. */
async function inferences(network: ModelProto, samples: number, defaults: 'measured' | 'nncf') {
  let count = 0;
  const real = oneWorker(1);
  const workers: Workers = {
    ...real,
    async open(opened, options) {
      const runner = await real.open(opened, options);
      return {
        ...runner,
        async *run(some, outputs) {
          for await (const result of runner.run(some, outputs)) {
            count++;
            yield result;
          }
        },
      };
    },
  };
  const dims = [1, 16, CHANNELS];
  const feedsOf = (index: number) => ({
    x: { type: 'float32' as const, dims, data: Float32Array.from(wave(16 * CHANNELS, 0.1 + 0.37 * index)) },
  });
  const source = sourceOf(samples, (index) => ({ name: `${index}`, feeds: feedsOf(index), label: null }));
  const inputs = await inputsOf(network, source, { workers });
  const config = {
    model: 'test.onnx',
    output: 'out.onnx',
    data: { calibration: { arrays: 'x.npy' } },
    quantization: { defaults, subset_size: samples },
  };
  const settled = await settleConfig(config, inputs);
  await makeQuantization(inputs, plan(settled.config), () => undefined);

  return { count, choices: settled.choices };
}

describe('the work of choosing', () => {
  it('is one pass for all statistics, a second where SmoothQuant has rewritten the model, and few samples', async () => {
    const fixed = await inferences(attention, 400, 'nncf');
    const measured = await inferences(attention, 400, 'measured');
    expect(fixed.count).toBe(400);
    expect(measured.choices.length).toBeGreaterThan(1);
    expect(measured.count).toBeLessThanOrEqual(4 * fixed.count);
  });
  it('does not grow with the samples beyond that', async () => {
    const [some, more] = [
      await inferences(attention, 400, 'measured'),
      await inferences(attention, 500, 'measured'),
    ];
    const smoothed = some.choices.some(
      ({ setting, value: chosen }) => setting.endsWith('alphas') && chosen !== 'matmul -1',
    );
    expect(more.count - some.count).toBeLessThanOrEqual(smoothed ? 200 : 100);
  });
  it('is measured on a tenth of the samples, within limits', () => {
    const usual = { valuesEach: 1000, activationsEach: 1e7, modelBytes: 0, stream: false };
    expect(comparedCount(120, usual)).toBe(12);
    expect(comparedCount(5000, usual)).toBe(16);
    expect(comparedCount(20, usual)).toBe(8);
    // One of them holds what an average cuts.
    expect(comparedCount(12, usual)).toBe(12);
    // A vector of ten values tells little.
    expect(comparedCount(100, { ...usual, valuesEach: 10 })).toBe(16);
    // Frames of a stream are alike their neighbours.
    expect(comparedCount(300, { ...usual, stream: true })).toBe(64);
  });
  it('is measured on more samples where inferences cost little', () => {
    const small = { valuesEach: 1000, activationsEach: 1e5, modelBytes: 4e5, stream: false };
    expect(comparedCount(300, small)).toBe(64);
    expect(comparedCount(40, small)).toBe(40);
    expect(comparedCount(300, { ...small, activationsEach: 4e5 })).toBe(33);
    // Sizes of activations may be unknown; weights never are.
    expect(comparedCount(300, { ...small, modelBytes: 9e7 })).toBe(16);
  });
  it('is less for models above 2 GB, and the run says so', () => {
    const large = { valuesEach: 1000, activationsEach: 1000, modelBytes: 3 * 2 ** 30, stream: false };
    expect(comparedCount(300, large)).toBe(2);
    expect(comparedCount(300, { ...large, stream: true })).toBe(2);
    expect(fewSamplesProblems(large.modelBytes, 2)).toMatchObject([
      { code: 'chosen-on-few-samples', severity: 'info', data: { samples: 2 } },
    ]);
    expect(fewSamplesProblems(2 ** 30, 15)).toEqual([]);
  });
});
