import { meetsTarget } from '@quantsmith/schemas';
import { normal } from '../metrics/chance.js';
import type { Margin, SampleState } from '../metrics/metric.js';
import { setKey } from './setKey.js';

/** What is to be expected of a state that was not measured. */
export interface Forecast {
  /** The expected drop. */
  readonly drop: number;
  /** How likely the target is met, 0 … 1. */
  readonly chance: number;
}

/** Margins of one state on the deciding samples, by their position; NaN where it was not looked at. */
type Margins = Float64Array;

export interface ForecastInput {
  readonly margin: Margin;
  /** Groups of operators that go back to float together. */
  readonly groups: readonly (readonly string[])[];
  /** The drop when the deciding samples have these states and all others are answered as by the float model. */
  readonly dropWith: (deciding: readonly SampleState[]) => number;
  readonly maxDrop: number;
  /** Of the state without any reversal, and of the float model; complete. */
  readonly initial: Margins;
  readonly float: Margins;
}

/** Predicts how sets of operators in float will do from the margins of those that were looked at. */
export interface Forecaster {
  /** Takes note of what was seen of a state. */
  readonly note: (reverted: ReadonlySet<string>, margins: Margins) => void;
  /** null: nothing is known of one of its groups. */
  readonly predict: (reverted: ReadonlySet<string>) => Forecast | null;
  /** What a state will come to that was looked at in part. */
  readonly complete: (reverted: ReadonlySet<string>, seen: Margins) => Forecast;
}

interface State {
  readonly operators: ReadonlySet<string>;
  readonly margins: Margins;
}

/** Margins that are normally distributed. */
interface Prediction {
  readonly means: Margins;
  readonly variances: Float64Array;
}

/** Before anything is known of it: reversals change together what each changes alone, but for about this share. */
const INTERACTION = 0.3;

/**
 * To first order the errors of quantized operators add up, so what each reversal does to the margins alone, all of them do
 * together. The closest state that was measured is the base; what is not known, and what groups do to each other, counts as
 * normally distributed. How far earlier forecasts were off tells how far to trust the next one.
 */
export function createForecaster(input: ForecastInput): Forecaster {
  const { initial, float, groups } = input;
  const complete: State[] = [
    { operators: new Set(), margins: initial },
    { operators: new Set(groups.flat()), margins: float },
  ];

  const seen = new Map<string, Margins>();
  const tests = new Map<string, Test>();
  let trust = trustOf([]);
  const expectedSum = (reverted: ReadonlySet<string>): SumOfSteps | null => {
    const base = nearest(complete, reverted);
    const steps: Step[] = [];
    for (const group of groups) {
      const [before, after] = [base.operators.has(group[0]!), reverted.has(group[0]!)];
      if (before === after) continue;
      const margins = seen.get(setKey(group));
      if (margins === undefined) return null;
      steps.push({ margins, sign: after ? 1 : -1 });
    }

    return sumUp(base.margins, steps, initial, trust);
  };

  return {
    note(operators, margins) {
      const key = setKey(operators);
      const prediction = tests.get(key)?.prediction ?? (seen.has(key) ? null : expectedSum(operators));
      if (prediction !== null && prediction.steps > 0) {
        tests.set(key, { prediction, margins });
        trust = trustOf([...tests.values()]);
      }

      seen.set(key, margins);
      if (!margins.some(Number.isNaN)) complete.push({ operators, margins });
    },
    predict(reverted) {
      const prediction = expectedSum(reverted);
      return prediction === null ? null : expectation(input, prediction);
    },
    complete: (reverted, margins) =>
      expectation(input, corrected(expectedSum(reverted) ?? unchanged(initial), margins, { initial, float })),
  };
}

/** A prediction that was made of a state, and what was then seen of it. */
interface Test {
  readonly prediction: SumOfSteps;
  readonly margins: Margins;
}

/** How far sums of effects can be trusted. */
interface Trust {
  /** The share of a predicted change that comes. */
  readonly share: number;
  /** Variance in units of the effects' squares. */
  readonly interaction: number;
}

/** The first guess, that all of the change comes and little besides, counts like this many tests. */
const GUESS_WEIGHT = 2;

function trustOf(tests: readonly Test[]): Trust {
  let [product, square, ownEnergy, energy] = [0, 0, 0, 0];
  for (const { prediction, margins } of tests) {
    for (let i = 0; i < margins.length; i++) {
      if (Number.isNaN(margins[i])) continue;
      const expected = prediction.means[i]! - prediction.base[i]!;
      const actual = margins[i]! - prediction.base[i]!;
      product += expected * actual;
      square += expected * expected;
      ownEnergy += actual * actual;
      energy += prediction.energy[i]!;
    }
  }

  if (energy === 0 || square === 0) return { share: 1, interaction: INTERACTION ** 2 };
  const guess = GUESS_WEIGHT / tests.length;
  const share = Math.min(1.2, Math.max(0, (product + guess * square) / (square + guess * square)));
  const missed = Math.max(0, ownEnergy - 2 * share * product + share * share * square);

  return { share, interaction: (missed + guess * energy * INTERACTION ** 2) / (energy + guess * energy) };
}

const unchanged = (initial: Margins): Prediction => ({
  means: initial,
  variances: new Float64Array(initial.length),
});

/**
 * The prediction with what was seen, and for what was not with the error that it made on what was. Reversals may do more together
 * than the sum of what each does alone: what was seen tells how much of the sum came, and how much of the way to the float model.
 */
function corrected(
  { means, variances }: Prediction,
  seen: Margins,
  { initial, float }: Pick<ForecastInput, 'initial' | 'float'>,
): Prediction {
  const fit = startFit();
  for (let i = 0; i < seen.length; i++) {
    if (Number.isNaN(seen[i])) continue;
    fit.add(means[i]! - initial[i]!, float[i]! - initial[i]!, seen[i]! - initial[i]!);
  }

  const { ofSum, ofWay } = fit.shares();
  const mean = (i: number) =>
    initial[i]! + ofSum * (means[i]! - initial[i]!) + ofWay * (float[i]! - initial[i]!);
  let missed = 0;
  let count = 0;
  for (let i = 0; i < seen.length; i++) {
    if (Number.isNaN(seen[i])) continue;
    missed += (seen[i]! - mean(i)) ** 2;
    count++;
  }

  return {
    means: seen.map((value, i) => (Number.isNaN(value) ? mean(i) : value)),
    variances: seen.map((value, i) =>
      Number.isNaN(value) ? Math.max(variances[i]!, count === 0 ? 0 : missed / count) : 0,
    ),
  };
}

/** The most of the expected change that may come. */
const MOST_OF_SUM = 1.5;

/** Least squares of changes over what the sum of effects and the way to the float model explain of them. */
function startFit() {
  let [sumSum, sumWay, wayWay, sumActual, wayActual] = [0, 0, 0, 0, 0];
  const withinLimits = (value: number, limit: number) => Math.min(limit, Math.max(0, value));
  // With the other share given.
  const sumShare = (ofWay: number) =>
    sumSum === 0 ? 1 : withinLimits((sumActual - ofWay * sumWay) / sumSum, MOST_OF_SUM);
  const wayShare = (ofSum: number) =>
    wayWay === 0 ? 0 : withinLimits((wayActual - ofSum * sumWay) / wayWay, 1);

  return {
    add(sum: number, way: number, actual: number) {
      sumSum += sum * sum;
      sumWay += sum * way;
      wayWay += way * way;
      sumActual += sum * actual;
      wayActual += way * actual;
    },
    shares() {
      const determinant = sumSum * wayWay - sumWay * sumWay;
      const solved = (sumActual * wayWay - wayActual * sumWay) / determinant;
      const isSolved = determinant > 1e-9 * sumSum * wayWay;
      const ofWay = wayShare(isSolved ? withinLimits(solved, MOST_OF_SUM) : sumShare(0));
      return { ofSum: sumShare(ofWay), ofWay };
    },
  };
}

/** The state with the fewest operators to add or take away; of equals the later one. */
function nearest(states: readonly State[], operators: ReadonlySet<string>): State {
  const distance = (state: State) => {
    let common = 0;
    for (const name of state.operators) if (operators.has(name)) common++;
    return state.operators.size + operators.size - 2 * common;
  };

  let [best, least] = [states[0]!, distance(states[0]!)];
  for (const state of states) {
    const far = distance(state);
    if (far <= least) [best, least] = [state, far];
  }

  return best;
}

/** A group's margins alone, and whether it goes to float (1) or back to integers (−1). */
interface Step {
  readonly margins: Margins;
  readonly sign: 1 | -1;
}

/** What a base and some steps come to. */
interface SumOfSteps extends Prediction {
  readonly base: Margins;
  /** Squares of the effects, summed. */
  readonly energy: Float64Array;
  readonly steps: number;
}

function sumUp(base: Margins, steps: readonly Step[], initial: Margins, trust: Trust): SumOfSteps {
  const means = Float64Array.from(base);
  const variances = new Float64Array(base.length);
  const energy = new Float64Array(base.length);
  // One step from the start was looked at itself.
  const { share, interaction } =
    base === initial && steps.length === 1 ? { share: 1, interaction: 0 } : trust;

  for (const { margins: alone, sign } of steps) {
    const unknown = meanSquareChange(alone, initial);
    for (let i = 0; i < means.length; i++) {
      const effect = alone[i]! - initial[i]!;
      if (Number.isNaN(effect)) {
        variances[i] = variances[i]! + unknown;
        continue;
      }

      means[i] = means[i]! + sign * share * effect;
      energy[i] = energy[i]! + effect * effect;
      variances[i] = variances[i]! + interaction * effect * effect;
    }
  }

  return { means, variances, base, energy, steps: steps.length };
}

function meanSquareChange(margins: Margins, initial: Margins): number {
  let sum = 0;
  let count = 0;
  for (let i = 0; i < margins.length; i++) {
    const change = margins[i]! - initial[i]!;
    if (Number.isNaN(change)) continue;
    sum += change * change;
    count++;
  }

  return count === 0 ? 0 : sum / count;
}

function expectation(
  { margin, dropWith, maxDrop }: ForecastInput,
  { means, variances }: Prediction,
): Forecast {
  let spread = 0;
  const likely = Array.from(means, (mean, i) => {
    const deviation = Math.sqrt(variances[i]!);
    const probability = deviation === 0 ? (mean > 0 ? 1 : 0) : normal(mean / deviation);
    spread += probability * (1 - probability);
    return margin.state(mean, probability);
  });

  const drop = dropWith(likely);
  if (spread === 0) return { drop, chance: meetsTarget(drop, maxDrop) ? 1 : 0 };
  // The drop counts in steps of what one sample's answer is worth.
  const others = likely.slice(1);
  const step = dropWith([margin.state(-1, 0), ...others]) - dropWith([margin.state(1, 1), ...others]);

  return { drop, chance: normal((maxDrop + step / 2 - drop) / (Math.sqrt(spread) * step)) };
}
