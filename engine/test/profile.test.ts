import { describe, expect, it } from 'vitest';
import type { HostTensor } from '@quantsmith/model/arrays';
import { aloneModel } from '../src/profile/alone.js';
import { causeText, firstCollapse } from '../src/profile/collapse.js';
import { clippingProblems, collapseProblem } from '../src/profile/findings.js';
import type { LayerProfile } from '../src/profile/profile.js';
import { rangeUse, spreadOf, type RangeUse } from '../src/profile/ranges.js';
import type { QuantizerParameters } from '../src/ranges/parameters.js';
import { randoms } from '../../test/kit/models.js';
import { runModel } from '../../test/kit/runModel.js';
import { layerModel } from './quantizedLayer.js';
import { quantizeTiny, tinyMlp } from './tiny.js';

/** Codes 0 … 255 of steps of 0.01: from 0 to 2.55. */
const HUNDREDTHS: QuantizerParameters = {
  ...{ low: Float32Array.of(0), high: Float32Array.of(2.55), levels: 256, signed: false, numBits: 8 },
  ...{
    scale: Float32Array.of(0.01),
    zeroPoint: Int32Array.of(0),
    storage: 'uint8',
    codeLow: 0,
    codeHigh: 255,
  },
};
const tensor = (dims: readonly number[], data: readonly number[]): HostTensor => ({
  ...{ type: 'float32', dims, data: Float32Array.from(data) },
});

describe('how a range is used', () => {
  it('is the figures that a pencil gives', () => {
    const use = rangeUse('x', HUNDREDTHS, 1);
    // Two channels: 0.5, 1.5 | 3.55, 1; one of four values is cut off by 1.
    use.add(tensor([1, 2, 2], [0.5, 1.5, 3.55, 1]));
    const found = use.result();
    const signal = 0.25 + 2.25 + 3.55 ** 2 + 1;
    expect(found.clipped).toBe(0.25);
    expect(found.clippingDb).toBeCloseTo(10 * Math.log10(signal), 4);
    expect(found.roundingDb).toBeCloseTo(10 * Math.log10(signal), 3);
    expect(found.used).toBeCloseTo((2.55 - 0.5) / 2.55, 5);
    expect(found.channelSpread).toBeCloseTo(1, 5);
  });
  it('has no clipping where a value lies within half a step of the border', () => {
    const use = rangeUse('x', HUNDREDTHS, -1);
    use.add(tensor([2], [2.554, 0]));
    expect(use.result().clipped).toBe(0);
  });
  it('tells the channels apart wherever the values that are looked at lie', () => {
    // More values than are looked at, with every layout of channels: the loudest of channel c is c + 1.
    for (const [dims, axis] of [
      [[1, 7, 250, 300], 1],
      [[250, 300, 7], -1],
      [[9, 7, 6007], 1],
    ] as const) {
      const inner = axis === -1 ? 1 : dims.slice(2).reduce<number>((product, size) => product * size, 1);
      const length = dims.reduce<number>((product, size) => product * size, 1);
      const use = rangeUse('x', HUNDREDTHS, axis);
      use.add(
        tensor(
          dims,
          Array.from({ length }, (_, i) => (Math.floor(i / inner) % 7) + 1),
        ),
      );
      expect(use.result().channelSpread).toBe(7 / 4);
    }
  });
  it('compares the loudest channel with the median one', () => {
    expect(spreadOf([1, 2, 50])).toBe(25);
    // Zero is exact in every scale: channels that a Relu silences lose nothing.
    expect(spreadOf([0, 0, 0, 0, 1, 2, 50])).toBe(25);
    expect(spreadOf([0, 0, 1])).toBeNull();
    expect(spreadOf([3])).toBeNull();
  });
});

const layer = (name: string, sqnrDb: number | null, change: Partial<LayerProfile> = {}): LayerProfile => ({
  ...{ name, op: 'Conv', quantized: true, sqnrDb, aloneDb: null, inputs: [], weights: null, before: [] },
  ...change,
});
const input = (change: Partial<RangeUse>): RangeUse => ({
  ...{
    tensor: 'x',
    low: 0,
    high: 1,
    used: 1,
    clipped: 0,
    clippingDb: null,
    roundingDb: 40,
    channelSpread: 1,
  },
  ...change,
});

describe('where the error jumps', () => {
  it('is the first layer that loses what its inputs still had', () => {
    const layers = [
      layer('a', 35),
      layer('b', 30, { before: ['a'] }),
      layer('c', 2, { before: ['b'] }),
      layer('d', -1, { before: ['c'] }),
    ];
    expect(firstCollapse(layers)).toMatchObject({ layer: { name: 'c' }, beforeDb: 30, afterDb: 2 });
  });
  it('is the largest step where nothing is lost at once, and nothing where nothing was measured', () => {
    const layers = [layer('a', 35), layer('b', 17, { before: ['a'] }), layer('c', 14, { before: ['b'] })];
    expect(firstCollapse(layers)?.layer.name).toBe('b');
    expect(firstCollapse([layer('a', null)])).toBeNull();
  });
  it('is a first layer without any before it', () => {
    expect(firstCollapse([layer('a', 3)])).toMatchObject({ beforeDb: null, afterDb: 3 });
  });
  const WEIGHTS = { bits: 8, perChannel: true, sqnrDb: 40, channelSpread: 2 };
  it.each([
    [
      'clipped',
      { inputs: [input({ clipped: 0.3, clippingDb: 6 })] },
      /30\.0 % of its input "x" lies outside/,
    ],
    ['weight-bits', { weights: { ...WEIGHTS, bits: 4, sqnrDb: 8 } }, /weights have 4 bits\./],
    [
      'weight-spread',
      { weights: { ...WEIGHTS, perChannel: false, sqnrDb: 12, channelSpread: 900 } },
      /900 times/,
    ],
    ['channel-spread', { inputs: [input({ channelSpread: 1e4 })] }, /10000 times as large as the median/],
    ['unused-range', { inputs: [input({ used: 0.01, roundingDb: 5 })] }, /use 1\.00 % of the range/],
    ['coarse-input', { inputs: [input({ roundingDb: 5 })] }, /comes from rounding its input "x"/],
    ['carried', { aloneDb: 33 }, /amplifies the error/],
    ['operator', { aloneDb: 3 }, /Conv is sensitive to rounded inputs/],
  ])('knows the cause: %s', (kind, change, text) => {
    const found = firstCollapse([layer('a', 2, change)])!;
    expect(found.cause.kind).toBe(kind);
    expect(causeText(found)).toMatch(text);
  });
  it('says what helped, or that nothing did', () => {
    const collapse = firstCollapse([layer('a', 2)])!;
    const message = (outputDb: number) =>
      collapseProblem(collapse, { outputDb: 3, tried: [{ text: 'this operator in float', outputDb }] })
        .message;
    expect(message(25)).toMatch(
      /With this operator in float the worst output has 25\.0 dB instead of 3\.0 dB\./,
    );
    expect(message(4)).toMatch(/Nothing tried helps: this operator in float\./);
  });
});

describe('values that lie outside their ranges', () => {
  const found = (change: Partial<RangeUse>) =>
    clippingProblems([layer('a', 20, { inputs: [input(change)] })], { count: 4, inSample: false });
  it('are told where they are many and matter', () => {
    expect(found({ clipped: 0.4, clippingDb: 5 })).toMatchObject([
      { code: 'calibration-clipped', severity: 'warning', configPath: ['data', 'calibration'] },
    ]);
    expect(found({ clipped: 0.4, clippingDb: 5 })[0]?.message).toMatch(
      /^40\.0 % of the values of "x" on 4 held-out/,
    );
  });
  it('are not told where they are few, or small', () => {
    expect(found({ clipped: 0.03, clippingDb: 5 })).toEqual([]);
    expect(found({ clipped: 0.4, clippingDb: 25 })).toEqual([]);
    expect(found({})).toEqual([]);
  });
});

describe('an operator alone', () => {
  it('reads what the float model has, whatever lies before it', async () => {
    const { proto, dims } = layerModel({
      ...{ op: 'Gemm', signed: false, perChannel: false, bias: true, quantized: true, group: 1, inputs: 4 },
      ...{ outputs: 3, kernel: 1, stride: 1, pad: 0, dilation: 1, size: 2, weight: (i) => (i % 7) * 9 - 27 },
    });
    const { model: alone, given } = aloneModel(proto, new Set(['y_f']));
    expect([...given.keys()]).toEqual(['y_f']);
    const x = { x: tensor(dims, Array.from(randoms(dims.reduce((a, b) => a * b), 5))) }; // prettier-ignore
    const whole = await runModel(proto, x);
    const zeros = { ...x, [given.get('y_f')!]: tensor([1, 3], [0, 0, 0]) };
    const found = await runModel(alone, zeros);
    expect(Object.keys(found)).toEqual(Object.keys(whole));
    expect([...new Set(found['y']!.data as Float32Array)]).toHaveLength(1);
  });
});

describe('a run', () => {
  const mlp = (loud: number) =>
    tinyMlp(
      randoms(128, 1).map((at, i) => (i % 16 === 0 ? loud * Math.abs(at) : at)),
      randoms(96, 3).map((at, i) => (i < 6 ? at / (4 * loud) : at)),
    );
  const samples = Array.from({ length: 32 }, (_, i) => ({
    shape: [1, 8],
    data: Array.from(randoms(8, 10 + i), Math.abs),
  }));
  const codes = async (loud: number, factor = 1, change = {}) => {
    const scaled = samples.map(({ shape, data }, i) => ({
      shape,
      data: data.map((at) => (i < 8 ? at : factor * at)),
    }));
    const { report } = await quantizeTiny(mlp(loud), scaled, { subset_size: 8, ...change });
    return report.warnings;
  };

  const only = (warnings: Awaited<ReturnType<typeof codes>>, code: string) =>
    warnings.find((one) => one.code === code);

  it('of a healthy model says nothing of layers or ranges', async () => {
    const found = await codes(1);
    expect(only(found, 'layer-collapse') ?? only(found, 'calibration-clipped')).toBeUndefined();
  });
  it('names the layer whose input has one loud channel, and that float helps', async () => {
    const found = only(await codes(1e4), 'layer-collapse');
    expect(found?.message).toMatch(
      /^The error jumps at Gemm "second": .*One channel of its input "r" is .* times as large/,
    );
    expect(found?.message).toMatch(/With this operator in float/);
  });
  it('names weights of few bits, and that more help', async () => {
    const coarse = {
      advanced_parameters: { weights_quantization_params: { num_bits: 2, per_channel: false } },
    };
    const found = only(await codes(1, 1, coarse), 'layer-collapse');
    expect(found?.message).toMatch(
      /Its weights have 2 bits with one scale.*With weights of 8 bits per channel/,
    );
  });
  it('names a tensor that calibration has seen too little of', async () => {
    const found = only(await codes(1, 10), 'calibration-clipped');
    expect(found?.message).toMatch(/lie outside its range .* calibration samples are not representative/);
  });
});
