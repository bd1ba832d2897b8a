import { afterEach, expect, it, vi } from 'vitest';
import { measureLatency } from '../src/measure/latency.js';
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
