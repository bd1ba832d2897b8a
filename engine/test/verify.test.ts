import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { HostTensor } from '@quantsmith/model/arrays';
import type { MetricName } from '@quantsmith/schemas';
import { makeTensor, type ModelProto, withOutputs } from '@quantsmith/model/onnx';
import { alikeProblems } from '../src/data/alike.js';
import { BUILT_IN } from '../src/metrics/builtIn.js';
import { upperTail } from '../src/metrics/chance.js';
import { plausibilityProblems } from '../src/validation/plausibility.js';
import { intervalOf } from '../src/validation/validation.js';
import { unseenInterval } from '../src/metrics/drop.js';
import { latencyProblems } from '../src/measure/findings.js';
import { medianInterval } from '../src/measure/latency.js';
import { createSession } from '../src/runtime/session.js';
import { cutAtCodes } from '../src/verify/cut.js';
import { withMisreadForm } from '../src/verify/floatAgreement.js';
import { verificationProblems } from '../src/verify/outputDamage.js';
import { compareOperators } from '../src/verify/operators.js';
import { compareOutputs, type OutputAgreement } from '../src/verify/outputs.js';
import { checkSamples, type Verification } from '../src/verify/verify.js';
import { floats, ints, model, node, randoms, value } from '../../test/kit/models.js';
import { runModel } from '../../test/kit/runModel.js';
import { layerModel, type Layer } from './quantizedLayer.js';
import { quantizeTiny } from './tiny.js';

const tensor = (dims: readonly number[], data: readonly number[]): HostTensor => ({
  ...{ type: 'float32', dims, data: Float32Array.from(data) },
});

const compared = (expected: HostTensor, actual: HostTensor): OutputAgreement => {
  const comparison = compareOutputs(['y']);
  comparison.add({ y: expected }, { y: actual });
  return comparison.result()[0]!;
};

describe('how close an output comes', () => {
  it('is the figures that a pencil gives', () => {
    // Σx² = 9 + 16 = 25, Σ(x−y)² = 1, Σxy = 9 + 12 = 21, Σy² = 9 + 9 = 18.
    const found = compared(tensor([1, 2], [3, 4]), tensor([1, 2], [3, 3]));
    expect(found.sqnrDb).toBeCloseTo(10 * Math.log10(25), 9);
    expect(found.cosine).toBeCloseTo(21 / Math.sqrt(25 * 18), 9);
    // 4 is the largest of the one; of two equal values the first counts.
    expect(found.agreement).toBe(0);
    expect(found.weakCorrelation).toBeNull();
  });
  it('counts the largest value at each position of the last axis', () => {
    const expected = tensor([2, 2, 2], [1, 0, 1, 0, 0, 1, 0, 1]);
    expect(compared(expected, tensor([2, 2, 2], [9, 0, 0, 9, 0, 9, 0, 9])).agreement).toBe(0.75);
    expect(compared(tensor([3, 1], [1, 2, 3]), tensor([3, 1], [1, 2, 3])).agreement).toBeNull();
  });
  it('sums over samples, and has no figure where there is nothing', () => {
    const comparison = compareOutputs(['y', 'z']);
    comparison.add({ y: tensor([1], [2]) }, { y: tensor([1], [1]) });
    comparison.add({ y: tensor([1], [2]) }, { y: tensor([1], [2]) });
    const [y, z] = comparison.result();
    expect(y!.sqnrDb).toBeCloseTo(10 * Math.log10(8), 9);
    expect(z).toEqual({ name: 'z', sqnrDb: null, cosine: null, agreement: null, weakCorrelation: null });
  });
  it('tells equal outputs, and one that is all zero', () => {
    const x = tensor([1, 3], [1, 2, 3]);
    expect(compared(x, x)).toMatchObject({ sqnrDb: Infinity, cosine: 1, agreement: 1 });
    expect(compared(x, tensor([1, 3], [0, 0, 0]))).toMatchObject({ sqnrDb: 0, cosine: null, agreement: 0 });
  });
  it('finds a column that is lost beside a large one that is not', () => {
    const rows = 100;
    const [boxes, scores] = [randoms(rows, 3), randoms(rows, 4)];
    const pairs = (score: (i: number) => number) =>
      tensor([1, rows, 2], Array.from({ length: rows }, (_, i) => [1000 * boxes[i]!, score(i)]).flat());
    const found = compared(
      pairs((i) => scores[i]!),
      pairs(() => 0),
    );
    expect(found.sqnrDb).toBeGreaterThan(50);
    expect(found.weakCorrelation).toBe(0);
  });
  it('is the same whatever factor both have', () => {
    const numbers = fc.array(fc.integer({ min: -50, max: 50 }), { minLength: 2, maxLength: 8 });
    fc.assert(
      fc.property(numbers, numbers, fc.constantFrom(0.25, 2, 64), (x, y, factor) => {
        const length = Math.min(x.length, y.length);
        const of = (values: readonly number[], by: number) =>
          tensor(
            [1, length],
            values.slice(0, length).map((one) => by * one),
          );
        expect(compared(of(x, factor), of(y, factor))).toEqual(compared(of(x, 1), of(y, 1)));
      }),
    );
  });
});

const LAYER: Layer = {
  ...{ op: 'Gemm', signed: false, perChannel: false, bias: true, quantized: true, group: 1, inputs: 4 },
  ...{
    outputs: 3,
    kernel: 1,
    stride: 1,
    pad: 0,
    dilation: 1,
    size: 2,
    weight: (index) => (index % 7) * 9 - 27,
  },
};

/** The layer with this code in front of everything that is summed. */
function withBias(proto: ModelProto, code: number): ModelProto {
  const initializer = proto.graph.initializer.map((one) =>
    one.name === 'b_q' ? makeTensor('b_q', [3], 6, Int32Array.of(code, 0, 0)) : one,
  );
  return { ...proto, graph: { ...proto.graph, initializer } };
}

const input = (dims: readonly number[]) => ({
  x: tensor(dims, Array.from(randoms(dims.reduce((a, b) => a * b), 5), (at) => 2 * at)), // prettier-ignore
});
const options = { threads: 1, dir: '.' };

describe('a model that is cut at its codes', () => {
  it('computes what the whole one does where it is given the same codes', async () => {
    const { proto, dims } = layerModel(LAYER);
    const { model: cut, cuts } = cutAtCodes(proto);
    expect(cuts.map(({ codes, tensor: rounded }) => [codes, rounded])).toEqual([
      ['x_q', 'x'],
      ['y_q', 'y_f'],
    ]);
    const names = cuts.map(({ codes }) => codes);
    const whole = {
      ...(await runModel(withOutputs(proto, names), input(dims))),
      ...(await runModel(proto, input(dims))),
    };
    const given = Object.fromEntries(cuts.map(({ codes, given: name }) => [name, whole[codes]!]));
    const found = await runModel(cut, { ...input(dims), ...given });
    for (const name of ['y', ...names]) expect(found[name]).toEqual(whole[name]);
  });
  it('is cut nowhere where nothing is rounded', async () => {
    const plain = model({
      ...{ inputs: [value('x', [1, 2])], outputs: [value('y')] },
      nodes: [node('Relu', ['x'], ['y'])],
    });
    expect(cutAtCodes(plain).cuts).toEqual([]);
    expect(await compareOperators(plain, [], options)).toEqual([]);
  });
});

describe('operators on equal inputs', () => {
  it('agree where they are healthy', async () => {
    for (const op of ['Gemm', 'Conv'] as const) {
      const { proto, dims } = layerModel({ ...LAYER, op });
      const [, layer] = (await compareOperators(proto, [input(dims)], options))!;
      expect(layer).toMatchObject({ node: 'layer', op, wrong: 0 });
      expect(layer!.different).toBeLessThanOrEqual(2);
    }
  });
  it.each(['Gemm', 'Conv'] as const)(
    '%s: a bias that overflows with its sum is found by name',
    async (op) => {
      const { proto, dims } = layerModel({ ...LAYER, op });
      // In real numbers the result is far above the range and becomes 255; 32 bits wrap around and give 0.
      const planted = withBias(proto, 2 ** 31 - 1);
      const samples = [
        input(dims),
        { x: tensor(dims, new Array<number>(dims.reduce((a, b) => a * b)).fill(2)) },
      ];
      const positive = { ...planted, graph: { ...planted.graph, initializer: planted.graph.initializer.map((one) =>
      one.name === 'w_q' ? makeTensor('w_q', one.dims.map(Number), 3, new Int8Array(12).fill(100)) : one) } }; // prettier-ignore
      const [, layer] = (await compareOperators(positive, samples, options))!;
      expect(layer).toMatchObject({ node: 'layer', op });
      expect(layer!.wrong).toBeGreaterThan(0);
      expect(layer!.largest).toBeGreaterThan(100);
    },
  );
});

const verification = (change: Partial<Verification> = {}): Verification => ({
  outputs: [{ name: 'scores', sqnrDb: 25, cosine: 0.99, agreement: 0.98, weakCorrelation: null }],
  ...{ samples: 12, inSample: false, optimizedDb: 60, unoptimizedDb: 25, unfit: [], passed: true },
  float: [{ name: 'scores', optimizedDb: 120, steadyDb: 110, isKeptFrom: false }],
  ...change,
});

const KNOWN = { saturates: false, accuracyKept: false };

describe('what is said of a finished model', () => {
  const output = (change: Partial<OutputAgreement>) =>
    verificationProblems(
      verification({ outputs: [{ ...verification().outputs[0]!, ...change }] }),
      KNOWN,
    ).map(({ code, severity }) => `${code} ${severity}`);

  it('is nothing where it is well', () => {
    expect(verificationProblems(verification(), KNOWN)).toEqual([]);
    // Noise that changes no answer does no harm, nor an output that cannot be compared.
    expect(output({ sqnrDb: 2, agreement: 0.95 })).toEqual([]);
    expect(output({ sqnrDb: null, agreement: null })).toEqual([]);
  });
  it('names a damaged output: an error where nothing is left of it, else a warning', () => {
    expect(output({ sqnrDb: 0, agreement: 0.1 })).toEqual(['output-damaged error']);
    // MNIST in 2 bits: 98 % in float, 58 % of the answers are left.
    expect(output({ sqnrDb: 2.5, agreement: 0.58 })).toEqual(['output-damaged error']);
    expect(output({ sqnrDb: 2.9, agreement: null })).toEqual(['output-damaged error']);
    expect(output({ sqnrDb: 8, agreement: 0.7 })).toEqual(['output-damaged warning']);
    expect(output({ weakCorrelation: 0.1 })).toEqual(['output-damaged error']);
  });
  it('leaves the last word on what may be damaged to labels, where they are measured of the only output', () => {
    const scores = verification().outputs[0]!;
    const codes = (outputs: readonly OutputAgreement[]) =>
      verificationProblems(verification({ outputs }), { ...KNOWN, accuracyKept: true }).map(
        ({ severity }) => severity,
      );
    const doubtful = { ...scores, weakCorrelation: 0.6 };
    expect(codes([doubtful])).toEqual([]);
    expect(codes([doubtful, scores])).toEqual(['warning']);
    expect(codes([{ ...scores, weakCorrelation: 0.1 }])).toEqual(['error']);
  });
  it('does not compare with an output in which the float model is not one with itself', () => {
    const lost = [{ ...verification().outputs[0]!, sqnrDb: -90, agreement: null }];
    const found = (change: Partial<Verification['float'][number]>) =>
      verificationProblems(
        verification({ outputs: lost, float: [{ ...verification().float[0]!, ...change }] }),
        KNOWN,
      );
    expect(found({})).toMatchObject([{ code: 'output-damaged' }]);
    expect(found({ steadyDb: 3 })).toMatchObject([{ code: 'float-ambiguous', severity: 'info' }]);
    expect(found({ optimizedDb: 3 })).toMatchObject([{ code: 'float-ambiguous', severity: 'warning' }]);
    // Damaged against either of the two.
    expect(found({ optimizedDb: 35 }).map(({ code }) => code)).toEqual(['float-ambiguous', 'output-damaged']);
    // Rounding that grows through the model explains it.
    expect(found({ optimizedDb: 35, steadyDb: 38 })).toMatchObject([{ code: 'output-damaged' }]);
    expect(found({ optimizedDb: 3 })[0]!.message).toMatch(/"scores" depends on ONNX Runtime's optimizations/);
    // Where the runs here are kept from them, it can be compared.
    expect(found({ optimizedDb: 3, isKeptFrom: true }).map(({ code }) => code)).toEqual([
      'float-ambiguous',
      'output-damaged',
    ]);
  });
  it('names the operators that compute something else', () => {
    const unfit = [
      {
        ...{ node: 'layer', op: 'Gemm', codes: 100, different: 7, wrong: 7, largest: 255 },
        ...{ tensor: 'y', toFloat: [] },
      },
    ];
    const [found] = verificationProblems(verification({ passed: false, unfit }), {
      ...KNOWN,
      saturates: true,
    });
    expect(found).toMatchObject({
      code: 'not-verified',
      severity: 'warning',
      data: { operators: ['layer'] },
    });
    expect(found!.message).toMatch(/in Gemm layer \(7 of 100 codes differ, by up to 255\)\. .*overflow_fix/);
  });
});

describe('samples that are looked at', () => {
  const source = (count: number) => ({ count }) as Parameters<typeof checkSamples>[0]['source'];
  it('are held out where there are some, and spread', () => {
    const validation = { source: source(24) };
    const found = checkSamples({ source: source(100), samples: 10 }, validation);
    expect(found.source).toBe(validation.source);
    expect(found).toMatchObject({ inSample: false, indices: Array.from({ length: 12 }, (_, i) => 2 * i) });
    const beyond = checkSamples({ source: source(100), samples: 40 }, null);
    expect(beyond.inSample).toBe(false);
    expect(Math.min(...beyond.indices)).toBe(40);
    expect(checkSamples({ source: source(3), samples: 3 }, null)).toMatchObject({
      inSample: true,
      indices: [0, 1, 2],
    });
  });
});

describe('a float model that only guesses', () => {
  const found = (right: number, count: number, classes: number | null, name: MetricName = 'top1') => {
    const states = Array.from({ length: count }, (_, i) => [i < right ? 1 : 0, 0]);
    const metric = BUILT_IN[name];
    return plausibilityProblems({ metric }, { states, value: right / count }, classes).map(
      ({ code }) => code,
    );
  };

  it('is found by a binomial test', () => {
    // P(X >= 1) = 1 - 0.9^2, P(X >= 2) = 0.1^2, P(X >= 8 of 10 fair coins) = 56 / 1024.
    expect(upperTail(1, 2, 0.1)).toBeCloseTo(0.19, 12);
    expect(upperTail(2, 2, 0.1)).toBeCloseTo(0.01, 12);
    expect(upperTail(8, 10, 0.5)).toBeCloseTo(56 / 1024, 12);
    expect(found(0, 100, 1000)).toEqual(['float-accuracy-implausible']);
    expect(found(12, 100, 10)).toEqual(['float-accuracy-implausible']);
    expect(found(3, 500, 1000, 'top5')).toEqual(['float-accuracy-implausible']);
  });
  it('is not seen in a weak model, few samples, or where classes are not known', () => {
    expect(found(25, 100, 10)).toEqual([]);
    expect(found(17, 20, 2)).toEqual([]);
    expect(found(0, 10, 10)).toEqual([]);
    expect(found(0, 100, null)).toEqual([]);
    expect(found(0, 100, 10, 'mse')).toEqual([]);
  });
});

const DETECTED = { truths: [[0, 1]], detections: [[0, 0.9, 1, 0]] };

describe('the interval of a drop where no pair differs', () => {
  it('is that of none of n, which is never nothing', () => {
    // (1 - 0.0362)^100 = 0.025.
    expect(unseenInterval(0, 100, 1)[1]).toBeCloseTo(0.0362, 4);
    expect(unseenInterval(0.01, 1, 1)).toEqual([0.01 - 0.975, 0.01 + 0.975]);
    expect(unseenInterval(0, 100, 0.5)[0]).toBeCloseTo(-0.0724, 3);
  });
  const STATES: Readonly<Record<MetricName, unknown>> = {
    ...{ top1: [1, 2, 0, 0], top5: [1, 2, 0, 0], f1: [1, 1], f1_micro: [1, 1], f1_binary: [1, 1] },
    ...{ map: DETECTED, map50: DETECTED, miou: [[0, 4, 5, 5]], pixel_accuracy: [4, 5, 5] },
    ...{ token_f1: [2, 3, 3, 9], perplexity: [6, 3, 9], spearman: [0.5, 2], wer: [1, 4], cer: [1, 4] },
    ...{ agreement: [3, 4], cosine: [0.9, 1, 1, 1], sqnr: [20, 100, 1], psnr: [20, 0, 1, 0.01, 4] },
    ...{ mse: [0.01, 0.04, 4], mae: [0.1, 0.4, 4] },
  };
  it.each(Object.entries(STATES))('%s has one, absolute and relative', (name, state) => {
    const metric = BUILT_IN[name as MetricName];
    const states = Array.from({ length: 10 }, () => state);
    const measured = { value: metric.result(states), states };
    for (const dropType of ['absolute', 'relative'] as const) {
      type Interval = Parameters<typeof intervalOf>;
      const validation = { metric, dropType } as Interval[0];
      const found = intervalOf(validation, measured as unknown as Interval[1], measured);
      if (measured.value === 0) expect(found === null || found[0] < found[1]).toBe(true);
      else expect(found![1] - found![0]).toBeGreaterThan(0);
    }
  });
  it('is unknown where equal outputs leave no scale', () => {
    type Interval = Parameters<typeof intervalOf>;
    const same = { value: 0, states: [[0, 0, 4]] };
    const validation = { metric: BUILT_IN.mse, dropType: 'absolute' } as Interval[0];
    expect(intervalOf(validation, same as unknown as Interval[1], same)).toBeNull();
  });
});

describe('latency', () => {
  it('has an interval of the median that coins give', () => {
    // Of six values all lie on one side with 2 / 64; of nine the second ones leave 10 / 512 = 2 % on each side.
    expect(medianInterval([1, 2, 3, 4, 5])).toBeNull();
    expect(medianInterval([3, 1, 2, 6, 5, 4])).toEqual([1, 6]);
    expect(medianInterval([1, 2, 3, 4, 5, 6, 7, 8, 9])).toEqual([2, 8]);
  });
  it('is said to be worse where the whole interval is', () => {
    const latency = { ...{ floatMedian: 1, quantizedMedian: 1.25, runs: 50, busy: false }, floatSpread: [1, 1], quantizedSpread: [1, 1] } as const; // prettier-ignore
    const codes = (ratio: readonly [number, number] | null) =>
      latencyProblems({ ...latency, ratio }, null, true).map(({ code, severity }) => `${code} ${severity}`);
    expect(codes([0.75, 0.85])).toEqual(['slower-than-float warning']);
    expect(codes([0.75, 0.98])).toEqual([]);
    expect(codes(null)).toEqual([]);
  });
});

describe('samples that are alike', () => {
  const source = (values: readonly number[]) =>
    ({
      count: values.length,
      get: (index: number) => Promise.resolve({ feeds: { x: tensor([1], [values[index]!]) } }),
    }) as unknown as Parameters<typeof alikeProblems>[0];
  it('are counted', async () => {
    const [found] = await alikeProblems(source([1, 1, 1, 2, 2, 3]), 'calibration');
    expect(found).toMatchObject({ code: 'samples-alike', data: { samples: 6, distinct: 3 } });
    const [all] = await alikeProblems(source([1, 1, 1, 1]), 'calibration');
    expect(all?.message).toMatch(/^3 of the first 4 .* which leaves 1 distinct\.$/);
    expect(await alikeProblems(source([1, 2, 3, 4, 5, 5]), 'validation')).toEqual([]);
    expect(await alikeProblems(source([1, 1]), 'calibration')).toEqual([]);
    expect(await alikeProblems(source([1, 2, 3, 4, 4, 4]), 'calibration', 4)).toEqual([]);
  });

  it('are not those that differ in a single value, wherever that is', async () => {
    const length = 1000;
    const differing = (places: readonly number[]) =>
      places.map((place) =>
        tensor(
          [length],
          Array.from({ length }, (_, i) => (i === place ? 1 : 0)),
        ),
      );
    const of = (samples: readonly HostTensor[]) =>
      ({
        count: samples.length,
        get: (index: number) => Promise.resolve({ feeds: { x: samples[index]! } }),
      }) as unknown as Parameters<typeof alikeProblems>[0];
    expect(await alikeProblems(of(differing([1, 2, 3, 4, 999])), 'calibration')).toEqual([]);
    const [found] = await alikeProblems(of(differing([1, 2, 2, 2])), 'calibration');
    expect(found?.data).toMatchObject({ samples: 4, distinct: 2 });
  });
});

describe('a run', () => {
  const mlp = model({
    ...{ inputs: [value('x', [1, 8])], outputs: [value('y', [1, 6])] },
    nodes: [
      node('Gemm', ['x', 'w1', 'b1'], ['h'], {}, 'first'),
      node('Relu', ['h'], ['r']),
      node('Gemm', ['r', 'w2', 'b2'], ['y'], {}, 'second'),
    ],
    initializers: [
      floats('w1', [8, 16], randoms(128, 1)),
      floats('b1', [16], randoms(16, 2)),
      floats('w2', [16, 6], randoms(96, 3)),
      floats('b2', [6], randoms(6, 4)),
    ],
  });
  const samples = (count: number, factor: (index: number) => number) =>
    Array.from({ length: count }, (_, i) => ({
      shape: [1, 8],
      data: Array.from(randoms(8, 10 + i), (at) => factor(i) * at),
    }));

  it('of a healthy model finds nothing, and tells how close its outputs come', async () => {
    const { report } = await quantizeTiny(
      mlp,
      samples(32, () => 1),
    );
    expect(report.warnings.filter(({ code }) => /damaged|verified|unfit/.test(code))).toEqual([]);
    expect(report.verified).toMatchObject({ passed: true, in_sample: true, samples: 12, unfit: [] });
    expect(report.warnings.map(({ code }) => code)).toContain('accuracy-not-measured');
    const { float_p10: low, float_median: middle, float_p90: high } = report.latency_ms!;
    expect(low! <= middle && middle <= high!).toBe(true);
    expect(report.outputs.map(({ name }) => name)).toEqual(['y']);
    expect(report.outputs[0]!.sqnr_db).toBeGreaterThan(10);
  });
  it('of a float model that the optimizer changes says so and compares with what the model says; what is only rounding does not count', async () => {
    // ONNX Runtime 1.30 makes the zeros the MaxPool's own padding, which counts as −∞; the mean is zero but for rounding.
    const padded = model({
      ...{ inputs: [value('x', [1, 2, 4, 4])], outputs: [value('y', [1, 3]), value('m', [1, 2, 1, 1])] },
      nodes: [
        node('ReduceMean', ['x'], ['mean'], { axes: [2, 3], keepdims: 1 }),
        node('Sub', ['x', 'mean'], ['centred']),
        node('ReduceMean', ['centred'], ['m'], { axes: [2, 3], keepdims: 1 }),
        node('Pad', ['x', 'pads'], ['p']),
        node('MaxPool', ['p'], ['q'], { kernel_shape: [2, 2], strides: [2, 2] }),
        node('Flatten', ['q'], ['f']),
        node('Gemm', ['f', 'w'], ['y'], {}, 'head'),
      ],
      initializers: [ints('pads', [0, 0, 1, 1, 0, 0, 1, 1]), floats('w', [18, 3], randoms(54, 1))],
    });
    const negative = Array.from({ length: 8 }, (_, i) => ({
      shape: [1, 2, 4, 4],
      data: Array.from(randoms(32, 10 + i), (at) => at - 2),
    }));
    const { report } = await quantizeTiny(padded, negative);
    const found = report.warnings.filter(({ code }) => /ambiguous|damaged/.test(code));
    expect(
      found.map(({ code, severity, message }) => `${code} ${severity} ${/"(\w)"/.exec(message)![1]!}`),
    ).toEqual(['float-ambiguous warning y', 'float-ambiguous info m']);
    expect(report.outputs.find(({ name }) => name === 'y')!.sqnr_db).toBeGreaterThan(30);
    expect(report.verified!.passed).toBe(true);
    expect(report.verified!.unoptimized_db).toBeGreaterThan(30);
  });
  it('of a float model that the optimizer makes invalid names the Pads', async () => {
    const padded = model({
      ...{ inputs: [value('x', [1, 2, 4, 4])], outputs: [value('y', [1, 3])] },
      nodes: [
        node('Pad', ['x', 'pads'], ['p'], {}, 'wide'),
        node('AveragePool', ['p'], ['q'], { kernel_shape: [2, 2], strides: [2, 2] }),
        node('Flatten', ['q'], ['f']),
        node('Gemm', ['f', 'w'], ['y'], {}, 'head'),
      ],
      initializers: [ints('pads', [0, 0, 2, 2, 0, 0, 2, 2]), floats('w', [32, 3], randoms(96, 1))],
    });
    await expect(createSession(padded, { threads: 1 })).rejects.toMatchObject({
      problem: { code: 'runtime-load' },
    });
    const images = Array.from({ length: 8 }, (_, i) => ({
      shape: [1, 2, 4, 4],
      data: Array.from(randoms(32, 10 + i)),
    }));
    const { report } = await quantizeTiny(padded, images);
    expect(report.warnings.filter(({ code }) => code.startsWith('float-'))).toEqual([
      {
        ...{ code: 'float-refused', severity: 'warning', config_path: ['model'] },
        message: expect.stringContaining('the zeros of "wide" in front') as string,
      },
    ]);
    expect(report.outputs[0]!.sqnr_db).toBeGreaterThan(30);
    expect(report.verified).toMatchObject({ passed: true, operators_compared: true });
  });
  it('goes on where a misread form of the float model loads, but does not run', async () => {
    const form = model({
      ...{ inputs: [value('x', [2])], outputs: [value('y', [2])] },
      nodes: [node('Cast', ['x'], ['i'], { to: 7 }), node('Gather', ['table', 'i'], ['y'])],
      initializers: [floats('table', [3], [1, 2, 3])],
    });
    const feeds = { x: { type: 'float32', dims: [2], data: Float32Array.of(1, 9) } } as const;
    const source = {
      ...{ count: 1, hasLabels: false, fingerprint: () => Promise.resolve('') },
      get: () => Promise.resolve({ name: '#0', label: null, feeds }),
    };
    const steady = [{ name: 'y', optimizedDb: null, steadyDb: null, isKeptFrom: false }];
    const plain = { indices: [0], outputs: [feeds] };
    const chosen = { source, indices: [0], inSample: true };
    expect(await withMisreadForm(steady, form, plain, chosen, { threads: 1, dir: '.' })).toBeNull();
  });
  it('whose calibration data are not what the model gets says that the output is damaged', async () => {
    // Statistics come from the first 8 samples, which are nearly zero; the others are clipped to nothing.
    const { report } = await quantizeTiny(
      mlp,
      samples(32, (i) => (i < 8 ? 0.001 : 10)),
      { subset_size: 8 },
    );
    expect(report.verified).toMatchObject({ in_sample: false });
    expect(report.warnings).toContainEqual(
      expect.objectContaining({
        code: 'output-damaged',
        severity: 'error',
        message: expect.stringMatching(/^The output "y" is damaged .* held-out samples\.$/) as string,
      }),
    );
  });
});

describe('what the report says of layers', () => {
  const spiky = (order: (index: number) => number) =>
    Array.from({ length: 16 }, (_, i) => order(i)).map((i) => ({
      shape: [1, 8],
      data: Array.from(randoms(8, 10 + i), (at) => (i === 0 ? 0.001 : 1) * at),
    }));
  const two = model({
    ...{ inputs: [value('x', [1, 8])], outputs: [value('y', [1, 6])] },
    nodes: [
      node('Gemm', ['x', 'w1', 'b1'], ['h'], {}, 'first'),
      node('Relu', ['h'], ['r']),
      node('Gemm', ['r', 'w2', 'b2'], ['y'], {}, 'second'),
    ],
    initializers: [
      ...[floats('w1', [8, 16], randoms(128, 1)), floats('b1', [16], randoms(16, 2))],
      ...[floats('w2', [16, 6], randoms(96, 3)), floats('b2', [6], randoms(6, 4))],
    ],
  });

  it('does not hang on which sample comes first', async () => {
    const first = await quantizeTiny(two, spiky((i) => i)); // prettier-ignore
    const swapped = await quantizeTiny(two, spiky((i) => (i === 0 ? 1 : i === 1 ? 0 : i))); // prettier-ignore
    const noise = ({ report }: typeof first) => report.layers.map(({ sqnr_db: decibels }) => decibels!);
    noise(first).forEach((decibels, i) => expect(Math.abs(decibels - noise(swapped)[i]!)).toBeLessThan(10));
  });
  it('says how each runs, and why not in integers', async () => {
    const { report } = await quantizeTiny(two, spiky((i) => i)); // prettier-ignore
    for (const { kernel, runs, runs_reason: reason } of report.layers) {
      expect(runs === 'integer').toBe(kernel !== null);
      expect(reason === null).toBe(kernel !== null);
    }
  });
});
