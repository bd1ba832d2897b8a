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
  /** Measured on all samples; else foretold from those that quantization can touch, and sure to miss the target. */
  readonly exact: boolean;
}

/** A group of operators as a candidate for float. */
export interface Candidate {
  readonly operators: readonly string[];
  /** Error of the model's outputs with only this group in float; null: only its neighbourhood was looked at. */
  readonly outputError: number | null;
  /** Drop with only this group in float, where it was looked at. */
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
  /** The state without any reversal. */
  readonly initial: { readonly metric: number; readonly drop: number };
  /** Error of the model's outputs, on a few samples, with just these operators float: smaller is better. */
  readonly screen: (reverted: ReadonlySet<string>) => Promise<number>;
  /** Metric and drop; samples are spared where the target is sure to be missed. */
  readonly assess: (reverted: ReadonlySet<string>) => Promise<Assessment>;
  /** The drop to be expected of several groups in float, each of which was assessed alone; null: cannot be told. */
  readonly foretell: (groups: readonly ReadonlySet<string>[]) => number | null;
  /** Metric and drop on all samples. */
  readonly validate: (reverted: ReadonlySet<string>) => Promise<{ metric: number; drop: number }>;
  /** Called once, when the candidates are in order. */
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

/** So many candidates are tried alone before sets of them are: one group in float is the least that there can be. */
const SINGLES = 8;
/** The largest set that is put together from what its groups did alone, and how many sets of each size are tried. */
const LARGEST_SET = 6;
const SETS_TRIED = 4;
/** Up to so many groups are screened one by one; of more, blocks of neighbours first. */
const SCREENED_ALONE = 24;
/** The share of all groups that are screened one by one behind the blocks. */
const PROMISING = 1 / 3;

/**
 * Restores accuracy with few groups in float, in five moves: order the groups by what each does to the outputs' error;
 * try the first ones alone; double the number of groups in float until the target is met; halve between the last two
 * numbers; make integer again what turns out unneeded. The result is the best validated state, never merely the last.
 */
export async function restoreBySearch(problem: RestoreProblem): Promise<RestoreResult> {
  const search = startSearch(problem);
  const screened = await screenGroups(search);
  problem.onRanked();
  const ranked = await trySinglesAndSets(search, screened);
  const candidates = isMet(search) ? ranked : await growPrefix(search, ranked);
  if (isMet(search)) await prune(search, candidates);
  else await validateBest(search);
  const { best, steps } = search;
  return { steps, candidates, ...best, stopReason: stopReason(search) };
}

interface State {
  readonly reverted: ReadonlySet<string>;
  readonly metric: number;
  readonly drop: number;
}

/** What the moves share: the validated states, the best of them, and the best foretold one. */
interface Search {
  readonly problem: RestoreProblem;
  readonly steps: RestoreStep[];
  best: State;
  foretold: State | null;
  assessed: number;
}

function startSearch(problem: RestoreProblem): Search {
  const best = { reverted: new Set<string>(), ...problem.initial };
  return { problem, steps: [], best, foretold: null, assessed: 0 };
}

const isMet = ({ best, problem }: Search) => best.drop <= problem.maxDrop;
const isLate = ({ problem: { deadline } }: Search) => deadline !== null && performance.now() >= deadline;
const union = (groups: readonly (readonly string[])[]): ReadonlySet<string> => new Set(groups.flat());
const mostGroups = ({ maxIterations, groups }: RestoreProblem) =>
  Math.min(maxIterations ?? groups.length, groups.length);

async function assess(search: Search, reverted: ReadonlySet<string>): Promise<Assessment> {
  const found = await search.problem.assess(reverted);
  search.assessed++;
  search.problem.onProgress(search.assessed, `${reverted.size} operators in float`);
  const state = { reverted, metric: found.metric, drop: found.drop };
  if (found.exact) keep(search, state);
  else if (search.foretold === null || state.drop < search.foretold.drop) search.foretold = state;
  return found;
}

/** Of states that meet the target the one with the fewest operators in float is the best, of others the least drop. */
function keep(search: Search, state: State): void {
  const { problem, best, steps } = search;
  steps.push({
    iteration: steps.length + 1,
    reverted: [...state.reverted],
    metric: state.metric,
    drop: state.drop,
  });
  const meets = state.drop <= problem.maxDrop;
  const fewer = state.reverted.size < best.reverted.size;
  if (meets && isMet(search) ? fewer : state.drop < best.drop) search.best = state;
}

interface Screened extends Candidate {
  readonly blockError: number;
}

/** The groups in the order of what they promise. */
async function screenGroups(search: Search): Promise<Screened[]> {
  const { groups } = search.problem;
  const size = groups.length <= SCREENED_ALONE ? 1 : Math.ceil(Math.sqrt(groups.length));
  const blocks: { groups: readonly (readonly string[])[]; error: number }[] = [];
  for (let start = 0; start < groups.length; start += size) {
    const block = groups.slice(start, start + size);
    const error = isLate(search) ? Number.POSITIVE_INFINITY : await search.problem.screen(union(block));
    blocks.push({ groups: block, error });
    search.problem.onProgress(Math.min(groups.length, start + size), 'looking for the operators that matter');
  }
  // The sort is stable: of equals the earlier operator comes first.
  blocks.sort((a, b) => a.error - b.error);
  const screened: Screened[] = [];
  const promising = size === 1 ? 0 : Math.ceil(groups.length * PROMISING);
  for (const { groups: block, error } of blocks) {
    const alone = screened.length < promising;
    for (const operators of block) {
      const own =
        size === 1
          ? error
          : alone && !isLate(search)
            ? await search.problem.screen(union([operators]))
            : null;
      screened.push({ operators, outputError: own, blockError: error, dropAlone: null });
    }
  }
  return screened.sort((a, b) => byError(a, b) || a.blockError - b.blockError);
}

/**
 * Tries the first candidates alone, then small sets of those that were tried, then the next candidates, and so on; ends
 * with the first that is enough. Returns all candidates, those that were tried ordered by the drop that each left.
 */
async function trySinglesAndSets(search: Search, screened: readonly Screened[]): Promise<Candidate[]> {
  const tried: Candidate[] = [];
  // Where nothing can be foretold of sets, more singles tell nothing that the screening did not.
  for (let start = 0; start < screened.length; start += SINGLES) {
    for (const { operators, outputError } of screened.slice(start, start + SINGLES)) {
      if (isMet(search) || isLate(search)) break;
      const { drop } = await assess(search, new Set(operators));
      tried.push({ operators, outputError, dropAlone: drop });
    }
    const foretells = tried.length > 1 && search.problem.foretell(tried.slice(0, 2).map(setOf)) !== null;
    if (isMet(search) || isLate(search) || !foretells || (await trySets(search, tried))) break;
  }
  const rest = screened
    .slice(tried.length)
    .map(({ operators, outputError }) => ({ operators, outputError, dropAlone: null }));
  return [...tried.sort((a, b) => a.dropAlone! - b.dropAlone!), ...rest];
}

const setOf = ({ operators }: Candidate): ReadonlySet<string> => new Set(operators);

/** Builds sets group by group, each time with what is foretold to help most, and tries those that should be enough. */
async function trySets(search: Search, tried: readonly Candidate[]): Promise<boolean> {
  const { problem } = search;
  const foretold = (set: readonly Candidate[]) => problem.foretell(set.map(setOf)) ?? Number.MAX_VALUE;
  let beam: (readonly Candidate[])[] = tried.map((candidate) => [candidate]);
  for (let size = 2; size <= Math.min(LARGEST_SET, mostGroups(problem)); size++) {
    const grown = beam.flatMap((set) =>
      tried.filter((candidate) => !set.includes(candidate)).map((candidate) => [...set, candidate]),
    );
    const unique = new Map(
      grown.map((set) => [[...union(set.map((c) => c.operators))].sort().join('\u0000'), set]),
    );
    const ordered = [...unique.values()]
      .map((set) => ({ set, drop: foretold(set) }))
      .sort((a, b) => a.drop - b.drop);
    for (const { set, drop } of ordered.slice(0, SETS_TRIED)) {
      if (drop > problem.maxDrop || isLate(search)) break;
      await assess(search, union(set.map(({ operators }) => operators)));
      if (isMet(search)) return true;
    }
    beam = ordered.slice(0, tried.length).map(({ set }) => set);
  }
  return false;
}

/**
 * Doubles the number of groups in float until the target is met, then halves between the last two numbers. Returns the
 * candidates in the order that was followed.
 */
async function growPrefix(search: Search, ranked: readonly Candidate[]): Promise<readonly Candidate[]> {
  const most = mostGroups(search.problem);
  let order = ranked;
  const prefix = (count: number) => union(order.slice(0, count).map(({ operators }) => operators));
  let missed = 1;
  let met: number | null = null;
  let count = Math.min(2, most);
  while (met === null && count > missed && !isLate(search)) {
    if (order.slice(0, count).some(({ outputError }) => outputError === null))
      order = await screenRest(search, order);
    await assess(search, prefix(count));
    if (isMet(search)) met = count;
    else missed = count;
    count = Math.min(2 * count, most);
  }
  while (met !== null && met - missed > 1 && !isLate(search)) {
    const middle: number = (met + missed) >> 1;
    const { drop, exact } = await assess(search, prefix(middle));
    if (exact && drop <= search.problem.maxDrop) met = middle;
    else missed = middle;
  }
  return order;
}

/** So many are needed that their order matters: those of which only the neighbourhood was looked at, each alone. */
async function screenRest(search: Search, ranked: readonly Candidate[]): Promise<Candidate[]> {
  const tried = ranked.filter(({ dropAlone }) => dropAlone !== null);
  const others: Candidate[] = [];
  for (const candidate of ranked.filter(({ dropAlone }) => dropAlone === null)) {
    const known = candidate.outputError !== null || isLate(search);
    const outputError = known
      ? candidate.outputError
      : await search.problem.screen(union([candidate.operators]));
    others.push({ ...candidate, outputError });
    search.problem.onProgress(search.assessed, 'looking for more operators that matter');
  }
  return [...tried, ...others.sort(byError)];
}

const byError = (a: Candidate, b: Candidate) => errorOf(a) - errorOf(b);
/** Of two that were not looked at neither comes first (the difference of infinities would be no number). */
const errorOf = ({ outputError }: Candidate) => outputError ?? Number.MAX_VALUE;

/** Makes groups integer again, the least promising first, while the target stays met. */
async function prune(search: Search, ranked: readonly Candidate[]): Promise<void> {
  for (const { operators } of [...ranked].reverse()) {
    const { reverted } = search.best;
    if (isLate(search) || !operators.every((name) => reverted.has(name))) continue;
    const fewer = new Set([...reverted].filter((name) => !operators.includes(name)));
    // Without any it is the state that missed the target at first.
    if (fewer.size > 0) await assess(search, fewer);
  }
}

/** Where the target was missed, the best foretold state may still be better than the validated ones. */
async function validateBest(search: Search): Promise<void> {
  const { foretold, best, problem } = search;
  if (foretold === null || foretold.drop >= best.drop) return;
  keep(search, { reverted: foretold.reverted, ...(await problem.validate(foretold.reverted)) });
}

function stopReason(search: Search): string {
  const { best, problem } = search;
  const count = best.reverted.size;
  if (isMet(search))
    return `The target was met with ${count} operator${count === 1 ? '' : 's'} back in float.`;
  if (isLate(search)) return 'The time limit was reached; this is the best model so far.';
  const { maxIterations, groups } = problem;
  if (maxIterations !== null && maxIterations < groups.length)
    return `The limit of ${maxIterations} iterations was reached; this is the best model so far.`;
  return 'All operators were tried and the target was not reached; this is the best model found.';
}
