import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { restoreBySearch, type RestoreProblem } from '../src/restore/search.js';
import { createForecaster } from '../src/restore/forecast.js';
import { decidingSamples } from '../src/restore/samples.js';
import { openMetric } from '../src/metrics/open.js';
import { topK } from '../src/metrics/topK.js';

/** A world where each operator costs a known amount and costs add up. */
function world(costs: Readonly<Record<string, number>>, over: Partial<RestoreProblem> = {}) {
  const sum = (values: number[]) => values.reduce((total, value) => total + value, 0);
  const total = sum(Object.values(costs));
  const calls = { screen: 0, assess: 0, validate: 0 };
  const dropWith = (reverted: ReadonlySet<string>) =>
    sum(Object.entries(costs).map(([name, cost]) => (reverted.has(name) ? 0 : cost)));
  const problem: RestoreProblem = {
    groups: Object.keys(costs).map((name) => [name]),
    maxDrop: 0.01,
    maxIterations: null,
    deadline: null,
    width: 2,
    initial: { metric: 1 - total, drop: total },
    screen(reverted) {
      calls.screen++;
      return Promise.resolve({ error: dropWith(reverted), drop: null });
    },
    assess(reverted) {
      calls.assess++;
      const drop = dropWith(reverted);
      return Promise.resolve({ metric: 1 - drop, drop, exact: drop <= problem.maxDrop });
    },
    validate(reverted) {
      calls.validate++;
      const drop = dropWith(reverted);
      return Promise.resolve({ metric: 1 - drop, drop });
    },
    predict: () => null,
    onRanked: () => undefined,
    onProgress: () => undefined,
    ...over,
  };
  return { problem, calls };
}

describe('the search for operators to revert', () => {
  it('reverts the operators that cost most and no others', async () => {
    const { problem } = world({ a: 0.001, b: 0.05, c: 0.002, d: 0.03 });
    const result = await restoreBySearch(problem);
    expect([...result.reverted].sort()).toEqual(['b', 'd']);
    expect(result.drop).toBeCloseTo(0.003, 12);
    expect(result.stopReason).toBe('The target was met with 2 operators back in float.');
  });
  it('finds the one operator among many by looking at blocks of neighbours first', async () => {
    const costs = Object.fromEntries(
      Array.from({ length: 100 }, (_, i) => [`op${i}`, i === 57 ? 0.2 : 0.00005]),
    );
    const { problem, calls } = world(costs);
    const result = await restoreBySearch(problem);
    expect([...result.reverted]).toEqual(['op57']);
    // 10 blocks, a third of the operators alone, and the first of them is enough.
    expect(calls.screen).toBeLessThan(60);
    expect(calls.assess).toBe(1);
  });
  it('needs far fewer assessments than operators in float, and none of them in vain', async () => {
    const costs = Object.fromEntries(
      Array.from({ length: 64 }, (_, i) => [`op${i}`, i % 4 === 0 ? 0.02 : 0]),
    );
    const { problem, calls } = world(costs);
    const result = await restoreBySearch(problem);
    expect(result.reverted.size).toBe(16);
    expect(calls.assess).toBeLessThan(40);
  });
  it('takes back a reversal that turns out unneeded', async () => {
    // On its own `x` looks best, but once `y` and `z` are float it is not needed.
    const drops: Record<string, number> = {
      '': 0.1,
      x: 0.04,
      y: 0.05,
      z: 0.06,
      'x,y': 0.03,
      'y,z': 0.005,
      'x,z': 0.02,
      'x,y,z': 0.001,
    };
    const { problem } = world({ x: 1, y: 1, z: 1 });
    const of = (reverted: ReadonlySet<string>) => drops[[...reverted].sort().join()]!;
    const result = await restoreBySearch({
      ...problem,
      initial: { metric: 0.9, drop: 0.1 },
      screen: (reverted) => Promise.resolve({ error: of(reverted), drop: null }),
      assess: (reverted) => Promise.resolve({ metric: 1 - of(reverted), drop: of(reverted), exact: true }),
    });
    expect([...result.reverted].sort()).toEqual(['y', 'z']);
  });
  it.each([1, 3])('reverts at most as many groups as there may be iterations (%i)', async (limit) => {
    const costs = { a: 0.1, b: 0.2, c: 0.3, d: 0.4, e: 0.15 };
    const { problem } = world(costs, { maxIterations: limit });
    const result = await restoreBySearch(problem);
    expect([...result.reverted].sort()).toEqual(limit === 1 ? ['d'] : ['b', 'c', 'd']);
    expect(result.stopReason).toBe(
      `The limit of ${limit} iteration${limit === 1 ? '' : 's'} was reached; this is the best model so far.`,
    );
  });
  it('ends at the time limit, but never without having validated a state', async () => {
    const { problem } = world({ a: 0.1, b: 0.2 }, { deadline: 0 });
    const result = await restoreBySearch(problem);
    expect(result.steps).toHaveLength(1);
    expect(result.drop).toBeLessThan(problem.initial.drop);
    expect(result.stopReason).toMatch(/time limit/);
  });
  it('ends with the best state so far where it is asked to, and says how far it has come', async () => {
    const finish = new AbortController();
    const said: string[] = [];
    const { problem, calls } = world(
      { a: 0.1, b: 0.2, c: 0.15, d: 0.3 },
      {
        finish: finish.signal,
        onProgress(_, detail) {
          said.push(detail);
          if (calls.assess === 2) finish.abort();
        },
      },
    );
    const result = await restoreBySearch(problem);
    expect(calls.assess).toBe(2);
    expect(result.drop).toBeLessThan(problem.initial.drop);
    expect(result.stopReason).toBe('Stopped on request; this is the best model so far.');
    expect(said.at(-1)).toBe('best drop 0.75 with 0 operators in float');
  });
  it('returns the best validated state wherever time runs out, and has validated one', async () => {
    const costs = fc.array(fc.double({ min: 0.001, max: 0.1, noNaN: true }), { minLength: 2, maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(costs, fc.nat(12), async (values, looks) => {
        const { problem, calls } = world(Object.fromEntries(values.map((cost, i) => [`op${i}`, cost])));
        const assess = async (reverted: ReadonlySet<string>) => ({
          ...(await problem.assess(reverted)),
          exact: true,
        });
        const late: RestoreProblem = {
          ...problem,
          // Out of reach, with so many looks at states before the time is over.
          ...{ maxDrop: -1, assess },
          get deadline() {
            return calls.screen + calls.assess > looks ? 0 : null;
          },
        };
        const { steps, drop } = await restoreBySearch(late);
        expect(steps.length).toBeGreaterThan(0);
        expect(drop).toBe(Math.min(late.initial.drop, ...steps.map((step) => step.drop)));
      }),
    );
  });
  it('validates a state that was only predicted before it is called the best', async () => {
    const { problem, calls } = world({ a: 0.1, b: 0.2 }, { maxIterations: 1 });
    const result = await restoreBySearch(problem);
    expect([...result.reverted]).toEqual(['b']);
    expect(calls.validate).toBe(1);
    expect(result.steps.map(({ drop }) => drop)).toEqual([result.drop]);
  });
  it('gives a candidate the drop that was measured with it alone, not the one that was expected', async () => {
    const { problem } = world({ a: 0.001, b: 0.05, c: 0.002 }, { maxDrop: 0.02 });
    const { candidates, steps } = await restoreBySearch({
      ...problem,
      // A few samples see half of what it costs.
      async screen(reverted) {
        const { error } = await problem.screen(reverted);
        return { error, drop: error! / 2 };
      },
    });
    expect(steps.map(({ reverted }) => reverted)).toEqual([['b']]);
    expect(candidates.find(({ operators: [name] }) => name === 'b')?.dropAlone).toBeCloseTo(0.003, 12);
    expect(candidates.find(({ operators: [name] }) => name === 'a')?.dropAlone).toBeCloseTo(0.026, 12);
  });

  it('never returns a state worse than the one it started from, and meets the target when float does', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.dictionary(fc.stringMatching(/^[a-z]{1,2}$/), fc.double({ min: 0, max: 0.1, noNaN: true }), {
          minKeys: 1,
          maxKeys: 60,
        }),
        async (costs) => {
          const { problem } = world(costs);
          const result = await restoreBySearch(problem);
          expect(result.drop).toBeLessThanOrEqual(problem.initial.drop);
          expect(result.drop).toBeLessThanOrEqual(0.01);
          for (const name of result.reverted) {
            // No operator is float in vain.
            const fewer = new Set([...result.reverted].filter((other) => other !== name));
            if (fewer.size > 0 && problem.initial.drop > 0.01)
              expect((await problem.validate(fewer)).drop).toBeGreaterThan(0.01);
          }
        },
      ),
    );
  });
});

const rightOrWrong = topK('top1', 1);

/** A world of samples with margins: each operator takes some from each, and what they take adds up but for `interaction`. */
function marginWorld(taken: Readonly<Record<string, readonly number[]>>, maxDrop: number, interaction = 0) {
  const groups = Object.keys(taken).map((name) => [name]);
  const float = Float64Array.from(taken[groups[0]![0]!]!, () => 1);
  const marginsOf = (reverted: ReadonlySet<string>) =>
    float.map((margin, i) => {
      const left = groups.filter(([name]) => !reverted.has(name!));
      const sum = left.reduce((total, [name]) => total + taken[name!]![i]!, 0);
      return margin - sum * (1 + interaction * Math.sin(left.length * 7 + i));
    });
  const dropOf = (margins: Float64Array) => margins.filter((margin) => margin <= 0).length / float.length;
  const forecaster = createForecaster({
    margin: rightOrWrong.margin!,
    groups,
    dropWith: (states) => 1 - rightOrWrong.result(states as number[][]),
    maxDrop,
    initial: marginsOf(new Set()),
    float: marginsOf(new Set(groups.flat())),
  });
  const calls = { assess: 0 };
  const measure = (reverted: ReadonlySet<string>) => {
    const margins = marginsOf(reverted);
    forecaster.note(reverted, margins);
    const drop = dropOf(margins);
    return { metric: 1 - drop, drop };
  };

  const start = dropOf(marginsOf(new Set()));
  const problem: RestoreProblem = {
    groups,
    maxDrop,
    maxIterations: null,
    deadline: null,
    initial: { metric: 1 - start, drop: start },
    width: 2,
    screen: (reverted) => Promise.resolve({ error: null, drop: measure(reverted).drop }),
    assess(reverted) {
      calls.assess++;
      return Promise.resolve({ ...measure(reverted), exact: true });
    },
    predict: forecaster.predict,
    validate: (reverted) => Promise.resolve(measure(reverted)),
    onRanked: () => undefined,
    onProgress: () => undefined,
  };
  return { problem, calls, dropOf: (reverted: ReadonlySet<string>) => dropOf(marginsOf(reverted)) };
}

describe('the search where outcomes can be predicted', () => {
  it('finds the pair that is enough only together, at once', async () => {
    const taken = { a: [0.6, 0.1, 0.6], b: [0.1, 0.1, 0.1], c: [0.6, 0.1, 0.6], d: [0.2, 1.2, 0.2] };
    const { problem, calls } = marginWorld({ ...taken, e: [0, 0.1, 0] }, 0);
    const result = await restoreBySearch(problem);
    expect([...result.reverted].sort()).toEqual(['a', 'd']);
    expect(calls.assess).toBeLessThanOrEqual(4);
  });
  it('looks at no other operator where one is enough alone, as soon as that is likely', async () => {
    const names = Array.from({ length: 30 }, (_, i) => `op${i}`);
    const taken = Object.fromEntries(names.map((name, i) => [name, i === 3 ? [1.2, 1.2] : [0.01, 0.01]]));
    const { problem, calls } = marginWorld(taken, 0);
    const screened: string[] = [];
    const begun: number[] = [];
    const result = await restoreBySearch({
      ...problem,
      screen(reverted) {
        screened.push(...reverted);
        return problem.screen(reverted);
      },
      onRanked: () => begun.push(screened.length),
    });
    expect([...result.reverted]).toEqual(['op3']);
    expect(screened).toEqual(['op0', 'op1', 'op2', 'op3']);
    expect(calls.assess).toBe(1);
    expect(begun).toEqual([4]);
    expect(result.candidates).toHaveLength(30);
    expect(result.candidates[0]).toMatchObject({ operators: ['op3'], dropAlone: 0 });
    expect(result.candidates[29]).toMatchObject({ dropAlone: null, outputError: null });
  });
  it('looks at the others where the one that is enough alone is a group of several', async () => {
    const taken = { a: [1.2, 1.2], b: [0.01, 0.01], c: [0.01, 0.01], d: [0, 0] };
    const { problem } = marginWorld(taken, 0);
    const screened: string[] = [];
    await restoreBySearch({
      ...problem,
      groups: problem.groups.map((group) => (group[0] === 'a' ? [...group, 'twin'] : group)),
      screen(reverted) {
        screened.push(...[...reverted].filter((name) => name !== 'twin'));
        return problem.screen(new Set([...reverted].filter((name) => name !== 'twin')));
      },
    });
    expect(screened).toEqual(['a', 'b', 'c', 'd']);
  });
  it('puts a likely operator off for one that turned out to be likelier, and comes back to it', async () => {
    const { problem } = marginWorld({ a: [1.2, 1.2], b: [1.2, 1.2], c: [0, 0] }, 0);
    const asked: string[] = [];
    const chances = new Map([
      ['a', 0.9],
      ['b', 0.8],
    ]);
    const result = await restoreBySearch({
      ...problem,
      predict: (reverted) => ({ drop: 0.5, chance: chances.get([...reverted].join()) ?? 0 }),
      assess(reverted, rival = 0) {
        const name = [...reverted].join();
        asked.push(`${name} ${rival}`);
        const missed = { metric: Number.NaN, drop: 0.5, exact: false };
        if (name === 'b') return Promise.resolve(missed);
        if (asked.length > 1) return Promise.resolve({ metric: 1, drop: 0, exact: true });
        chances.set('a', 0.6);
        return Promise.resolve({ ...missed, putOff: true });
      },
    });
    expect(asked).toEqual(['a 0.8', 'b 0.6', 'a 0']);
    expect([...result.reverted]).toEqual(['a']);
  });
  it('measures a pair that was given up too early after all, where a larger set shows that it is likely enough', async () => {
    const taken = { a: [0.6, 0.1, 0.6], b: [0.1, 0.1, 0.1], c: [0.6, 0.1, 0.6], d: [0.2, 1.2, 0.2] };
    const { problem } = marginWorld({ ...taken, e: [0, 0.1, 0] }, 0);
    const result = await restoreBySearch({
      ...problem,
      assess: (reverted) =>
        reverted.size === 2
          ? Promise.resolve({ metric: Number.NaN, drop: 0.5, exact: false })
          : problem.assess(reverted),
    });
    // a and c do the same.
    expect(result.reverted.size).toBe(2);
    expect(result.drop).toBe(0);
  });
  it('looks at each set with one operator less, however unlikely it is predicted to be enough', async () => {
    const taken = { a: [0.6, 0.1, 0.6], b: [0.1, 0.1, 0.1], c: [0.6, 0.1, 0.6], d: [0.2, 1.2, 0.2] };
    const { problem } = marginWorld(taken, 0);
    const isTriple = (reverted: ReadonlySet<string>) => reverted.size === 3 && !reverted.has('b');
    const result = await restoreBySearch({
      ...problem,
      predict: (reverted) =>
        reverted.size === 2 ? { drop: 1, chance: 0 } : { drop: 0.1, chance: isTriple(reverted) ? 1 : 0 },
    });
    expect(result.reverted.size).toBe(2);
    expect(result.drop).toBe(0);
  });
  it.each([0, 0.4])('needs few measurements for many operators (interaction %d)', async (interaction) => {
    // Sample i loses its answer by operators i and i + 1 together.
    const names = Array.from({ length: 60 }, (_, i) => `op${i}`);
    const taken = Object.fromEntries(
      names.map((name, o) => [name, names.map((_, i) => (o === i || o === (i + 1) % 60 ? 0.55 : 0))]),
    );
    const { problem, calls } = marginWorld(taken, 0.5, interaction);
    const result = await restoreBySearch(problem);
    expect(result.drop).toBeLessThanOrEqual(0.5);
    expect(result.reverted.size).toBeLessThan(30);
    expect(calls.assess).toBeLessThan(60);
  });
  it('meets the target where the float model does, with no more than the limit of iterations', async () => {
    const operators = fc.array(
      fc.array(fc.double({ min: -0.5, max: 1, noNaN: true }), { minLength: 12, maxLength: 12 }),
      {
        minLength: 1,
        maxLength: 10,
      },
    );
    await fc.assert(
      fc.asyncProperty(
        operators,
        fc.double({ min: 0, max: 0.6, noNaN: true }),
        async (values, interaction) => {
          const taken = Object.fromEntries(values.map((row, i) => [`op${i}`, row]));
          const { problem, dropOf } = marginWorld(taken, 0.1, interaction);
          const result = await restoreBySearch(problem);
          expect(result.drop).toBeLessThanOrEqual(0.1);
          expect(dropOf(result.reverted)).toBeCloseTo(result.drop, 12);
          const limited = await restoreBySearch({
            ...marginWorld(taken, 0.1, interaction).problem,
            maxIterations: 2,
          });
          expect(limited.reverted.size).toBeLessThanOrEqual(2);
          expect(limited.drop).toBeLessThanOrEqual(problem.initial.drop);
        },
      ),
      { numRuns: 60 },
    );
  });
});

describe('the samples that decide', () => {
  it('are those near the border, by the measure of what quantization did to all', async () => {
    const top1 = await openMetric('top1', { baseDir: '.', allowModules: false });
    const record = (margin: number) => [margin > 0 ? 1 : 0, margin];
    // Margins move by 0.1; 4 times that is the border.
    const float = [...Array.from({ length: 40 }, (_, i) => record(5 + i)), record(0.2), record(-0.3)];
    const quantized = float.map(([, margin], i) => record(margin! + (i % 2 === 0 ? 0.1 : -0.1)));
    const found = decidingSamples(top1, float, quantized, 300);
    expect(found).toEqual(expect.arrayContaining([40, 41]));
    expect(found).toHaveLength(16);
    expect(decidingSamples(top1, float, quantized, 2)).toEqual([40, 41]);
  });
  it('are the worst ones where a metric has no margins', async () => {
    const mse = await openMetric('mse', { baseDir: '.', allowModules: false });
    const quantized = [0.1, 0.9, 0.2, 0.8].map((error) => [error, error, 1]);
    expect(
      decidingSamples(
        mse,
        quantized.map(() => [0, 0, 1]),
        quantized,
        2,
      ),
    ).toEqual([1, 3]);
  });
});
