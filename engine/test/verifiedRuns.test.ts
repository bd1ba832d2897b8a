import { describe, expect, it } from 'vitest';
import { createSession } from '../src/runtime/session.js';
import { withMisreadForm } from '../src/verify/floatAgreement.js';
import { floats, ints, model, node, randoms, value } from '../../test/kit/models.js';
import { quantizeTiny, tinyMlp } from './tiny.js';

describe('a run', () => {
  const mlp = tinyMlp();
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
    expect(report.verified).toMatchObject({ passed: true, in_sample: true, samples: 32, unfit: [] });
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
  const two = tinyMlp();

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
