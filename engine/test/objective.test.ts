import { describe, expect, it } from 'vitest';
import {
  searchObjective,
  type Candidate,
  type ObjectiveProblem,
  type Point,
} from '../src/objective/search.js';

// Models are played: each setting has a size, a time and a drop; an operator in float costs 10 and takes 0.02 off the drop.

interface Played {
  readonly name: string;
  readonly size: number;
  readonly time: number;
  readonly drop: number;
}
const OPERATORS = ['a', 'b', 'c'];
const none: ReadonlySet<string> = new Set();
const costOf = (made: Played, reverted: ReadonlySet<string>) => made.size + 10 * reverted.size;
const pointOf = (made: Played, reverted: ReadonlySet<string>): Point<Played> => ({
  ...{ change: {}, made, reverted, bytes: costOf(made, reverted) },
  evaluation: { value: 1 - made.drop + 0.02 * reverted.size, states: [] },
  drop: made.drop - 0.02 * reverted.size,
});

function play(
  start: Played,
  others: readonly Played[],
  change: Partial<ObjectiveProblem<Played>> = {},
  startReverted = none,
) {
  const restored: string[] = [];
  const measured: string[] = [];
  return {
    restored,
    measured,
    search: () =>
      searchObjective<Played>({
        minimize: 'size',
        maxDrop: 0.01,
        start: pointOf(start, startReverted),
        candidates: others.map((made): Candidate<Played> => ({
          change: {},
          made,
          bytes: made.size,
          sqnr: 30,
        })),
        isLate: () => false,
        measure: ({ made, reverted }) => {
          measured.push(`${made.name}${[...reverted].join('')}`);
          return Promise.resolve(pointOf(made, reverted));
        },
        restore: ({ made }) => {
          restored.push(made.name);
          const reverted = new Set<string>();
          for (const name of OPERATORS) if (pointOf(made, reverted).drop > 0.01) reverted.add(name);
          return Promise.resolve(pointOf(made, reverted));
        },
        isFaster: (first, second) =>
          Promise.resolve(second.made.time + second.reverted.size < first.made.time + first.reverted.size),
        bytes: ({ made, reverted }) => costOf(made, reverted),
        moves: ({ reverted }) =>
          Promise.resolve(
            [...reverted].map((name) => new Set([...reverted].filter((other) => other !== name))),
          ),
        ...change,
      }),
  };
}

const model = (name: string, size: number, drop: number, time = size): Played => ({ name, size, time, drop });

describe('the search for an objective', () => {
  it('takes the smallest model whose drop is allowed, restored where that is still smaller', async () => {
    const { search, restored } = play(model('start', 100, 0), [
      model('small but poor', 60, 0.045),
      model('medium', 85, 0.005),
      model('large', 120, 0),
    ]);
    const { best, seen, timeLimited } = await search();
    // 60 and two operators in float are 80: 85 and 120 are then not worth a look, and both operators are needed.
    expect([best.made.name, [...best.reverted], best.bytes]).toEqual(['small but poor', ['a', 'b'], 80]);
    expect(restored).toEqual(['small but poor']);
    expect([seen.length, timeLimited]).toEqual([5, false]);
  });

  it('never gives up a model that meets the constraint for one that misses it', async () => {
    const { search } = play(model('start', 100, 0.01), [model('hopeless', 10, 0.9)]);
    expect((await search()).best.made.name).toBe('start');
  });

  it('takes the smallest drop where no model meets the constraint', async () => {
    const { search } = play(model('start', 100, 0.5), [model('better', 120, 0.3), model('worse', 10, 0.8)]);
    const { best } = await search();
    expect([best.made.name, best.drop.toFixed(2)]).toEqual(['better', '0.24']);
  });

  it('puts operators that are not needed in float into integers again', async () => {
    const { search, measured } = play(model('start', 100, 0.03), [], {}, new Set(OPERATORS));
    const { best } = await search();
    expect([[...best.reverted].length, best.bytes]).toEqual([1, 110]);
    expect(measured).toHaveLength(3);
  });

  it('by latency, one replaces another only where it is faster', async () => {
    const others = [
      model('small, slow', 10, 0, 200),
      model('fast', 200, 0, 50),
      model('faster, poor', 90, 0.2, 40),
    ];
    const { search } = play(model('start', 100, 0, 100), others, { minimize: 'latency' });
    expect((await search()).best.made.name).toBe('fast');
  });

  it('ends where no time is left, and says so', async () => {
    const { search, measured } = play(model('start', 100, 0), [model('small', 60, 0)], {
      isLate: () => true,
    });
    const { best, timeLimited } = await search();
    expect([best.made.name, timeLimited, measured]).toEqual(['start', true, []]);
  });
});
