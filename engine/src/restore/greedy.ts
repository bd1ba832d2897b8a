/** One candidate state: which operators are float, and the metric it reached on the full validation set. */
export interface RestoreStep {
  readonly iteration: number;
  readonly reverted: readonly string[];
  readonly metric: number;
  readonly drop: number;
}

export interface RestoreProblem {
  /** Groups of operators that go back to float together. */
  readonly groups: readonly (readonly string[])[];
  readonly maxDrop: number;
  /** Limit on full validations of a reverted state; null: as many as there are groups. */
  readonly maxIterations: number | null;
  /** When to end with the best state so far, in the terms of `performance.now()`; null: no limit. */
  readonly deadline: number | null;
  /** The state without any reversal. */
  readonly initial: { readonly metric: number; readonly drop: number };
  /** How much better the model does on the ranking samples with just these operators float: higher is better. */
  readonly rank: (reverted: ReadonlySet<string>) => Promise<number>;
  /** Metric and drop on the full validation set. */
  readonly validate: (reverted: ReadonlySet<string>) => Promise<{ metric: number; drop: number }>;
  /** Called once, when all groups are ranked. */
  readonly onRanked: () => void;
  /** Ranked groups, and from `onRanked` on validated states. */
  readonly onProgress: (done: number, detail: string) => void;
}

export interface RestoreResult {
  readonly steps: readonly RestoreStep[];
  /** The operators that are float in the best state. */
  readonly reverted: ReadonlySet<string>;
  readonly metric: number;
  readonly drop: number;
  readonly stopReason: string;
}

/**
 * Restores accuracy: ranks every group by the metric with only that group float, reverts in that order until the drop
 * is small enough, then prunes: a group that turns out unneeded becomes integer again. The result is the best state
 * seen, never merely the last one.
 */
export async function restoreGreedily(problem: RestoreProblem): Promise<RestoreResult> {
  const ranked = await rankGroups(problem);
  problem.onRanked();
  const limit = problem.maxIterations ?? Number.POSITIVE_INFINITY;
  const late = () => problem.deadline !== null && performance.now() >= problem.deadline;
  const steps: RestoreStep[] = [];
  let best: State = { reverted: new Set(), ...problem.initial };
  let current: ReadonlySet<string> = new Set();
  const added: (readonly string[])[] = [];
  for (const group of ranked) {
    if (best.drop <= problem.maxDrop || steps.length >= limit || late()) break;
    current = new Set([...current, ...group]);
    added.push(group);
    const state = { reverted: current, ...(await problem.validate(current)) };
    steps.push(record(steps.length + 1, state));
    problem.onProgress(steps.length, `${current.size} operators in float`);
    if (state.drop < best.drop) best = state;
  }
  if (best.drop <= problem.maxDrop && !late()) best = await prune(problem, best, added, steps, limit);
  return { steps, ...best, stopReason: stopReason(problem, best, steps.length, limit, late()) };
}

interface State {
  readonly reverted: ReadonlySet<string>;
  readonly metric: number;
  readonly drop: number;
}

function record(iteration: number, state: State): RestoreStep {
  return { iteration, reverted: [...state.reverted], metric: state.metric, drop: state.drop };
}

async function rankGroups(problem: RestoreProblem): Promise<(readonly string[])[]> {
  const scored: { group: readonly string[]; score: number }[] = [];
  for (const [index, group] of problem.groups.entries()) {
    scored.push({ group, score: await problem.rank(new Set(group)) });
    problem.onProgress(index + 1, `ranking ${group.join(', ')}`);
  }
  // The sort is stable: of equal scores the earlier layer comes first.
  return scored.sort((a, b) => b.score - a.score).map(({ group }) => group);
}

/** Tries to make each reverted group integer again, the least important first; the last one added is needed. */
async function prune(
  problem: RestoreProblem,
  best: State,
  added: readonly (readonly string[])[],
  steps: RestoreStep[],
  limit: number,
): Promise<State> {
  let state = best;
  for (const group of added.slice(0, -1).reverse()) {
    if (steps.length >= limit || !group.every((name) => state.reverted.has(name))) continue;
    const fewer = new Set([...state.reverted].filter((name) => !group.includes(name)));
    if (fewer.size === 0) continue;
    const tried = { reverted: fewer, ...(await problem.validate(fewer)) };
    steps.push(record(steps.length + 1, tried));
    if (tried.drop <= problem.maxDrop) state = tried;
  }
  return state;
}

function stopReason(
  problem: RestoreProblem,
  best: State,
  iterations: number,
  limit: number,
  late: boolean,
): string {
  if (best.drop <= problem.maxDrop) {
    return best.reverted.size === 0
      ? 'The quantized model met the target without restoration.'
      : `The target was met with ${best.reverted.size} operators back in float.`;
  }
  if (late) return 'The time limit was reached; this is the best model so far.';
  if (iterations >= limit)
    return `The limit of ${limit} iterations was reached; this is the best model so far.`;
  return 'All operators were tried and the target was not reached; this is the best model found.';
}
