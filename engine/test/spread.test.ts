import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { someOf } from '../src/choose/collapsed.js';
import { spreadIndices, spreadOf, spreadSamples } from '../src/data/spread.js';
import type { SampleSource } from '../src/data/types.js';
import { checkSamples } from '../src/verify/verify.js';

const numbered = (count: number): SampleSource => ({
  ...{ count, hasLabels: false },
  get: (index) => Promise.resolve({ name: String(index), feeds: {}, label: null }),
  fingerprint: () => Promise.resolve(''),
});

describe('samples spread over a set', () => {
  it('are as many as wanted, in order, at distances that differ by one at most', () => {
    expect(spreadIndices(0, 10, 4)).toEqual([0, 2, 5, 7]);
    expect(spreadIndices(100, 110, 4)).toEqual([100, 102, 105, 107]);
    expect(spreadIndices(3, 6, 12)).toEqual([3, 4, 5]);
    expect(spreadIndices(0, 0, 12)).toEqual([]);
    fc.assert(
      fc.property(fc.nat(100), fc.nat(5000), fc.integer({ min: 1, max: 300 }), (from, length, count) => {
        const found = spreadIndices(from, from + length, count);
        expect(found).toHaveLength(Math.min(length, count));
        const steps = found.slice(1).map((index, i) => index - found[i]!);
        expect(found[0] ?? from).toBe(from);
        if (steps.length > 0) expect(Math.max(...steps) - Math.min(...steps)).toBeLessThanOrEqual(1);
      }),
    );
  });
  it('are the same wherever they are picked', async () => {
    const source = numbered(50);
    const picked = spreadSamples(source, 12);
    const first = await Promise.all(
      Array.from({ length: picked.count }, async (_, i) => (await picked.get(i)).name),
    );
    expect(first).toEqual(spreadIndices(0, 50, 12).map(String));
    expect(checkSamples({ source, samples: 50 }, null, 12).indices).toEqual(spreadIndices(0, 50, 12));
    expect(checkSamples({ source, samples: 30 }, null, 12).indices).toEqual(spreadIndices(30, 50, 12));
  });
  it('stay those that choices were made on', () => {
    // One of eight, two at least, each as many after the one before: what is chosen depends on them.
    const picks = (length: number) => someOf(Array.from({ length }, (_, i) => i));
    expect(picks(1)).toEqual([0]);
    expect(picks(8)).toEqual([0, 4]);
    expect(picks(20)).toEqual([0, 6, 12]);
    expect(picks(27)).toEqual([0, 6, 12, 18]);
    expect(picks(64)).toEqual([0, 8, 16, 24, 32, 40, 48, 56]);
    for (let length = 1; length <= 100; length++) {
      const count = Math.max(2, Math.ceil(length / 8));
      const step = Math.max(1, Math.floor(length / count));
      const steps = Array.from({ length }, (_, i) => i).filter((i) => i % step === 0);
      expect(picks(length)).toEqual(steps.slice(0, count));
    }

    expect(spreadOf(['a', 'b', 'c', 'd', 'e'], 2)).toEqual(['a', 'c']);
  });
});
