import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { prepareModel } from '../src/prepare/prepare.js';
import {
  applySmoothing,
  groupId,
  magnitudePlan,
  smoothGroups,
  smoothScales,
} from '../src/corrections/smoothQuant.js';
import { encodeModel, readFloats, readModel } from '@quantsmith/model/onnx';
import { collectStatistics } from '../src/statistics/collect.js';
import { oneWorker } from '../src/runtime/workers.js';
import { floats, model, node, randoms, value } from '../../test/kit/models.js';
import { relativeDifference, runModel } from '../../test/kit/runModel.js';
import { vectors } from './vectors.js';

interface Tensor {
  shape: number[];
  data: number[];
}
interface OracleModel {
  model: string;
  nodes: { op: string; name: string; in: string[]; out: string[]; attr: Record<string, number | number[]> }[];
  initializers: Record<string, Tensor>;
  samples: { x: Tensor }[];
  runs: Record<string, { smooth_scales?: Record<string, number[]> }>;
}

const scratch = mkdtempSync(join(tmpdir(), 'quantsmith-smooth-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

async function smooth(
  nodes: ReturnType<typeof node>[],
  constants: Record<string, Tensor>,
  samples: Tensor[],
  alpha: number,
) {
  const path = join(scratch, 'model.onnx');
  writeFileSync(
    path,
    encodeModel(
      model({
        nodes,
        inputs: [value('x', samples[0]!.shape)],
        outputs: [value('y')],
        initializers: Object.entries(constants).map(([name, { shape, data }]) => floats(name, shape, data)),
      }),
    ),
  );
  const prepared = await prepareModel(await readModel(path));
  const groups = smoothGroups(prepared.graph, new Set());
  if (groups.length === 0) return { prepared, after: await applySmoothing(prepared, []), feeds: [] };
  const feeds = samples.map(({ shape, data }, i) => ({
    name: `${i}`,
    feeds: { x: { type: 'float32' as const, dims: shape, data: Float32Array.from(data) } },
  }));
  async function* all() {
    for (const sample of feeds) yield await Promise.resolve(sample);
  }

  const { ranges } = await collectStatistics(prepared, magnitudePlan(groups), [], all(), {
    inGraph: true,
    workers: oneWorker(1),
  });
  const smoothed = groups.map((group) => ({
    group,
    scales: smoothScales(group, Float64Array.from(ranges.get(groupId(group))!.max), alpha, '.'),
  }));
  return { prepared, after: await applySmoothing(prepared, smoothed), feeds };
}

describe('SmoothQuant', () => {
  it('finds the scales of the reference and changes no output', async () => {
    const oracle = vectors<{ models: OracleModel[] }>('models_nncf_oracle').models.find(
      (m) => m.model === 'attention',
    )!;
    const nodes = oracle.nodes.map((n) => node(n.op, n.in, n.out, n.attr, n.name));
    const samples = oracle.samples.map((sample) => sample.x);
    const { prepared, after, feeds } = await smooth(nodes, oracle.initializers, samples, 0.95);
    const factors = (tensor: string) =>
      Array.from(readFloats(after.graph.initializer(`${tensor}_smooth_quant_scale`)!, '.'));
    const expected = oracle.runs['transformer_sq']!.smooth_scales!;
    factors('x').forEach((x, c) =>
      expect(x).toBeCloseTo(expected['nncf_model_input_0_0_0/nncf_smooth_quant']![c]!, 5),
    );
    factors('av').forEach((x, c) => expect(x).toBeCloseTo(expected['mm_av_0_0/nncf_smooth_quant']![c]!, 5));
    const [before] = Object.values(await runModel(prepared.model, feeds[0]!.feeds));
    const [smoothed] = Object.values(await runModel(after.model, feeds[0]!.feeds));
    expect(relativeDifference(before!, smoothed!)).toBeLessThan(1e-5);
  });
  it('divides the channels of a convolution, and changes no output', async () => {
    const constants = { w: { shape: [2, 2, 1, 1], data: [4, 0.5, -1, 1] } };
    const samples = [{ shape: [1, 2, 1, 2], data: [1, -9, 0.25, 0.2] }];
    const { prepared, after, feeds } = await smooth(
      [node('Conv', ['x', 'w'], ['y'])],
      constants,
      samples,
      0.5,
    );
    // a = (9, 0.25), w = (4, 1): s = √(9/4), √(0.25/1); the lower one is cut to the 0.1-quantile, 0.5 + 0.1·(1.5 − 0.5).
    const factors = after.graph.initializer('x_conv_smooth_quant_scale')!;
    expect(factors.dims.map(Number)).toEqual([2, 1, 1]);
    readFloats(factors, '.').forEach((x, c) => expect(x).toBeCloseTo([1 / 1.5, 1 / 0.6][c]!, 5));
    const [before] = Object.values(await runModel(prepared.model, feeds[0]!.feeds));
    const [smoothed] = Object.values(await runModel(after.model, feeds[0]!.feeds));
    expect(relativeDifference(before!, smoothed!)).toBeLessThan(1e-6);
  });
  it('leaves a weight alone that another operator reads', async () => {
    const constants = { w: { shape: [3, 3], data: [...randoms(9)] } };
    const nodes = [
      node('MatMul', ['x', 'w'], ['a']),
      node('Relu', ['a'], ['b']),
      node('MatMul', ['b', 'w'], ['y']),
    ];
    const { prepared, after } = await smooth(nodes, constants, [{ shape: [1, 3], data: [1, 2, 3] }], 0.5);
    expect(after).toBe(prepared);
  });
});
