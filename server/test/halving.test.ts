import type { QuantizationReport } from '@quantsmith/schemas';
import { expect, it } from 'vitest';
import { sampleReport } from '../../test/kit/sampleReport.js';
import { halve, type SweepStage } from '../src/runs/halving.js';
import type { PlannedRun } from '../src/runs/sweepPlan.js';

/** Runs that take `whole` seconds on all of 1,000 samples, and as much less on fewer; number i has an accuracy of i / 100. */
function played(
  count: number,
  whole: number,
  { finished = [] as number[], failing = [] as number[], fixed = 0 } = {},
) {
  let clock = 0;
  const completed: number[] = [];
  const tried: [number, number][] = [];
  const stages: SweepStage[] = [];
  const runs = Array.from({ length: count }, (_, index) => ({ config: String(index) }) as PlannedRun);
  const reportOf = ({ config }: PlannedRun): QuantizationReport => {
    const base = sampleReport();
    return { ...base, metric: { ...base.metric!, samples: 1000, quantized: Number(config) / 100 } };
  };

  const work = {
    now: () => clock,
    complete(run: PlannedRun) {
      clock += finished.includes(Number(run.config)) ? 0 : 1000 * whole;
      completed.push(Number(run.config));
      return Promise.resolve(reportOf(run));
    },
    tryOn(run: PlannedRun, samples: number) {
      clock += 1000 * fixed + whole * samples;
      tried.push([Number(run.config), samples]);
      return Promise.resolve(
        failing.includes(Number(run.config))
          ? ({ code: 'data-unreadable', severity: 'error', message: 'Cut short.' } as const)
          : reportOf(run),
      );
    },
    isFinished: ({ config }: PlannedRun) => Promise.resolve(finished.includes(Number(config))),
    onStage: (stage: SweepStage) => void stages.push(stage),
  };
  const go = async (seconds: number) => {
    const { dropped } = await halve(runs, 1000 * seconds, work);
    return new Map([...dropped].map(([{ config }, drop]) => [Number(config), drop]));
  };

  return { go, completed, tried, stages };
}

it('makes all in order where there is no limit, or time enough', async () => {
  for (const seconds of [Infinity, 90]) {
    const { go, completed, tried } = played(8, 10);
    expect((await go(seconds)).size).toBe(0);
    expect([completed, tried]).toEqual([[0, 1, 2, 3, 4, 5, 6, 7], []]);
  }
});

it('tries on few samples what there is no time for, and goes on with the better half', async () => {
  const { go, completed, stages } = played(17, 10);
  const dropped = await go(60);
  // One tells the time; 16 on 32 samples take 5.1 s, 8 on 128 samples 10.2 s; a trial on 512 takes half as long as a whole run.
  expect(stages.map(({ samples, runs, dropped: out }) => [samples, runs, out])).toEqual([
    [32, 16, 8],
    [128, 8, 4],
  ]);
  expect(completed).toEqual([0, 16, 15, 14]);
  expect(dropped.size).toBe(13);
  expect(dropped.get(1)).toMatchObject({
    ...{ stage: 1, samples: 32, metric: { value: 0.01 }, reason: 'It took place 16 of 16 on 32 samples.' },
  });
  expect(dropped.get(12)).toMatchObject({ stage: 2, samples: 128 });
});

it('tries nothing where a few samples take as long as all', async () => {
  const { go, completed, tried, stages } = played(6, 10, { fixed: 9 });
  const dropped = await go(45);
  expect([completed, tried.length, stages]).toEqual([[0, 1, 2, 3], 1, []]);
  expect(dropped.get(5)?.reason).toBe('The time limit was reached before it began.');
});

it('makes runs in their order where the time is not enough to try anything', async () => {
  const { go, completed, tried, stages } = played(4, 10);
  const dropped = await go(15);
  expect([completed, tried, stages]).toEqual([[0, 1], [], []]);
  expect(dropped.get(3)?.reason).toBe('The time limit was reached before it began.');
});

it('says what there was no time to try at all, and what failed', async () => {
  const { go, completed } = played(5, 10, { failing: [2] });
  const dropped = await go(20.7);
  // The best of those that were tried is run in the time that was kept for it.
  expect(completed).toEqual([0, 3]);
  expect(dropped.get(2)?.reason).toBe('It failed: Cut short.');
  expect(dropped.get(4)).toMatchObject({
    ...{ stage: 0, samples: 0, reason: 'There was no time left to try it.' },
  });
});

it('runs that are finished already cost nothing and are kept', async () => {
  const { go, completed, tried } = played(6, 10, { finished: [0, 1, 2, 3] });
  expect([...(await go(10)).keys()]).toEqual([5]);
  expect([completed, tried]).toEqual([[0, 1, 2, 3, 4], []]);
});
