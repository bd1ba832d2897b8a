import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { QuantizationReport } from '@quantsmith/schemas';
import { describe, expect, it } from 'vitest';
import { checkGraph } from './checkGraph.js';
import { checkRun } from './checkRun.js';
import { randomGraph } from './randomGraphs.js';
import { runPipeline } from '../src/pipeline.js';

/** Graphs of each run here; `npm run soak:graphs` does as many as asked for. */
const COUNT = 300;
/** Seeds of graphs that once went wrong. */
const ONCE_WRONG = [
  1309, 1614, 2072, 3098, 3165, 4035, 4598, 50353, 102886, 104316, 109546, 500315, 500839, 805674, 807960,
  901345, 809924, 3011788, 4000353, 9406166,
];

describe('random graphs', () => {
  it('load and run optimized or not, keep types and shapes, do not grow, and come out the same twice', async () => {
    const decibels: number[] = [];
    for (const seed of [...ONCE_WRONG, ...Array.from({ length: COUNT }, (_, index) => index)]) {
      const result = await checkGraph(randomGraph(seed), seed, seed % 10 === 0);
      expect({ seed, faults: result.faults }).toEqual({ seed, faults: [] });
      if (result.decibels !== null) decibels.push(result.decibels);
    }

    decibels.sort((a, b) => a - b);
    expect(decibels[Math.floor(decibels.length / 10)]).toBeGreaterThan(24);
    expect(decibels[Math.floor(decibels.length / 2)]).toBeGreaterThan(33);
  });

  it('ranges of averages of few values hold what unseen samples bring', async () => {
    // What ONNX Runtime's quantizer reaches; with the seen extremes alone 10 to 24 dB.
    for (const [seed, least] of [
      [3003770, 30],
      [3010425, 31],
      [3013900, 24],
    ] as const) {
      const { decibels } = await checkGraph(randomGraph(seed), seed, false);
      expect({ seed, isEnough: decibels !== null && decibels >= least }).toEqual({ seed, isEnough: true });
    }
  });

  it.each([
    // The optimizer makes an invalid graph of what the self-check cuts: the report says that it was not compared.
    [9310506, 25, false],
    // With SmoothQuant 25 dB, which is more on the 16 samples that its strength would be chosen on.
    [9802474, 30, true],
  ])('go through a run: %i', async (seed, least, isCompared) => {
    const folder = mkdtempSync(join(tmpdir(), 'quantsmith-graph-'));
    try {
      const result = await checkRun(
        randomGraph(seed),
        seed,
        folder,
        async (configPath, config) => {
          const settings = { configSha256: '', allowModules: false, cache: false } as const;
          await runPipeline({ kind: 'run', config, configPath, ...settings }, () => undefined);
          return { refused: null };
        },
        false,
      );
      expect(result.faults).toEqual([]);
      expect(result.decibels).toBeGreaterThan(least);
      const { verified, warnings } = JSON.parse(
        readFileSync(join(folder, 'random.int8.onnx.report.json'), 'utf8'),
      ) as QuantizationReport;
      expect(warnings.some(({ code }) => code === 'operators-not-compared')).toBe(!isCompared);
      expect(verified?.operators_compared).toBe(isCompared);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
