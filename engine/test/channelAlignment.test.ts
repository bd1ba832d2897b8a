import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { alignChannels, alignmentPairs, alignmentPlan } from '../src/corrections/channelAlignment.js';
import { prepareModel } from '../src/prepare/prepare.js';
import { encodeModel, readFloats, readModel } from '@quantsmith/model/onnx';
import { collectStatistics } from '../src/statistics/collect.js';
import { oneWorker } from '../src/runtime/workers.js';
import { floats, model, node, randoms, value } from '../../test/kit/models.js';
import { relativeDifference, runModel } from '../../test/kit/runModel.js';

const scratch = mkdtempSync(join(tmpdir(), 'quantsmith-align-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

type Nodes = ReturnType<typeof node>[];
type Constants = NonNullable<Parameters<typeof model>[0]['initializers']>;

async function prepare(nodes: Nodes, initializers: Constants) {
  const path = join(scratch, 'model.onnx');
  const outputs = [value('y', [1, 'c', 'h', 'w'])];
  writeFileSync(
    path,
    encodeModel(model({ nodes, inputs: [value('x', [1, 2, 4, 4])], outputs, initializers })),
  );
  return prepareModel(await readModel(path));
}

async function align(nodes: Nodes, initializers: Constants) {
  const prepared = await prepare(nodes, initializers);
  const pairs = alignmentPairs(prepared.graph, new Set());
  const plan = alignmentPlan(pairs);
  const input = { type: 'float32' as const, dims: [1, 2, 4, 4], data: Float32Array.from(randoms(32, 1)) };
  async function* samples() {
    yield await Promise.resolve({ name: '0', feeds: { x: input } });
  }

  const options = { inGraph: true, workers: oneWorker(1) };
  const { ranges } = await collectStatistics(prepared, plan, [], samples(), options);
  const after = await alignChannels(prepared, pairs, ranges);
  const outputs = async (model: typeof after) => (await runModel(model.model, { x: input }))['y']!;
  const again = await collectStatistics(after, plan, [], samples(), options);
  return { prepared, after, pairs, before: await outputs(prepared), aligned: await outputs(after), again };
}

const W = (name: string, dims: number[], seed: number) =>
  floats(name, dims, randoms(dims.reduce((a, b) => a * b), seed)); // prettier-ignore

describe('channel alignment', () => {
  it('gives the channels between two convolutions one range, and changes no output', async () => {
    const first = W('w1', [3, 2, 1, 1], 2);
    const scaled = floats(
      'w1',
      [3, 2, 1, 1],
      readFloats(first, '.').map((x, i) => x * [1, 7, 0.2][i >> 1]!),
    );
    const { before, aligned, again } = await align(
      [node('Conv', ['x', 'w1', 'b1'], ['m']), node('Conv', ['m', 'w2'], ['y'])],
      [scaled, floats('b1', [3], [1, -2, 0.5]), W('w2', [4, 3, 1, 1], 3)],
    );
    expect(relativeDifference(aligned, before)).toBeLessThan(1e-5);
    const { min, max } = again.ranges.get('m')!;
    // Centred, and as wide as the median of the channels' ranges.
    max.forEach((high, c) => expect(high / -min[c]!).toBeCloseTo(1, 4));
    max.forEach((high) => expect(high / max[0]!).toBeCloseTo(1, 4));
  });
  it('takes chains, and grouped convolutions as the first of a pair', async () => {
    const { pairs, before, aligned } = await align(
      [
        node('Conv', ['x', 'w1'], ['a'], { group: 2 }),
        node('Conv', ['a', 'w2'], ['b']),
        node('Conv', ['b', 'w3', 'b3'], ['y']),
      ],
      [
        W('w1', [4, 1, 3, 3], 4),
        W('w2', [5, 4, 1, 1], 5),
        W('w3', [2, 5, 2, 2], 6),
        floats('b3', [2], [3, 4]),
      ],
    );
    expect(pairs.map(({ tensor }) => tensor)).toEqual(['a', 'b']);
    expect(relativeDifference(aligned, before)).toBeLessThan(1e-5);
  });
  it('clips scales: a channel of constant zero does not blow up its weights', async () => {
    const { after, before, aligned } = await align(
      [node('Conv', ['x', 'w1'], ['m']), node('Conv', ['m', 'w2'], ['y'])],
      [floats('w1', [3, 2, 1, 1], [1, 2, 0, 0, 3, 1]), W('w2', [2, 3, 1, 1], 7)],
    );
    const weight = readFloats(after.graph.initializer('w2_aligned')!, '.');
    const original = randoms(6, 7);
    expect(weight[1]! / original[1]!).toBeCloseTo(0.01, 6);
    expect(relativeDifference(aligned, before)).toBeLessThan(1e-5);
  });
  it.each([
    ['padding', { pads: [1, 1, 1, 1] }, 'm'],
    ['strides', { strides: [2, 2] }, 'm'],
    ['groups', { group: 2 }, 'm'],
    ['an activation between', {}, 'r'],
  ])('leaves pairs with %s alone', async (_, attributes, input) => {
    const second = 'group' in attributes ? [2, 1, 1, 1] : [2, 2, 1, 1];
    const prepared = await prepare(
      [
        node('Conv', ['x', 'w1'], ['m']),
        node('Relu', ['m'], ['r']),
        node('Conv', [input, 'w2'], ['y'], attributes),
      ].filter((n) => input === 'r' || n.opType === 'Conv'),
      [W('w1', [2, 2, 1, 1], 8), W('w2', second, 9)],
    );
    expect(alignmentPairs(prepared.graph, new Set())).toEqual([]);
  });
  it('leaves pairs alone whose tensor others read, and ignored operators', async () => {
    const nodes = [node('Conv', ['x', 'w1'], ['m'], {}, 'first'), node('Conv', ['m', 'w2'], ['n'], {}, 'second')]; // prettier-ignore
    const constants = [W('w1', [2, 2, 1, 1], 8), W('w2', [2, 2, 1, 1], 9)];
    const branched = await prepare([...nodes, node('Add', ['m', 'n'], ['y'])], constants);
    expect(alignmentPairs(branched.graph, new Set())).toEqual([]);
    const plain = await prepare([...nodes, node('Relu', ['n'], ['y'])], constants);
    expect(alignmentPairs(plain.graph, new Set(['first']))).toEqual([]);
    expect(alignmentPairs(plain.graph, new Set())).toHaveLength(1);
  });
});
