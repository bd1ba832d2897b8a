import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { type ModelProto } from '@quantsmith/model/onnx';
import type { QuantizationConfig } from '@quantsmith/schemas';
import { outputNoise } from '../src/choose/outputNoise.js';
import { floats, model, node, value } from '../../test/kit/models.js';
import { quantizeModel } from '../../test/kit/quantize.js';

type Quantization = NonNullable<QuantizationConfig['quantization']>;

async function quantize(network: ModelProto, samples: readonly number[][], quantization: Quantization) {
  const shape = dimsOf(network);
  const data = samples.map((values) => ({ shape, data: values }));
  const { report, output } = await quantizeModel(network, data, quantization);
  return { report, bytes: readFileSync(output) };
}

/** The shape of one sample: that of the network's input without the batch. */
function dimsOf(network: ModelProto): number[] {
  const type = network.graph!.input[0]!.type!.value;
  if (type.case !== 'tensorType') return [];
  return type.value.shape!.dim.slice(1).map((dim) => Number(dim.value.value));
}

const wave = (length: number, step: number) => Array.from({ length }, (_, i) => Math.sin(step * (i + 1)));

/** Two convolutions of 8 channels; the first one's channels are as wide as `widths` say. */
function chain(widths: readonly number[]) {
  const first = wave(64, 3).map((x, i) => x * widths[Math.floor(i / 8)]!);
  const second = wave(64, 5).map((x, i) => x / widths[i % 8]!);
  return model({
    nodes: [
      node('Conv', ['x', 'w1'], ['a'], {}, 'first'),
      node('Relu', ['a'], ['b'], {}, 'relu'),
      node('Conv', ['b', 'w2'], ['c'], {}, 'second'),
      node('Relu', ['c'], ['d'], {}, 'relu2'),
      node('Conv', ['d', 'w3'], ['y'], {}, 'third'),
    ],
    inputs: [value('x', [1, 8, 4, 4])],
    outputs: [value('y', [1, 8, 4, 4])],
    initializers: [
      floats('w1', [8, 8, 1, 1], first),
      floats('w2', [8, 8, 1, 1], second),
      floats('w3', [8, 8, 1, 1], wave(64, 7)),
    ],
  });
}
const even = chain(Array.from({ length: 8 }, () => 1));
const samples = Array.from({ length: 20 }, (_, i) => wave(128, 0.1 + 0.37 * i));

describe('what a config leaves open', () => {
  it('is chosen with evidence, and the same way each time', async () => {
    const [first, second] = [await quantize(even, samples, {}), await quantize(even, samples, {})];
    expect(first.report.choices?.map(({ setting }) => setting)).toEqual([
      'preset',
      'advanced_parameters.activations_range_estimator_params',
    ]);
    for (const { sqnr_db: own, over, samples: count } of first.report.choices ?? []) {
      expect(count).toBe(4);
      // Nothing that was measured is clearly better than what was chosen.
      for (const other of over) expect(other.sqnr_db).toBeLessThanOrEqual(own! + 0.05);
    }
    expect(second.bytes.equals(first.bytes)).toBe(true);
  });
  it('is never what is stated, and nothing with the fixed defaults', async () => {
    const stated = await quantize(even, samples, {
      preset: 'performance',
      overrides: [],
      advanced_parameters: { activations_range_estimator_params: 'mean_minmax' },
    });
    expect(stated.report.choices).toEqual([]);
    const fixed = await quantize(even, samples, { defaults: 'nncf' });
    expect(fixed.report.choices).toEqual([]);
    const half = await quantize(even, samples, { preset: 'mixed', overrides: null });
    expect(half.report.choices?.map(({ setting }) => setting)).not.toContain('preset');
  });
  it('counts null and empty as open', async () => {
    const { report } = await quantize(even, samples, {
      preset: null,
      advanced_parameters: { activations_range_estimator_params: {} },
    });
    expect(report.choices?.length).toBe(2);
  });
  it('is reproduced when the choices are stated', async () => {
    const { report, bytes } = await quantize(even, samples, {});
    const chosen = (setting: string) => report.choices!.find((choice) => choice.setting === setting)!.value;
    const estimator = chosen('advanced_parameters.activations_range_estimator_params');
    const pinned = await quantize(even, samples, {
      defaults: 'nncf',
      preset: chosen('preset') as 'mixed',
      advanced_parameters: {
        activations_range_estimator_params: estimator === 'mean_minmax' ? {} : estimator,
      },
    });
    // The config's hash is not in the model, so that the bytes are the same.
    expect(pinned.bytes.equals(bytes)).toBe(true);
  });
  it('keeps in float what ruins the outputs, and no more', async () => {
    // One channel is 3000 times as wide as the others, which all lose their values in one scale.
    const { report } = await quantize(chain([3000, 1, 1, 1, 1, 1, 1, 1]), samples, {});
    const choice = report.choices!.find(({ setting }) => setting === 'overrides');
    expect(choice?.value).toContain('"second"');
    const none = choice!.over.find(({ value: other }) => other === 'none')!;
    expect(choice!.sqnr_db!).toBeGreaterThan(none.sqnr_db! + 3);
    expect(report.layers.find(({ name }) => name === 'third')?.quantized).toBe(true);
  });
});

describe('the error at the outputs', () => {
  const results = (boxes: readonly number[], scores: readonly number[]) => {
    const rows = boxes.map((box, i) => [box, scores[i]!]).flat();
    return { y: { type: 'float32' as const, dims: [1, boxes.length, 2], data: Float32Array.from(rows) } };
  };
  const boxes = wave(32, 0.7).map((x) => 100 * x);
  const scores = wave(32, 1.3).map((x) => 0.01 * x);
  const measure = outputNoise([results(boxes, scores)])!;
  const sqnr = (other: ReturnType<typeof results>) => {
    const noise = measure();
    noise.add(other);
    return noise.sqnr();
  };

  it('sees small channels beside large ones', () => {
    // Scores that are all zero: of two channels one is lost (0 dB), the other untouched (100 dB at most).
    const lost = results(
      boxes,
      scores.map(() => 0),
    );
    expect(sqnr(lost)).toBeCloseTo(50, 0);
  });
  it('is the ratio of variance and noise: 1 % of each channel is 40 dB', () => {
    const scaled = (list: readonly number[]) => list.map((x) => 1.01 * x);
    expect(sqnr(results(scaled(boxes), scaled(scores)))).toBeCloseTo(40, 0);
  });
  it('has nothing to tell of outputs that never vary', () => {
    expect(outputNoise([results([1, 1], [1, 1])])).toBeNull();
  });
});
