import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { readModel } from '@quantsmith/model/onnx';
import { root } from '../../cli/test/built.js';
import { throughGraph } from './models.js';
import { seedModels } from './onnx.js';

const CASES = 2000;
const folder = mkdtempSync(join(tmpdir(), 'quantsmith-hostile-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('hostile models', () => {
  it(`end in an answer or a problem: ${CASES} of them`, async () => {
    const seeds = seedModels((await readModel(join(root, 'examples/digits/digits.onnx'))).model);
    const counts = new Map<string, number>();
    for (let seed = 1; seed <= CASES; seed++) {
      const { counted, faults } = await throughGraph(seed, join(folder, 'm.onnx'), seeds);
      expect(faults, `seed ${seed}`).toEqual([]);
      for (const name of counted) counts.set(name, (counts.get(name) ?? 0) + 1);
    }
    // Damage that never gets past the parser would find nothing behind it.
    expect(counts.get('placed')).toBeGreaterThan(CASES / 4);
  });
});
