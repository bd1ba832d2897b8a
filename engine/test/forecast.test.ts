import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { topK } from '../src/metrics/topK.js';
import { normal } from '../src/metrics/chance.js';
import { createForecaster, type ForecastInput } from '../src/restore/forecast.js';

const top1 = topK('top1', 1);
const NOT_SEEN = Number.NaN;
const margins = (...values: number[]) => Float64Array.from(values);

/** Four samples, all right in float; the drop is the share of wrong answers. */
function input(initial: number[], over: Partial<ForecastInput> = {}): ForecastInput {
  return {
    margin: top1.margin!,
    groups: [['a'], ['b'], ['c']],
    dropWith: (states) => 1 - top1.result(states as number[][]),
    maxDrop: 0,
    initial: margins(...initial),
    float: margins(...initial.map(() => 5)),
    ...over,
  };
}

describe('the forecast of a state', () => {
  it('is what was measured, where it was', () => {
    const forecaster = createForecaster(input([-1, -2, 1, 2]));
    forecaster.note(new Set(['a']), margins(1, -1, 1, 2));
    expect(forecaster.predict(new Set())).toEqual({ drop: 0.5, chance: 0 });
    expect(forecaster.predict(new Set(['a']))).toEqual({ drop: 0.25, chance: 0 });
    expect(forecaster.predict(new Set(['a', 'b', 'c']))).toEqual({ drop: 0, chance: 1 });
  });
  it('adds up what groups do alone', () => {
    const forecaster = createForecaster(input([-1, -1, 1, 2]));
    // Each helps one of the wrong answers; together both are right, with some doubt.
    forecaster.note(new Set(['a']), margins(1, -1, 1, 2));
    forecaster.note(new Set(['b']), margins(-1, 1, 1, 2));
    const both = forecaster.predict(new Set(['a', 'b']))!;
    expect(both.drop).toBeLessThan(0.05);
    expect(both.chance).toBeGreaterThan(0.8);
    expect(both.chance).toBeLessThan(1);
  });
  it('cannot be given of a group that was never looked at', () => {
    const forecaster = createForecaster(input([-1, -1, 1, 2]));
    forecaster.note(new Set(['a']), margins(1, -1, 1, 2));
    expect(forecaster.predict(new Set(['b']))).toBeNull();
    // From the float model's side only c is missing, and that was not looked at either.
    expect(forecaster.predict(new Set(['a', 'b']))).toBeNull();
  });
  it('is in doubt about samples that were not looked at', () => {
    const forecaster = createForecaster(input([-1, -0.1, 1, 2]));
    forecaster.note(new Set(['a']), margins(1, NOT_SEEN, NOT_SEEN, NOT_SEEN));
    const { drop, chance } = forecaster.predict(new Set(['a']))!;
    // What it did to the first sample, a change of 2, it may do to the others, in either direction: the second, third and
    // fourth are right with the probabilities Φ(−0.05), Φ(0.5) and Φ(1).
    expect(drop).toBeCloseTo(1 - (1 + normal(-0.05) + normal(0.5) + normal(1)) / 4, 12);
    expect(chance).toBeGreaterThan(0);
    expect(chance).toBeLessThan(0.5);
  });
  it('trusts sums less after one that did not come', () => {
    const told = (after: (forecaster: ReturnType<typeof createForecaster>) => void) => {
      const forecaster = createForecaster(input([-1, -1, -1, 2]));
      for (const [index, name] of ['a', 'b', 'c'].entries()) {
        const alone = margins(-1, -1, -1, 2);
        alone[index] = 0.5;
        forecaster.note(new Set([name]), alone);
      }

      after(forecaster);
      return forecaster.predict(new Set(['b', 'c']))!;
    };

    const before = told(() => undefined);
    const disappointed = told((forecaster) => forecaster.note(new Set(['a', 'b']), margins(-1, -1, -1, 2)));
    expect(disappointed.drop).toBeGreaterThan(before.drop);
  });
  it('of a state seen in part corrects the rest by what came', () => {
    const forecaster = createForecaster(input([-1, -1, 1, 2]));
    forecaster.note(new Set(['a']), margins(1, 1, 1, 2));
    const all = new Set(['a']);
    expect(forecaster.complete(all, margins(1, 1, 1, 2))).toEqual({ drop: 0, chance: 1 });
    const none = forecaster.complete(new Set(['b']), margins(-1, NOT_SEEN, NOT_SEEN, NOT_SEEN));
    expect(none).toEqual({ drop: 0.5, chance: 0 });
  });
  it('reads from what was seen that reversals do more together than the sum of what each does alone', () => {
    // Each alone moves the margins by a twentieth of the way to the float model, both together all the way.
    const initial = [-1, -2, -3, -4];
    const forecaster = createForecaster(input(initial));
    const alone = margins(...initial.map((margin) => margin + (5 - margin) / 20));
    for (const name of ['a', 'b']) forecaster.note(new Set([name]), alone);
    const { drop, chance } = forecaster.complete(new Set(['a', 'b']), margins(4.5, 4.4, NOT_SEEN, NOT_SEEN));
    expect(drop).toBeLessThan(0.05);
    expect(chance).toBeGreaterThan(0.9);
  });
  it('is a drop between none and all, and a probability, whatever was seen', () => {
    const value = fc.oneof(fc.double({ min: -10, max: 10, noNaN: true }), fc.constant(NOT_SEEN));
    const known = fc.double({ min: -10, max: 10, noNaN: true });
    const four = <T>(of: fc.Arbitrary<T>) => fc.array(of, { minLength: 4, maxLength: 4 });
    fc.assert(
      fc.property(
        four(known),
        fc.array(fc.tuple(fc.subarray(['a', 'b', 'c']), four(value))),
        (initial, notes) => {
          const forecaster = createForecaster(input(initial));
          for (const [names, seen] of notes) forecaster.note(new Set(names), margins(...seen));
          for (const names of [['a'], ['a', 'b'], ['b', 'c'], ['a', 'b', 'c']]) {
            const forecast = forecaster.predict(new Set(names));
            if (forecast === null) continue;
            expect(forecast.drop).toBeGreaterThanOrEqual(-1e-9);
            expect(forecast.drop).toBeLessThanOrEqual(1 + 1e-9);
            expect(forecast.chance).toBeGreaterThanOrEqual(0);
            expect(forecast.chance).toBeLessThanOrEqual(1);
          }
        },
      ),
    );
  });
});

describe('the normal distribution function', () => {
  it.each([
    [0, 0.5],
    [1, 0.841344746],
    [-1.96, 0.024997895],
    [3, 0.998650102],
  ])('at %d', (x, expected) => expect(normal(x)).toBeCloseTo(expected, 6));
});
