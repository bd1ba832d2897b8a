import { afterEach, describe, expect, it, vi } from 'vitest';
import { isSlower, latencyProblems } from '../src/measure/findings.js';
import { measureLatency, medianInterval } from '../src/measure/latency.js';
import type { Session } from '../src/runtime/session.js';
import { randoms } from '../../test/kit/models.js';

afterEach(() => vi.restoreAllMocks());

/** Sessions that take what they are told, by a clock that only they move. */
function timed(...tables: ((run: number) => number)[]): Session[] {
  let now = 0;
  vi.spyOn(performance, 'now').mockImplementation(() => now);
  return tables.map((milliseconds) => {
    let count = 0;
    const run = () => {
      now += milliseconds(count++);
      return Promise.resolve({});
    };

    return {
      ...{ inputs: [], outputs: [{ name: 'y', type: 'float32' }] },
      native: { run },
      release: () => Promise.resolve(),
    } as unknown as Session;
  });
}

it('stops when the ratio is known to two in a hundred', async () => {
  const [float, quantized] = timed(
    () => 6,
    () => 3,
  );
  const latency = await measureLatency(float!, quantized!, {});
  expect(latency).toMatchObject({ floatMedian: 6, quantizedMedian: 3, ratio: [2, 2], busy: false, runs: 30 });
});

it('goes on while the ratio is not known, and ends by its number of runs', async () => {
  const [float, quantized] = timed(
    (run) => 4 + (run % 5),
    () => 3,
  );
  const latency = await measureLatency(float!, quantized!, {});
  expect(latency).toMatchObject({ floatMedian: 6, runs: 50, busy: true });
  const [low, high] = latency.ratio!;
  expect(low).toBeLessThan(2);
  expect(high).toBeGreaterThan(2);
});

describe('what fifty runs of a small model leave open', () => {
  // Times that vary by a half, as beside another process: 9 % between the two are known after some hundred runs.
  const noise = randoms(4000, 3);
  const noisy = (milliseconds: number, from: number) => (run: number) =>
    milliseconds * (1.25 + 0.5 * noise[from + (run % 2000)]!);
  const asked = { asked: 0.97 };

  it('is told by more of them', async () => {
    const pair = () => timed(noisy(0.1, 0), noisy(0.11, 2000));
    const [float, quantized] = pair();
    const few = await measureLatency(float!, quantized!, {});
    expect(few.runs).toBe(50);
    expect(isSlower(few)).toBe(false);
    const [again, slower] = pair();
    const more = await measureLatency(again!, slower!, {}, asked);
    expect(more.runs).toBeGreaterThan(50);
    expect(isSlower(more)).toBe(true);
  });
  it('takes half a second at most', async () => {
    const [float, quantized] = timed(noisy(0.097, 0), noisy(0.1, 2000));
    const { runs } = await measureLatency(float!, quantized!, {}, asked);
    expect(runs).toBeGreaterThan(100);
    expect(runs).toBeLessThan(4000);
  });
  it('stays open of larger ones, whose runs are spread over more time anyway', async () => {
    const [float, quantized] = timed(noisy(10, 0), noisy(11, 2000));
    expect((await measureLatency(float!, quantized!, {}, asked)).runs).toBeLessThan(55);
  });
});

it('ends by its time, never before three blocks', async () => {
  const [float, quantized] = timed(
    (run) => 900 + 100 * (run % 3),
    () => 500,
  );
  expect(await measureLatency(float!, quantized!, {})).toMatchObject({ ratio: null, runs: 3 });
});

describe('what is said of latency', () => {
  it('has an interval of the median that coins give', () => {
    // Of six values all lie on one side with 2 / 64; of nine the second ones leave 10 / 512 = 2 % on each side.
    expect(medianInterval([1, 2, 3, 4, 5])).toBeNull();
    expect(medianInterval([3, 1, 2, 6, 5, 4])).toEqual([1, 6]);
    expect(medianInterval([1, 2, 3, 4, 5, 6, 7, 8, 9])).toEqual([2, 8]);
  });
  it('is said to be worse where the whole interval is', () => {
    const latency = { ...{ floatMedian: 1, quantizedMedian: 1.25, runs: 50, busy: false }, floatSpread: [1, 1], quantizedSpread: [1, 1] } as const; // prettier-ignore
    const codes = (ratio: readonly [number, number] | null) =>
      latencyProblems({ ...latency, ratio }, null, true).map(({ code, severity }) => `${code} ${severity}`);
    expect(codes([0.75, 0.85])).toEqual(['slower-than-float warning']);
    expect(codes([0.75, 0.98])).toEqual([]);
    expect(codes(null)).toEqual([]);
  });
});
