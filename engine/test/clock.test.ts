import type { EngineEvent } from '@quantsmith/schemas';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { startClock } from '../src/progress/clock.js';

describe('the clock of a run', () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['performance'] }));
  afterEach(() => void vi.useRealTimers());

  it('tells the first state of each stage, however soon it comes, and of the others ten a second', () => {
    const events: EngineEvent[] = [];
    const clock = startClock((event) => events.push(event));
    for (const stage of ['rank', 'restore'] as const) {
      clock.stage(stage, null);
      for (let done = 1; done <= 30; done++) {
        clock.progress(done, `state ${done}`);
        vi.advanceTimersByTime(10);
      }
    }

    const told = events.map((event) => (event.type === 'progress' ? `${event.stage} ${event.done}` : event));
    expect(told).toEqual(
      ['rank', 'restore'].flatMap((stage) => [0, 1, 11, 21].map((done) => `${stage} ${done}`)),
    );
  });
});
