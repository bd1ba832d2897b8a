import { meetsTarget } from '@quantsmith/schemas';
import type { Forecast } from './forecast.js';
import { setKey } from './setKey.js';

/** One state that was measured on all validation samples: which operators are float, and the metric it reached. */
export interface RestoreStep {
  readonly iteration: number;
  readonly reverted: readonly string[];
  readonly metric: number;
  readonly drop: number;
}

/** What is known of a state. */
export interface Assessment {
  readonly metric: number;
  readonly drop: number;
  /** Measured on all samples; else predicted from those that quantization can touch, and sure to miss the target. */
  readonly exact: boolean;
  /** Not looked at to its end, as another state turned out to be likelier; absent: false. */
  readonly putOff?: boolean;
}

/** What a few samples tell of a state: the expected drop where the metric has margins, else an error. Smaller is better. */
export interface Screening {
  /** Error of the model's outputs. */
  readonly error: number | null;
  readonly drop: number | null;
}

/** A group of operators as a candidate for float. */
export interface Candidate {
  readonly operators: readonly string[];
  /** Error of the model's outputs with only this group in float; null: not looked at. */
  readonly outputError: number | null;
  /** Drop with only this group in float, measured or expected; null: not looked at. */
  readonly dropAlone: number | null;
}

export interface RestoreProblem {
  /** Groups of operators that go back to float together, in the order of the graph. */
  readonly groups: readonly (readonly string[])[];
  readonly maxDrop: number;
  /** The most groups that may be float; null: all. */
  readonly maxIterations: number | null;
  /** When to end with the best state so far, in the terms of `performance.now()`; null: no limit. */
  readonly deadline: number | null;
  /** Aborted by who wants the best state so far; absent: by nobody. */
  readonly finish?: AbortSignal | undefined;
  /** The state without any reversal. */
  readonly initial: { readonly metric: number; readonly drop: number };
  /** What a few samples tell of a state. */
  readonly screen: (reverted: ReadonlySet<string>) => Promise<Screening>;
  /** So many states are screened side by side. */
  readonly width: number;
  /** Metric and drop; samples are spared where the target is sure to be missed, or the chance less than that of a rival. */
  readonly assess: (reverted: ReadonlySet<string>, rival?: number) => Promise<Assessment>;
  /** What is to be expected of a state, from the groups that were screened or assessed alone; null: cannot be told. */
  readonly predict: (reverted: ReadonlySet<string>) => Forecast | null;
  /** Metric and drop on all samples. */
  readonly validate: (reverted: ReadonlySet<string>) => Promise<{ metric: number; drop: number }>;
  /** Called once, when the candidates are in order, or before the first of them is tried. */
  readonly onRanked: () => void;
  /** Candidates looked at, and from `onRanked` on states assessed. */
  readonly onProgress: (done: number, detail: string) => void;
}

export interface RestoreResult {
  /** The validated states in the order of their validation. */
  readonly steps: readonly RestoreStep[];
  readonly candidates: readonly Candidate[];
  /** The operators that are float in the best state. */
  readonly reverted: ReadonlySet<string>;
  readonly metric: number;
  readonly drop: number;
  readonly stopReason: string;
}

interface State {
  readonly reverted: ReadonlySet<string>;
  readonly metric: number;
  readonly drop: number;
}

/** What the moves share: the validated states, the best of them, and the best predicted one. */
export interface Search {
  readonly problem: RestoreProblem;
  readonly steps: RestoreStep[];
  readonly assessed: Set<string>;
  /** Of those, the sets that were given up on a part of the samples: forecasts that have become better may have been wrong of them. */
  readonly givenUp: Map<string, ReadonlySet<string>>;
  best: State;
  predicted: State | null;
  isRanked: boolean;
}

export function startSearch(problem: RestoreProblem): Search {
  const best = { reverted: new Set<string>(), ...problem.initial };
  return {
    problem,
    steps: [],
    best,
    predicted: null,
    assessed: new Set(),
    givenUp: new Map(),
    isRanked: false,
  };
}

/** Says once that candidates are tried from now on. */
export function beginTries(search: Search): void {
  if (!search.isRanked) search.problem.onRanked();
  search.isRanked = true;
}

export const isMet = ({ best, problem }: Search) => meetsTarget(best.drop, problem.maxDrop);
export const isFinishing = ({ problem: { finish } }: Search) => finish?.aborted === true;
/** Whether the search is to end, by its limit of time or because it was asked to. */
export const isLate = (search: Search) =>
  isFinishing(search) || (search.problem.deadline !== null && performance.now() >= search.problem.deadline);
export const union = (groups: readonly (readonly string[])[]): ReadonlySet<string> => new Set(groups.flat());
export const mostGroups = ({ maxIterations, groups }: RestoreProblem) =>
  Math.min(maxIterations ?? groups.length, groups.length);

export const wasAssessed = (search: Search, reverted: ReadonlySet<string>) =>
  search.assessed.has(setKey(reverted));

/** Measures a set that was given up on all samples after all. */
export async function reconsider(search: Search, reverted: ReadonlySet<string>): Promise<void> {
  search.givenUp.delete(setKey(reverted));
  keep(search, { reverted, ...(await search.problem.validate(reverted)) });
  search.problem.onProgress(search.assessed.size, bestSoFar(search));
}

/** `rival`: the chance of the next set that will be assessed where this one's turns out to be smaller. */
export async function assess(search: Search, reverted: ReadonlySet<string>, rival = 0): Promise<Assessment> {
  const assessment = await search.problem.assess(reverted, rival);
  if (assessment.putOff === true) return assessment;
  search.assessed.add(setKey(reverted));
  const state = { reverted, metric: assessment.metric, drop: assessment.drop };
  if (assessment.exact) keep(search, state);
  else {
    search.givenUp.set(setKey(reverted), reverted);
    if (search.predicted === null || state.drop < search.predicted.drop) search.predicted = state;
  }

  search.problem.onProgress(search.assessed.size, bestSoFar(search));
  return assessment;
}

/** "best drop 0.012 with 3 operators in float"; the drop as the config states what it allows. */
function bestSoFar({ best: { drop, reverted } }: Search): string {
  const operators = reverted.size === 1 ? '1 operator' : `${reverted.size} operators`;
  return `best drop ${Number(drop.toPrecision(2))} with ${operators} in float`;
}

/** Of states that meet the target the one with the fewest operators in float is the best, of others the least drop. */
export function keep(search: Search, state: State): void {
  const { problem, best, steps } = search;
  steps.push({
    iteration: steps.length + 1,
    reverted: [...state.reverted],
    metric: state.metric,
    drop: state.drop,
  });

  const meets = meetsTarget(state.drop, problem.maxDrop);
  const fewer = state.reverted.size < best.reverted.size;
  if (meets && isMet(search) ? fewer : state.drop < best.drop) search.best = state;
}
