import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { drop, meetsTarget, type DropType } from '../src/index.js';

const terms = (baseline: number, dropType: DropType, higherIsBetter = true) => ({
  baseline,
  dropType,
  higherIsBetter,
});

describe('a drop', () => {
  it('is the difference in the direction of the metric', () => {
    expect(drop(0.7, terms(0.75, 'absolute'))).toBeCloseTo(0.05, 12);
    expect(drop(0.8, terms(0.75, 'absolute'))).toBeCloseTo(-0.05, 12);
    expect(drop(3, terms(2, 'absolute', false))).toBe(1);
    expect(drop(1, terms(2, 'absolute', false))).toBe(-1);
  });

  it('is, relative, a share of the float metric, with the sign of the loss', () => {
    expect(drop(0.6, terms(0.8, 'relative'))).toBeCloseTo(0.25, 12);
    expect(drop(1, terms(0.8, 'relative'))).toBeCloseTo(-0.25, 12);
    expect(drop(3, terms(2, 'relative', false))).toBeCloseTo(0.5, 12);
    expect(drop(1, terms(2, 'relative', false))).toBeCloseTo(-0.5, 12);
  });

  it.each([true, false])('relative to 0 is undefined, whatever the value', (higherIsBetter) => {
    for (const value of [0, -0, 0.1, -0.1, 1e300])
      expect(drop(value, terms(0, 'relative', higherIsBetter))).toBeNull();
    expect(drop(0, terms(0, 'absolute', higherIsBetter))).toBe(0);
  });

  it.each([Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NaN])('of %d is undefined', (value) => {
    for (const type of ['absolute', 'relative'] as const) {
      expect(drop(value, terms(0.5, type))).toBeNull();
      expect(drop(0.5, terms(value, type))).toBeNull();
    }

    expect(drop(1e308, terms(1e-300, 'relative'))).toBeNull();
  });

  it('is a finite number or null, and absolute and relative drops have one sign', () => {
    const number = fc.double({ noNaN: true });
    fc.assert(
      fc.property(number, number, fc.boolean(), (baseline, value, higherIsBetter) => {
        const absolute = drop(value, terms(baseline, 'absolute', higherIsBetter));
        const relative = drop(value, terms(baseline, 'relative', higherIsBetter));
        for (const found of [absolute, relative]) expect(found === null || Number.isFinite(found)).toBe(true);
        if (absolute !== null && relative !== null)
          expect(Math.sign(absolute) * Math.sign(relative)).toBeGreaterThanOrEqual(0);
      }),
    );
  });
});

describe('a target', () => {
  it('is met by drops up to it, rounding aside, and never by one that is undefined', () => {
    expect(meetsTarget(0.7545 - 0.7525, 0.002)).toBe(true);
    expect(meetsTarget(0.0021, 0.002)).toBe(false);
    expect(meetsTarget(null, Number.MAX_VALUE)).toBe(false);
  });
});
