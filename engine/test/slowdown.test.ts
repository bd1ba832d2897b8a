import { describe, expect, it } from 'vitest';
import { latencyProblems } from '../src/measure/findings.js';
import type { Latency } from '../src/measure/latency.js';
import { compareKernels, explainSlowness, type Profiled } from '../src/measure/slowdown.js';
import { kernelTimes, timesOf } from '../src/runtime/kernelTimes.js';
import { encodeModel } from '@quantsmith/model/onnx';
import { plan } from '../src/plan/plan.js';
import { buildModel } from '../src/quantize/quantization.js';
import { makeQuantization } from '../src/run/make.js';
import { floats, model, node, randoms, value } from '../../test/kit/models.js';
import { inputsOf, sourceOf } from './inputsOf.js';

const kernel = (name: string, covers: readonly string[], op = 'Conv') => ({
  ...{ name, op, domain: '', inputs: [], outputs: [], kind: 'integer' as const, covers },
});
const profile = (...all: readonly (readonly [string, readonly string[], number])[]): Profiled => ({
  kernels: all.map(([name, covers]) => kernel(name, covers)),
  times: new Map(all.map(([name, , time]) => [name, time])),
});

describe('the runtime\u2019s profile', () => {
  it('gives the median of each kernel, as often as it runs', () => {
    const line = (name: string, dur: number) => ({ cat: 'Node', name: `${name}_kernel_time`, dur });
    const lines = [
      ...[line('a', 10), line('a', 500), line('a', 20)],
      ...Array.from({ length: 6 }, () => line('twice', 30)),
      ...[
        { cat: 'Session', name: 'model_run', dur: 9 },
        { cat: 'Node', name: 'a_fence_before', dur: 9 },
      ],
    ];
    expect([...timesOf(`[\n${lines.map((line) => JSON.stringify(line)).join(',\n')}\n]`, 3)]).toEqual([
      ['a', 0.02],
      ['twice', 0.06],
    ]);
  });
  it('is read of a real model, kernel by kernel', async () => {
    const weights = randoms(64 * 64);
    const proto = model({
      ...{ inputs: [value('x', [1, 64])], outputs: [value('y', [1, 64])] },
      nodes: [node('MatMul', ['x', 'w'], ['h'], {}, 'product'), node('Relu', ['h'], ['y'], {}, 'relu')],
      initializers: [floats('w', [64, 64], weights)],
    });
    const feeds = { x: { type: 'float32' as const, dims: [1, 64], data: new Float32Array(64) } };
    const times = await kernelTimes(encodeModel(proto), feeds, 2, { threads: 1 });
    expect([...times.keys()].sort()).toEqual(['product', 'relu']);
  });
});

describe('where the time of a slow model goes', () => {
  it('is told by operators, joined where either model fuses them, with the conversions apart', () => {
    const float = profile(['conv', ['conv', 'relu'], 0.1], ['add', ['add'], 0.2], ['tail', ['tail'], 0.1]);
    const quantized = profile(
      ...([
        ['conv', ['conv'], 0.3],
        ['relu', ['relu'], 0.1],
        ['add', ['add'], 0.1],
      ] as const),
      ...([
        ['q1', [], 0.05],
        ['q2', [], 0.05],
        ['tail', ['tail'], 0.1],
      ] as const),
    );
    const { costs, conversions } = compareKernels(float, quantized);
    expect(
      costs.map(({ operators, float: before, quantized: after }) => [[...operators].sort(), before, after]),
    ).toEqual([
      [['conv', 'relu'], 0.1, 0.4],
      [['tail'], 0.1, 0.1],
      [['add'], 0.2, 0.1],
    ]);
    expect(conversions).toEqual({ count: 2, milliseconds: 0.1 });
  });
  it('is said with what was tried, and only what helped', () => {
    const latency: Latency = {
      ...{ floatMedian: 1, quantizedMedian: 2, ratio: [0.4, 0.6], busy: false, runs: 50 },
      ...{ floatSpread: [1, 1], quantizedSpread: [2, 2] },
    };
    const tried = (ratio: readonly [number, number]) => ({
      operators: ['conv', 'relu'],
      latency: { ...latency, floatMedian: 2, quantizedMedian: 1, ratio },
    });
    const costliest = [{ operators: ['conv', 'relu'], op: 'Conv', float: 0.1, quantized: 0.4 }];
    const said = (ratio: readonly [number, number], dots = true) => {
      const slowdown = { costliest, conversions: { count: 2, milliseconds: 0.1 }, tried: tried(ratio) };
      return latencyProblems(latency, slowdown, dots)[0]!.message;
    };

    expect(said([1.5, 2.5])).toMatch(
      /Most expensive: Conv conv \(0\.400 ms, in float 0\.100 ms\); conversions .*\(2, 0\.100 ms\)\. With conv, relu in float .* 1\.00 ms instead of 2\.00 ms\.$/,
    );
    expect(said([0.9, 1.1], false)).toMatch(
      /Leaving operators in float does not help.* This CPU has no 8-bit dot-product/,
    );
  });
  it('is measured of a real model', async () => {
    const source = model({
      ...{ inputs: [value('x', [1, 8])], outputs: [value('y', [1, 8])] },
      nodes: [
        node('MatMul', ['x', 'w'], ['h'], {}, 'first'),
        node('MatMul', ['h', 'w2'], ['y'], {}, 'second'),
      ],
      initializers: [floats('w', [8, 8], randoms(64)), floats('w2', [8, 8], randoms(64))],
    });
    const feeds = { x: { type: 'float32' as const, dims: [1, 8], data: randoms(8) } };
    const samples = sourceOf(4, (index) => ({ name: `${index}`, feeds, label: null }));
    const inputs = await inputsOf(source, samples, { cpu: { model: '', arch: 'x64', isa: [] } });
    const planned = plan({ model: 'm.onnx', data: { calibration: { arrays: 'x.npy' } } });
    const { quantization } = await makeQuantization(inputs, planned, () => undefined);
    const final = buildModel(quantization, new Set());
    const found = await explainSlowness(quantization, final, new Set(), feeds, 1);
    expect(found.costliest.every((cost) => cost.quantized > cost.float)).toBe(true);
    expect(found.conversions.milliseconds).toBeGreaterThanOrEqual(0);
  });
});
