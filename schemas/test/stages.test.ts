import { describe, expect, it } from 'vitest';
import { followTimeLeft, fractionDone, remainingSeconds } from '../src/index.js';

describe('how far a run is', () => {
  it('grows from stage to stage', () => {
    const at = (stage: 'load' | 'calibrate' | 'write', done: number) =>
      fractionDone({ stage, done, total: 10 });
    expect([at('load', 0), at('calibrate', 0), at('write', 10)]).toEqual([0, 0.05, 1]);
    expect(at('calibrate', 5)).toBeCloseTo(0.175, 12);
  });

  it('counts the stages to come, not only the one at work', () => {
    // Half of calibration took 5 s, so all of it 10 s for 25 hundredths of a run; 40 hundredths follow.
    const left = remainingSeconds({ stage: 'calibrate', done: 50, total: 100 }, { calibrate: 5 });
    expect(left).toBeCloseTo(5 + (10 / 25) * 40, 10);
  });

  it('goes by the stages before where one does not know how long it is', () => {
    // 30 hundredths took 6 s: restoration, 15 of them, 3 s, of which 2 are over; two more stages of 4 and 1 hundredths follow.
    const spent = { calibrate: 5, load: 0.4, prepare: 0.6, restore: 2 };
    const left = remainingSeconds({ stage: 'restore', done: 4, total: null }, spent);
    expect(left).toBeCloseTo(1 + 5 * (6 / 30), 10);
    // Where it takes longer than usual, the rest of it is not known.
    const late = remainingSeconds({ stage: 'restore', done: 9, total: null }, { ...spent, restore: 24 });
    expect(late).toBeCloseTo(5 * (30 / 45), 10);
  });

  it('knows nothing before anything happened, and nothing is left at the end', () => {
    expect(remainingSeconds({ stage: 'load', done: 0, total: null }, { load: 3 })).toBeNull();
    expect(remainingSeconds({ stage: 'write', done: 1, total: 1 }, { write: 1 })).toBe(0);
  });

  it('says in words how long the run will take', () => {
    let now = 0;
    const left = followTimeLeft(() => now);
    const calibrating = (done: number) => ({ stage: 'calibrate', done, total: 100 }) as const;
    left.observe(calibrating(0));
    expect(left.text(calibrating(0), ', ')).toBe('');
    const saidAfter = (milliseconds: number) => {
      now = milliseconds;
      left.observe(calibrating(50));
      return left.text(calibrating(50), ', ');
    };

    // Half of calibration took 5 s: its rest takes 5 more, the 40 hundredths after its 25 take 16.
    expect(saidAfter(5000)).toBe(', about 21 s left');
    expect(saidAfter(60_000)).toBe(', about 5 min left');
    expect(saidAfter(3_600_000)).toBe(', about 4.2 h left');
  });
});
