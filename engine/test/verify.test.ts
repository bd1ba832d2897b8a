import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { HostTensor } from '@quantsmith/model/arrays';
import { makeTensor, type ModelProto, type NodeProto, withOutputs } from '@quantsmith/model/onnx';
import { cutAtCodes } from '../src/verify/cut.js';
import { verificationProblems } from '../src/verify/outputDamage.js';
import { compareOperators, isUnfit } from '../src/verify/operators.js';
import { compareOutputs, type OutputAgreement } from '../src/verify/outputs.js';
import { checkCount, checkSamples, type Verification } from '../src/verify/verify.js';
import { ints, model, node, randoms, value } from '../../test/kit/models.js';
import { runModel } from '../../test/kit/runModel.js';
import { layerModel, type Layer } from './quantizedLayer.js';

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
    expect(z).toEqual({
      name: 'z',
      sqnrDb: null,
      aboutMeanDb: null,
      cosine: null,
      agreement: null,
      weakCorrelation: null,
    });
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
  it('is told about the mean too, where an offset hides the noise', () => {
    const signal = randoms(12, 5);
    const answers = (from: number, column: number, error: number) =>
      tensor(
        [12, 2],
        Array.from(signal, (x, i) => [x + from, column + error * (i % 2 === 0 ? 1 : -1)]).flat(),
      );
    const found = compared(answers(1000, 0.5, 0), answers(1000, 0.5, 0.5));
    const mean = signal.reduce((sum, x) => sum + x, 0) / 12;
    const variance = signal.reduce((sum, x) => sum + (x - mean) ** 2, 0) / 11;
    expect(found.sqnrDb).toBeGreaterThan(60);
    expect(found.aboutMeanDb).toBeCloseTo(10 * Math.log10(variance / 0.25), 3);
    // Each column has a mean of its own: of two classes with nearly constant answers too.
    const moved = compared(answers(0, 900, 0), answers(0, 900, 0.5));
    expect(moved.aboutMeanDb).toBeCloseTo(found.aboutMeanDb!, 3);
    // Without an offset it is the same, and of few rows or of equal ones nothing is known.
    const plain = tensor(
      [64, 1],
      Array.from(randoms(64, 6), (x) => x),
    );
    const noisy = tensor(
      [64, 1],
      Array.from(plain.data as Float32Array, (x, i) => x + (i % 2) / 8),
    );
    const { sqnrDb, aboutMeanDb } = compared(plain, noisy);
    expect(Math.abs(sqnrDb! - aboutMeanDb!)).toBeLessThan(0.5);
    expect(
      compared(tensor([7, 1], [1, 2, 3, 4, 5, 6, 7]), tensor([7, 1], [1, 2, 3, 4, 5, 6, 6])).aboutMeanDb,
    ).toBeNull();
    expect(
      compared(tensor([9, 1], new Array<number>(9).fill(3)), tensor([9, 1], new Array<number>(9).fill(2)))
        .aboutMeanDb,
    ).toBeNull();
  });
  it('does not look for columns that are lost among answers of one row a sample', () => {
    const classes = (seed: number) =>
      tensor(
        [1, 100],
        Array.from(randoms(100, seed), (x) => x ** 8),
      );
    const comparison = compareOutputs(['y']);
    for (let i = 0; i < 64; i++) comparison.add({ y: classes(i) }, { y: classes(i + 64) });
    // Most of a hundred classes are in none of 64 samples.
    expect(comparison.result()[0]!.weakCorrelation).toBeNull();
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

/** x in steps of `unit`, computed by `nodes` into `y`, which is rounded to steps of `width`. */
function roundedModel(
  dims: readonly number[],
  nodes: readonly NodeProto[],
  { unit, width }: { readonly unit: number; readonly width: number },
) {
  const scalar = (name: string, number: number) => makeTensor(name, [], 1, Float32Array.of(number));
  const identity = [4, 0, 0, 0, 0, 4, 0, 0, 0, 0, 4, 0, 0, 0, 0, 4];

  return model({
    nodes: [
      node('QuantizeLinear', ['x', 'unit', 'zero'], ['x_q']),
      node('DequantizeLinear', ['x_q', 'unit', 'zero'], ['x_dq']),
      node('DequantizeLinear', ['w_q', 'quarter', 'w_zero'], ['w']),
      ...nodes,
      node('QuantizeLinear', ['y', 'width', 'zero'], ['y_q']),
      node('DequantizeLinear', ['y_q', 'width', 'zero'], ['out']),
    ],
    inputs: [value('x', dims)],
    outputs: [value('out')],
    initializers: [
      ...[scalar('unit', unit), scalar('quarter', 0.25), scalar('width', width)],
      makeTensor('zero', [], 2, Uint8Array.of(0)),
      makeTensor('w_zero', [], 3, Int8Array.of(0)),
      makeTensor('w_q', [4, 4], 3, Int8Array.from(identity)),
      makeTensor('b', [4], 1, new Float32Array(4).fill(0.12)),
      ints('shape', [4, 4]),
    ],
  });
}

describe('operators on equal inputs', () => {
  it('of a small tensor may round half way between codes as they like', async () => {
    // Of 2a / 4 every other result lies half way between two codes, and the kernel rounds three of them the other way.
    const nodes = [node('Add', ['x_dq', 'x_dq'], ['y'], {}, 'sum')];
    const proto = roundedModel([1, 64], nodes, { unit: 0.1, width: 0.4 });
    const steps = {
      x: tensor(
        [1, 64],
        Array.from({ length: 64 }, (_, i) => ((i * 37) % 64) * 0.1),
      ),
    };
    const sum = (await compareOperators(proto, [steps], options))!.find(({ node }) => node === 'sum')!;
    expect(sum).toMatchObject({ op: 'Add', codes: 64, wrong: 0, different: 0 });
    expect(isUnfit(sum)).toBe(false);
  });
  it('of a small tensor that are all off by one are found', async () => {
    // The runtime rounds the bias 0.12 to steps of 1 · 1/4: to nothing. Of a result in steps of 1/8 that is a code.
    const nodes = [
      node('Reshape', ['x_dq', 'shape'], ['x_known'], {}, 'known'),
      node('MatMul', ['x_known', 'w'], ['product'], {}, 'product'),
      node('Add', ['product', 'b'], ['y'], {}, 'bias'),
    ];
    const proto = roundedModel([4, 4], nodes, { unit: 1, width: 1 / 8 });
    const steps = {
      x: tensor(
        [4, 4],
        Array.from({ length: 16 }, (_, i) => i),
      ),
    };
    const product = (await compareOperators(proto, [steps], options))!.find(
      ({ node }) => node === 'product',
    )!;
    expect(product).toMatchObject({ op: 'MatMul', codes: 16, wrong: 0, largest: 1, different: 16 });
    expect(isUnfit(product)).toBe(true);
  });
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
  outputs: [
    { name: 'scores', sqnrDb: 25, aboutMeanDb: 24, cosine: 0.99, agreement: 0.98, weakCorrelation: null },
  ],
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
  it('warns of an output of which an offset alone is left', () => {
    const offset = { sqnrDb: 60, aboutMeanDb: -4, agreement: null };
    expect(output(offset)).toEqual(['output-damaged warning']);
    expect(output({ ...offset, aboutMeanDb: 4 })).toEqual([]);
    // What is like this in all samples may be what counts, as in an autoencoder's spectrum.
    expect(output({ ...offset, agreement: 0.5 })).toEqual([]);
    const [found] = verificationProblems(
      verification({ outputs: [{ ...verification().outputs[0]!, ...offset }] }),
      KNOWN,
    );
    expect(found!.message).toMatch(
      /may be damaged by quantization: SQNR 60\.0 dB \(-4\.0 dB about its mean\) against/,
    );
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
    const found = checkSamples({ source: source(100), samples: 10 }, validation, 12);
    expect(found.source).toBe(validation.source);
    expect(found).toMatchObject({ inSample: false, indices: Array.from({ length: 12 }, (_, i) => 2 * i) });
    const beyond = checkSamples({ source: source(100), samples: 40 }, null, 12);
    expect(beyond.inSample).toBe(false);
    expect(Math.min(...beyond.indices)).toBe(40);
    expect(checkSamples({ source: source(3), samples: 3 }, null, 12)).toMatchObject({
      inSample: true,
      indices: [0, 1, 2],
    });
  });
  it('are more of small models, which cost next to nothing', () => {
    expect(checkCount({ activationsEach: 5e4, modelBytes: 1e5 })).toBe(32);
    expect(checkCount({ activationsEach: 2e5, modelBytes: 4e5 })).toBe(27);
    // MobileNetV2.
    expect(checkCount({ activationsEach: 7e6, modelBytes: 14e6 })).toBe(12);
  });
});
