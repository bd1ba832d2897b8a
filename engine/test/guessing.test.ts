import { describe, expect, it } from 'vitest';
import type { MetricName } from '@quantsmith/schemas';
import { BUILT_IN } from '../src/metrics/builtIn.js';
import { upperTail } from '../src/metrics/chance.js';
import { plausibilityProblems } from '../src/validation/plausibility.js';

describe('a float model that only guesses', () => {
  const found = (right: number, count: number, classes: number | null, name: MetricName = 'top1') => {
    const states = Array.from({ length: count }, (_, i) => [i < right ? 1 : 0, 0]);
    const metric = BUILT_IN[name];
    return plausibilityProblems({ metric }, { states, value: right / count }, classes).map(
      ({ code }) => code,
    );
  };

  it('is found by a binomial test', () => {
    // P(X >= 1) = 1 - 0.9^2, P(X >= 2) = 0.1^2, P(X >= 8 of 10 fair coins) = 56 / 1024.
    expect(upperTail(1, 2, 0.1)).toBeCloseTo(0.19, 12);
    expect(upperTail(2, 2, 0.1)).toBeCloseTo(0.01, 12);
    expect(upperTail(8, 10, 0.5)).toBeCloseTo(56 / 1024, 12);
    expect(found(0, 100, 1000)).toEqual(['float-accuracy-implausible']);
    expect(found(12, 100, 10)).toEqual(['float-accuracy-implausible']);
    expect(found(3, 500, 1000, 'top5')).toEqual(['float-accuracy-implausible']);
  });
  it('is not seen in a weak model, few samples, or where classes are not known', () => {
    expect(found(25, 100, 10)).toEqual([]);
    expect(found(17, 20, 2)).toEqual([]);
    expect(found(0, 10, 10)).toEqual([]);
    expect(found(0, 100, null)).toEqual([]);
    expect(found(0, 100, 10, 'mse')).toEqual([]);
  });
});
