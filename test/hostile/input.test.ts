import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { readModel } from '@quantsmith/model/onnx';
import { root } from '../kit/builtCli.js';
import type { Outcome } from './attempt.js';
import { throughCheck } from './checks.js';
import { throughData } from './data.js';
import { throughGraph } from './models.js';
import { seedModels } from './onnx.js';

const folder = mkdtempSync(join(tmpdir(), 'quantsmith-hostile-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const seeds = readModel(join(root, 'examples/digits/digits.onnx')).then(({ model }) => seedModels(model));

/** Runs so many cases; how many got past `step` says whether the damage reaches what lies behind it. */
async function campaign(
  cases: number,
  run: (seed: number) => Promise<Outcome>,
  step: string,
): Promise<number> {
  let reached = 0;
  for (let seed = 1; seed <= cases; seed++) {
    const { counted, faults } = await run(seed);
    expect(faults, `seed ${seed}`).toEqual([]);
    if (counted.includes(step)) reached++;
  }

  return reached;
}

describe('hostile input ends in an answer or a problem', () => {
  it('models through read, graph and placement', async () => {
    const run = async (seed: number) => throughGraph(seed, join(folder, 'm.onnx'), await seeds);
    expect(await campaign(2000, run, 'placed')).toBeGreaterThan(500);
  });

  it('samples and labels', async () => {
    expect(await campaign(600, (seed) => throughData(seed, join(folder, 'data')), 'opened')).toBeGreaterThan(
      100,
    );
  });

  it('configs through check', async () => {
    const run = async (seed: number) => throughCheck(seed, folder, await seeds);
    expect(await campaign(150, run, 'checked')).toBe(150);
  });
});
