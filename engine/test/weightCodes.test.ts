import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodeModel } from '@quantsmith/model/onnx';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { floats, model, node, value } from '../../test/kit/models.js';
import { weightCodes } from '../src/weights/weightCodes.js';

let dir = '';
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'quantsmith-codes-'));
  const conv = node('Conv', ['x', 'w', 'b'], ['y'], {}, 'conv');
  const source = model({
    inputs: [value('x', [1, 1, 1, 8])],
    outputs: [value('z', [1, 2, 1, 6])],
    nodes: [conv, node('Relu', ['y'], ['z'], {}, 'relu')],
    // Two channels, whose largest values are 127 times 0.01 and 0.02.
    initializers: [floats('w', [2, 1, 1, 3], [1.27, 0.5, 0, -2.54, 0.02, 0.021]), floats('b', [2], [1, 2])],
  });
  writeFileSync(join(dir, 'conv.onnx'), encodeModel(source));
});
afterAll(() => rmSync(dir, { recursive: true }));

const codesOf = async (layer: string, grid: Parameters<typeof weightCodes>[0]['grid'] = null) => {
  const { counts, firstCode, ...codes } = await weightCodes({
    ...{ kind: 'weights', modelPath: join(dir, 'conv.onnx'), layer, grid },
  });
  return {
    ...codes,
    used: counts.flatMap((count, index) => (count === 0 ? [] : [[index + firstCode, count]])),
  };
};

it('counts the values of a weight by code, on the grid of each channel', async () => {
  const { used, scales, decibels, ...rest } = await codesOf('conv');
  expect(used).toEqual([
    [-127, 1],
    [0, 1],
    [1, 2],
    [50, 1],
    [127, 1],
  ]);
  expect(rest).toEqual({ tensor: 'w', dims: [2, 1, 1, 3], bits: 8, perChannel: true, halfRange: false });
  expect(scales.map((scale) => scale.toFixed(5))).toEqual(['0.01000', '0.02000']);
  // One value is off by 0.001: 10·log10((1.27² + 0.5² + 2.54² + 0.02² + 0.021²) / 0.001²).
  expect(decibels).toBeCloseTo(69.2, 0);
});

it('takes the grid of a run', async () => {
  const { used, perChannel } = await codesOf('conv', { bits: 4, perChannel: false, halfRange: false });
  expect(perChannel).toBe(false);
  // A scale of 2.54 / 7.
  expect(used).toEqual([
    [-7, 1],
    [0, 3],
    [1, 1],
    [4, 1],
  ]);
});

it('says so where a layer has no weight', async () => {
  for (const layer of ['relu', 'none'])
    await expect(codesOf(layer)).rejects.toMatchObject({ problem: { code: 'layer-without-weight' } });
});
