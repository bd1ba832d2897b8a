import { describe, expect, it } from 'vitest';
import { fractionDone, remainingSeconds } from '../src/index.js';

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

  it('knows nothing before anything happened, and nothing is left at the end', () => {
    expect(remainingSeconds({ stage: 'load', done: 0, total: null }, { load: 3 })).toBeNull();
    expect(remainingSeconds({ stage: 'write', done: 1, total: 1 }, { write: 1 })).toBe(0);
  });
});
