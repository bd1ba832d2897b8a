import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { restoreGreedily, type RestoreProblem } from '@quantsmith/engine/restore/greedy';

/** A world where each operator costs a known amount and costs add up. */
function world(costs: Readonly<Record<string, number>>, over: Partial<RestoreProblem> = {}) {
  const total = Object.values(costs).reduce((sum, cost) => sum + cost, 0);
  const dropWith = (reverted: ReadonlySet<string>) =>
    Object.entries(costs).reduce((sum, [name, cost]) => sum + (reverted.has(name) ? 0 : cost), 0);
  let validations = 0;
  const problem: RestoreProblem = {
    groups: Object.keys(costs).map((name) => [name]),
    maxDrop: 0.01,
    maxIterations: null,
    deadline: null,
    initial: { metric: 1 - total, drop: total },
    rank: (reverted) => Promise.resolve(1 - dropWith(reverted)),
    validate(reverted) {
      validations++;
      const drop = dropWith(reverted);
      return Promise.resolve({ metric: 1 - drop, drop });
    },
    onRanked: () => undefined,
    onProgress: () => undefined,
    ...over,
  };
  return { problem, validations: () => validations };
}

describe('greedy restoration', () => {
  it('reverts the operators that cost most and no others', async () => {
    const { problem } = world({ a: 0.001, b: 0.05, c: 0.002, d: 0.03 });
    const result = await restoreGreedily(problem);
    expect([...result.reverted].sort()).toEqual(['b', 'd']);
    expect(result.drop).toBeCloseTo(0.003, 12);
    expect(result.stopReason).toBe('The target was met with 2 operators back in float.');
  });
  it('takes back a reversal that turns out unneeded', async () => {
    // On its own `x` looks best, but once `y` is float it is not needed.
    const drops: Record<string, number> = { '': 0.1, x: 0.04, y: 0.05, 'x,y': 0.005 };
    const { problem } = world(
      { x: 1, y: 1 },
      {
        initial: { metric: 0.9, drop: 0.1 },
        validate: (reverted) => {
          const key = [...reverted].sort().join();
          return Promise.resolve({ metric: 1 - drops[key]!, drop: key === 'y' ? 0.009 : drops[key]! });
        },
        rank: (reverted) => Promise.resolve(reverted.has('x') ? 1 : 0),
      },
    );
    const result = await restoreGreedily(problem);
    expect([...result.reverted]).toEqual(['y']);
  });
  it('ends at the limit of iterations with the best state so far', async () => {
    const { problem, validations } = world({ a: 0.1, b: 0.2, c: 0.3 }, { maxIterations: 1 });
    const result = await restoreGreedily(problem);
    expect([...result.reverted]).toEqual(['c']);
    expect(validations()).toBe(1);
    expect(result.stopReason).toMatch(/limit of 1 iterations/);
  });
  it('ends at the time limit', async () => {
    const { problem } = world({ a: 0.1, b: 0.2 }, { deadline: 0 });
    const result = await restoreGreedily(problem);
    expect(result.steps).toEqual([]);
    expect(result.stopReason).toMatch(/time limit/);
  });
  it('never returns a state worse than the one it started from, and meets the target when float does', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.dictionary(fc.stringMatching(/^[a-h]$/), fc.double({ min: 0, max: 0.1, noNaN: true }), {
          minKeys: 1,
        }),
        async (costs) => {
          const { problem } = world(costs);
          const result = await restoreGreedily(problem);
          expect(result.drop).toBeLessThanOrEqual(problem.initial.drop);
          expect(result.drop).toBeLessThanOrEqual(0.01);
        },
      ),
    );
  });
});
