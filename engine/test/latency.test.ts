import { afterEach, describe, expect, it, vi } from 'vitest';
import { latencyProblems } from '../src/measure/findings.js';
import { measureLatency, medianInterval } from '../src/measure/latency.js';
import type { Session } from '../src/runtime/session.js';

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
