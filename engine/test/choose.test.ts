import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { indexGraph } from '@quantsmith/model/graph';
import { type ModelProto } from '@quantsmith/model/onnx';
import type { QuantizationConfig } from '@quantsmith/schemas';
import { frontEnd } from '../src/choose/frontEnd.js';
import { plan } from '../src/plan/plan.js';
import { makeQuantization } from '../src/run/make.js';
import { inputsOf, sourceOf } from './inputsOf.js';
import { bestOf, tellsNothing } from '../src/choose/decide.js';
import { observedLayers, observedOutputs } from '../src/choose/observed.js';
import { outputNoise } from '../src/choose/outputNoise.js';
import { FAMILIES } from '../../test/kit/families.js';
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
  const type = network.graph.input[0]!.type!.value;
  if (type.case !== 'tensorType') return [];
  return type.value.shape!.dim.slice(1).map((dim) => Number(dim.value.value));
}

const wave = (length: number, step: number) => Array.from({ length }, (_, i) => Math.sin(step * (i + 1)));

const RELU = [node('Relu', ['a'], ['b'], {}, 'relu')];
const SWISH = [node('Sigmoid', ['a'], ['s']), node('Mul', ['a', 's'], ['b'])];

/** Three convolutions of 8 channels; the first one's channels are as wide as `widths` say. */
function chain(widths: readonly number[], activation = RELU) {
  const first = wave(64, 3).map((x, i) => x * widths[Math.floor(i / 8)]!);
  const second = wave(64, 5).map((x, i) => x / widths[i % 8]!);
  return model({
    nodes: [
      node('Conv', ['x', 'w1'], ['a'], {}, 'first'),
      ...activation,
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
  it('is chosen on all of some dozen samples where inferences cost little: few hold what averages cut', async () => {
    // Six of 64 are far wider than the others, and none of 16 that are spread over the set.
    const wide = [5, 17, 23, 35, 49, 61];
    const images = Array.from({ length: 64 }, (_, i) =>
      wave(128, 0.1 + 0.37 * i).map((x) => x * (wide.includes(i) ? 8 : 1)),
    );
    const { report } = await quantize(even, images, {});
    const ranges = report.choices!.find(({ setting }) => setting.endsWith('range_estimator_params'))!;
    expect(ranges).toMatchObject({ value: 'minmax', samples: 64 });
  });
  it('is what states nothing, too, however deep', async () => {
    const estimators = { min: {}, max: { clipping_value: null } };
    const empty = await quantize(even, samples, {
      ...{ preset: null, ignored_scope: {} },
      advanced_parameters: { activations_range_estimator_params: estimators, smooth_quant_alphas: {} },
    });
    const none = await quantize(even, samples, {});
    const settings = ({ report }: typeof none) =>
      report.choices?.map(({ setting, value }) => [setting, value]);
    expect(settings(empty)).toEqual(settings(none));
  });
  it('is chosen with evidence, and the same way each time', async () => {
    const [first, second] = [await quantize(even, samples, {}), await quantize(even, samples, {})];
    expect(first.report.choices?.map(({ setting }) => setting)).toEqual([
      'advanced_parameters.activations_range_estimator_params',
      'preset',
    ]);
    for (const { sqnr_db: own, over, samples: count } of first.report.choices ?? []) {
      expect(count).toBe(20);
      // Nothing that was measured is clearly better than what was chosen.
      for (const other of over) expect(other.sqnr_db).toBeLessThanOrEqual(own! + 1);
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
    expect(report.layers.find(({ name }) => name === 'first')?.quantized).toBe(true);
  });
  it.each([
    ['relu', RELU, ['preset']],
    ['swish', SWISH, ['preset', 'advanced_parameters.activation_tails']],
  ] as const)(
    'is looked at again at the outputs once floats have saved them (%s)',
    async (_, activation, settings) => {
      const { report } = await quantize(chain([6000, 1, 1, 1, 1, 1, 1, 1], [...activation]), samples, {});
      const evidence = new Map(report.choices!.map((choice) => [choice.setting, choice]));
      const floatOperators = evidence.get('overrides')!;
      // Before, the outputs are lost, so that layers decide.
      expect(floatOperators.over.find(({ value: other }) => other === 'none')!.sqnr_db!).toBeLessThan(3);
      const range = evidence.get('advanced_parameters.activations_range_estimator_params')!.sqnr_db!;
      expect(range).toBeGreaterThan(10);
      expect(range).not.toBeCloseTo(floatOperators.sqnr_db!, 1);
      for (const setting of settings) expect(evidence.get(setting)!.sqnr_db).toBe(range);
    },
  );
  it('looks for what ruins the outputs on samples from all parts of the set', async () => {
    // Of quiet samples, the second half, the logarithm tells what the codes of loud ones do not hold.
    const network = model({
      nodes: [
        node('Conv', ['x', 'w1'], ['a'], {}, 'first'),
        ...[node('Abs', ['a'], ['b']), node('Add', ['b', 'e'], ['c']), node('Log', ['c'], ['d'])],
        ...[node('Conv', ['d', 'w2'], ['f'], {}, 'second'), node('Relu', ['f'], ['g'])],
        node('Conv', ['g', 'w3'], ['y'], {}, 'third'),
      ],
      inputs: [value('x', [1, 8, 4, 4])],
      outputs: [value('y', [1, 8, 4, 4])],
      initializers: [
        floats('e', [], [1e-4]),
        floats('w1', [8, 8, 1, 1], wave(64, 3)),
        floats('w2', [8, 8, 1, 1], wave(64, 5)),
        floats('w3', [8, 8, 1, 1], wave(64, 7)),
      ],
    });
    const audio = Array.from({ length: 16 }, (_, i) =>
      wave(128, 0.1 + 0.37 * i).map((x) => x * (i < 8 ? 1 : 0.003)),
    );
    const { report } = await quantize(network, audio, {});
    const choice = report.choices!.find(({ setting }) => setting === 'overrides');
    expect(choice?.value).toContain('"first"');
  });
  describe('of a network behind a spectrum', () => {
    const BANDS = ['low', 'middle', 'high', 'highest'];
    const filters = (band: number) =>
      Array.from({ length: 8 * 32 }, (_, i) => Math.sin(0.05 * (8 * band + (i >> 5) + 1) * (i % 32)));
    const spectrum = [
      ...BANDS.map((band) => node('Conv', ['x', `${band}_w`], [`${band}_y`], { strides: [1, 8] }, band)),
      node(
        'Concat',
        BANDS.map((band) => `${band}_y`),
        ['bands'],
        { axis: 1 },
      ),
      ...[node('Mul', ['bands', 'bands'], ['power'], {}, 'square'), node('Add', ['power', 'e'], ['p'])],
    ];
    const network = model({
      nodes: [
        ...[...spectrum, node('Log', ['p'], ['log'])],
        ...[node('Conv', ['log', 'w1'], ['a'], {}, 'first'), node('Relu', ['a'], ['b'])],
        ...[node('Conv', ['b', 'w2'], ['c'], {}, 'second'), node('Relu', ['c'], ['d'])],
        node('Conv', ['d', 'w3'], ['y'], {}, 'third'),
      ],
      inputs: [value('x', [1, 1, 1, 544])],
      outputs: [value('y', [1, 32, 1, 65])],
      initializers: [
        floats('e', [], [1e-7]),
        ...BANDS.map((band, i) => floats(`${band}_w`, [8, 1, 1, 32], filters(i))),
        ...[1, 2, 3].map((i) => floats(`w${i}`, [32, 32, 1, 1], wave(1024, 2 * i + 1))),
      ],
    });
    // Tones that rise and fall by 60 dB.
    const audio = Array.from({ length: 20 }, (_, i) =>
      wave(544, 0.1 + 0.05 * i).map((x, t) => x * 10 ** (-3 * Math.abs(Math.sin(t / 90)))),
    );

    it('keeps all of the spectrum in float, since its weakest values count behind the logarithm', async () => {
      const { report } = await quantize(network, audio, {});
      const { value: chosen } = report.choices!.find(({ setting }) => setting === 'overrides')!;
      for (const band of BANDS) expect(chosen).toContain(`"${band}"`);
      const inFloat = report.layers.filter(({ quantized }) => !quantized).map(({ name }) => name);
      expect(inFloat).toEqual(expect.arrayContaining(BANDS));
      for (const name of ['first', 'second', 'third']) expect(inFloat).not.toContain(name);
    });
    it('is not all of a network with a logarithm at its end', async () => {
      const { node: nodes, initializer: initializers } = even.graph;
      const scored = model({
        ...{ inputs: [value('x', [1, 8, 4, 4])], outputs: [value('log', [1, 8, 4, 4])] },
        nodes: [
          ...nodes,
          ...[node('Abs', ['y'], ['size']), node('Add', ['size', 'e'], ['z']), node('Log', ['z'], ['log'])],
        ],
        initializers: [...initializers, floats('e', [], [1e-3])],
      });
      const feeds = {
        x: { type: 'float32' as const, dims: [1, 8, 4, 4], data: Float32Array.from(samples[0]!) },
      };
      const source = sourceOf(1, () => ({ name: 'x', feeds, label: null }));
      const planned = plan({ model: 'm.onnx', data: { calibration: { arrays: 'x.npy' } } });
      const made = await makeQuantization(await inputsOf(scored, source), planned, () => undefined);
      expect(frontEnd(made.quantization)).toEqual([]);
    });
  });
  it('is a transformer where only SmoothQuant shows that it should be', async () => {
    const { network, shape, calibration } = FAMILIES['attention']!;
    // Some channels in front of the products are far wider than the others.
    const spread = calibration.map((data) => data.map((x, i) => x * (i % 32 < 3 ? 12 : 1)));
    const data = spread.map((values) => ({ shape, data: values }));
    const { report } = await quantizeModel(network, data, {});
    const chosen = new Map(report.choices?.map(({ setting, value: taken }) => [setting, taken]));
    expect(chosen.get('model_type')).toBe('transformer');
    expect(chosen.get('advanced_parameters.smooth_quant_alphas')).toMatch(/matmul 0/);
    expect(chosen.get('advanced_parameters.activations_range_estimator_params')).toBe('minmax');
  });
  it('is smoothed where products read normalized features without attention, too', async () => {
    const network = model({
      nodes: [
        node('ReduceL2', ['x'], ['l'], { axes: [-1], keepdims: 1 }),
        node('Div', ['x', 'l'], ['n']),
        node('MatMul', ['n', 'w1'], ['a']),
        node('Relu', ['a'], ['b']),
        node('MatMul', ['b', 'w2'], ['y'], {}, 'second'),
      ],
      inputs: [value('x', [1, 8, 16])],
      outputs: [value('y', [1, 8, 4])],
      initializers: [
        floats(
          'w1',
          [16, 16],
          wave(256, 3).map((x, i) => (Math.floor(i / 16) === 0 ? x / 50 : x)),
        ),
        floats('w2', [16, 4], wave(64, 5)),
      ],
    });
    // The first feature is fifty times as wide as the others, and worth as much.
    const spread = Array.from({ length: 20 }, (_, i) =>
      wave(128, 0.1 + 0.37 * i).map((x, at) => (at % 16 === 0 ? x * 50 : x)),
    );
    const { report } = await quantize(network, spread, {});
    const chosen = new Map(report.choices?.map(({ setting, value: taken }) => [setting, taken]));
    expect(chosen.get('model_type')).toBe('transformer');
    expect(chosen.get('advanced_parameters.smooth_quant_alphas')).toMatch(/matmul 0/);
  });
  it('keeps whole ranges if averages are better with wasteful presets only', async () => {
    const network = model({
      nodes: [node('Conv', ['x', 'w1'], ['a'], {}, 'first'), node('Conv', ['a', 'w2'], ['y'], {}, 'second')],
      inputs: [value('x', [1, 4, 4, 4])],
      outputs: [value('y', [1, 2, 4, 4])],
      initializers: [
        floats('w1', [2, 4, 1, 1], [1, -1, 0, 0, -1, 1, 0, 0]),
        floats('w2', [2, 2, 1, 1], [1, -1, -1, 1]),
      ],
    });
    // One side of the inputs is next to empty. What the first convolution gives is above zero for every other sample and below it for
    // the rest, so that averages of either side cut half; and one sample holds twice as much where no weight reads it.
    const oneSided = Array.from({ length: 20 }, (_, sample) =>
      wave(64, 0.1 + 0.37 * sample).map((x, i) => {
        const channel = Math.floor(i / 16);
        if (channel === 3) return sample === 7 ? 2 : -0.05;
        if (channel !== sample % 2) return 0;
        return i % 16 === 0 ? 1 : Math.abs(x);
      }),
    );
    const { report } = await quantize(network, oneSided, {});
    const chosen = new Map(report.choices?.map(({ setting, value: taken }) => [setting, taken]));
    expect(chosen.get('preset')).toBe('mixed');
    expect(chosen.get('advanced_parameters.activations_range_estimator_params')).toBe('minmax');
  });
});

describe('the error at the outputs', () => {
  const tensor = (dims: readonly number[], data: readonly number[]) => ({
    ...{ type: 'float32' as const, dims },
    data: Float32Array.from(data),
  });
  const results = (boxes: readonly number[], scores: readonly number[]) => ({
    y: tensor(
      [1, boxes.length, 2],
      boxes.flatMap((box, i) => [box, scores[i]!]),
    ),
  });
  const boxes = wave(32, 0.7).map((x) => 100 * x);
  const scores = wave(32, 1.3).map((x) => 0.01 * x);
  const output = { tensors: ['y'], instead: [] };
  const measure = outputNoise([results(boxes, scores)], [output])!;
  const sqnr = (other: ReturnType<typeof results>) => {
    const noise = measure();
    noise.add(other);
    return noise.score().mean;
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
    expect(outputNoise([results([1, 1], [1, 1])], [output])).toBeNull();
  });
  it('is that of other tensors where those of an output never vary', () => {
    const both = { ...results([1, 1], [1, 1]), z: tensor([1, 32], wave(32, 2)) };
    const noise = outputNoise([both], [{ tensors: ['y'], instead: ['z'] }])!();
    expect(noise.tensors).toEqual(['z']);
    noise.add({ z: tensor([1, 32], []) });
    // A result that is missing is as bad as can be.
    expect(noise.score().outputs).toEqual([-20]);
  });
  it('is told of each output, and of both halves of the samples', () => {
    const sample = (scale: number) => ({
      y: tensor(
        [1, 32],
        wave(32, 0.7).map((x) => scale * x),
      ),
      z: tensor([1, 32], wave(32, 2)),
    });
    const observed = [output, { tensors: ['z'], instead: [] }];
    const noise = outputNoise([sample(1), sample(1)], observed)!();
    // The first sample is right, the second 1 % too large at y.
    noise.add(sample(1));
    noise.add(sample(1.01));
    const score = noise.score();
    expect(score.outputs[0]).toBeCloseTo(43, 0);
    expect(score.outputs[1]).toBeCloseTo(100, 0);
    expect(score.halves[0][0]).toBeCloseTo(100, 0);
    expect(score.halves[1][0]).toBeCloseTo(40, 0);
    expect(score.mean).toBeCloseTo(71.5, 0);
  });
});

describe('the tensors that stand for outputs', () => {
  const network = model({
    nodes: [
      node('Conv', ['x', 'w'], ['logits'], {}, 'conv'),
      node('Sigmoid', ['logits'], ['scores'], {}, 'sigmoid'),
      node('Conv', ['x', 'w'], ['boxes'], {}, 'boxes'),
      node('Concat', ['boxes', 'scores'], ['joined'], { axis: 1 }, 'concat'),
      node('Transpose', ['joined'], ['y'], {}, 'transpose'),
      node('Relu', ['logits'], ['z'], {}, 'relu'),
    ],
    inputs: [value('x', [1, 8, 4, 4])],
    outputs: [value('y', [4, 4, 16, 1]), value('z', [1, 8, 4, 4])],
    initializers: [floats('w', [8, 8, 1, 1], wave(64, 3))],
  });

  it('lie before what squashes, shapes and joins values', () => {
    expect(observedOutputs(indexGraph(network), new Set())).toEqual([
      { tensors: ['boxes', 'logits'], instead: ['logits', 'boxes'] },
      { tensors: ['z'], instead: ['logits'] },
    ]);
  });
  it('are not those of states that are fed back, unless there is nothing else', () => {
    expect(observedOutputs(indexGraph(network), new Set(['y']))).toEqual([
      { tensors: ['z'], instead: ['logits'] },
    ]);
    expect(observedOutputs(indexGraph(network), new Set(['y', 'z']))).toHaveLength(2);
  });
  it('are results of linear operators where outputs cannot tell', () => {
    expect(observedLayers(indexGraph(network))).toEqual([
      { tensors: ['logits', 'boxes', 'boxes'], instead: [] },
    ]);
  });
});

describe('the best of several candidates', () => {
  const score = (...outputs: number[]) => {
    const mean = outputs.reduce((sum, each) => sum + each, 0) / outputs.length;
    return { mean, outputs, halves: [outputs, outputs] as const };
  };

  it('is the first unless another one is better by the margin', () => {
    expect(bestOf([score(20), score(20.04)], 0.05)).toBe(0);
    expect(bestOf([score(20), score(20.06)], 0.05)).toBe(1);
    expect(bestOf([score(20), null, score(19)], 0.05)).toBe(0);
    expect(bestOf([null, score(5)], 0.05)).toBe(1);
    expect(bestOf([null, null], 0.05)).toBe(0);
  });
  it('is better in both halves of the samples, but never so that 1 dB is lost', () => {
    const uneven = (mean: number) => ({ mean, outputs: [mean], halves: [[mean - 1], [mean + 1]] as const });
    expect(bestOf([score(20), uneven(20.5)], 0.05)).toBe(0);
    expect(bestOf([score(20), uneven(21.5)], 0.05)).toBe(1);
  });
  it('does not ruin one output for the mean of all', () => {
    // Where each ruins one, the one that loses least.
    expect(bestOf([score(11.7, 7.3, 6.2), score(6.7, 13, 12)], 0.05)).toBe(1);
    expect(bestOf([score(11.7, 7.3, 6.2), score(6.7, 12, 11)], 0.05)).toBe(0);
    expect(bestOf([score(10, 8, 6), score(9.5, 9, 9)], 0.05)).toBe(1);
  });
  it('does not heed outputs that are lost or untouched with every candidate', () => {
    expect(bestOf([score(10, -3), score(10.5, -9)], 0.05)).toBe(1);
    expect(bestOf([score(10, -3), score(9.5, 2)], 0.05)).toBe(0);
    expect(bestOf([score(10, 95), score(10.5, 80)], 0.05)).toBe(1);
  });
  it('cannot be told where all outputs are lost, or untouched, with every candidate', () => {
    expect(tellsNothing([score(1, -2), score(2, 2)])).toBe(true);
    expect(tellsNothing([score(70), score(80)])).toBe(true);
    expect(tellsNothing([score(1, -2), score(2, 5)])).toBe(false);
  });
});
