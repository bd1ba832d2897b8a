import { describe, expect, it } from 'vitest';
import { toHalves } from '@quantsmith/model/arrays';
import { floats, node, randoms } from '../../test/kit/models.js';
import { quantizeModel } from '../../test/kit/quantize.js';
import { compareModels } from './exported.js';
import { matrix, ofRows, VARIANTS } from './variants.js';

const SAMPLES = 24;
const LINEAR = new Set(['Conv', 'Gemm', 'MatMul']);

it('a weight that is no number is told, not the samples that it spoils', async () => {
  const weights = randoms(108, 2);
  weights[5] = NaN;
  const built = ofRows(
    [node('Conv', ['x', 'K'], ['a']), node('Relu', ['a'], ['b']), node('Conv', ['b', 'L'], ['y'])],
    [floats('K', [4, 3, 3, 3], weights), floats('L', [2, 4, 1, 1], randoms(8))],
    [3, 6, 6],
  );
  const samples = [{ shape: [3, 6, 6], data: [...randoms(108)] }];
  await expect(quantizeModel(built, samples, undefined)).rejects.toMatchObject({
    problem: { code: 'weight-not-finite', data: { tensor: 'K' } },
  });
});

it.each(['integer', 'size'] as const)('a causal mask of −∞ is no constant for codes: %s', async (goal) => {
  const side = 48;
  const mask = Float32Array.from({ length: side ** 2 }, (_, i) => (i % side > i / side ? -Infinity : 0));
  const built = ofRows(
    [
      node('MatMul', ['x', 'W'], ['q']),
      node('Transpose', ['x'], ['t'], { perm: [0, 2, 1] }),
      node('MatMul', ['q', 't'], ['s']),
      node('Add', ['s', 'mask'], ['m']),
      node('Softmax', ['m'], ['p'], { axis: -1 }),
      node('MatMul', ['p', 'x'], ['y']),
    ],
    [matrix('W', 8, 8, 2), floats('mask', [side, side], mask)],
    [side, 8],
  );
  const samples = [1, 2, 3].map((seed) => ({ shape: [side, 8], data: [...randoms(side * 8, seed)] }));
  const { report } = await quantizeModel(built, samples, { optimize_for: goal });
  expect(report.outputs?.[0]?.sqnr_db).toBeGreaterThan(25);
});

describe('patterns of exporters beyond the cases', () => {
  it.each(Object.entries(VARIANTS))('%s', async (_, { built, shape, integer, half = false, factor = 1 }) => {
    const length = shape.reduce((product, dim) => product * dim, 1);
    const drawn = Array.from({ length: SAMPLES }, (_, index) =>
      randoms(length, 11 + index).map((number) => number * factor),
    );
    const { report, output } = await quantizeModel(
      built,
      drawn.map((values) => ({ shape, data: [...values] })),
      undefined,
    );
    expect(report.layers.filter(({ op, kernel }) => LINEAR.has(op) && kernel !== null)).toHaveLength(integer);

    const dims = [1, ...shape];
    const feeds = drawn.map((data) => ({
      x: half
        ? ({ type: 'float16', dims, data: toHalves(data) } as const)
        : ({ type: 'float32', dims, data } as const),
    }));
    const float = output.replace(/\.int8\.onnx$/, '.onnx');
    for (const compared of await compareModels(float, output, feeds)) {
      expect(compared).toMatchObject({ sameType: true, sameShape: true });
      expect(compared.optimized).toBeGreaterThan(25);
      expect(compared.plain).toBeGreaterThan(25);
    }
  });
});
