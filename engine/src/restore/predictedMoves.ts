import { smallest } from '@quantsmith/schemas';
import type { Forecast } from './forecast.js';
import { byPromise, screenRest } from './screenGroups.js';
import {
  assess,
  beginTries,
  isLate,
  isMet,
  mostGroups,
  reconsider,
  union,
  wasAssessed,
  type Candidate,
  type Search,
} from './searchState.js';

/** The largest set that is looked for among all that can be predicted, and how many sets of each size are tried. */
const LARGEST_SET = 6;
const SETS_TRIED = 4;
/** Where only one group may go to float, so many times as many are tried. */
const ONLY_ROUNDS = 4;
/** Sets that are kept to be grown. */
const BEAM = 16;
/** A set is tried when the target is met with this chance, one with less than what is known to be enough already with the other. */
const WORTH_TRYING = 0.15;
const WORTH_PRUNING = 0.05;
/** More groups go to float, or fewer, until the target is met with this chance. */
const LIKELY = 0.5;
/** Of very many groups several are chosen at once. */
const CHOICES = 64;

type Operators = ReadonlySet<string>;

/**
 * The search where the outcome of a state can be predicted from its groups: try small sets, the likely ones first; then add
 * to the best what should help most until the target should be met, measure that, and go on from there; at last make integer
 * again what turns out unneeded. Returns the candidates, the ones that help most first.
 */
export async function searchPredicted(
  search: Search,
  screened: readonly Candidate[],
): Promise<readonly Candidate[]> {
  let candidates = screened;
  if (
    !isMet(search) &&
    !(await trySets(
      search,
      candidates.filter(({ dropAlone }) => dropAlone !== null),
    ))
  ) {
    candidates = await screenRest(search, candidates);
    if (!(await tryOnly(search, candidates))) await grow(search);
  }

  if (isMet(search)) {
    await prune(search);
    await trySmaller(search, candidates);
    await tryWithoutEach(search);
    await reconsiderSmaller(search);
  }

  return [...candidates].sort(byPromise);
}

/**
 * Tries those of the groups just screened that are likely to be enough alone; true: one is. No set is smaller than one of the smallest
 * groups, so that the others need not be looked at.
 */
export async function tryLikely(search: Search, groups: readonly (readonly string[])[]): Promise<boolean> {
  const least = smallest(search.problem.groups.map(({ length }) => length));
  const sets = groups.filter(({ length }) => length === least).map((group) => union([group]));
  for (let tries = 0; tries < SETS_TRIED && search.assessed.size < SETS_TRIED && !isLate(search); tries++) {
    const [likely, next] = byChance(search, sets);
    if (likely === undefined || likely.chance < LIKELY) return false;
    beginTries(search);
    await assess(search, likely.set, next?.chance);
    if (isMet(search)) return true;
  }

  return false;
}

function trySets(search: Search, candidates: readonly Candidate[]): Promise<boolean> {
  const largest = Math.min(LARGEST_SET, mostGroups(search.problem));
  return triedUpTo(search, candidates, largest, WORTH_TRYING);
}

/**
 * What was measured on the way makes forecasts better: every set smaller than the one that is enough is looked at again, and
 * tried where it is likely to be enough, too.
 */
async function trySmaller(search: Search, candidates: readonly Candidate[]): Promise<void> {
  const { groups } = search.problem;
  const known = candidates.filter(({ dropAlone }) => dropAlone !== null);
  const largest = Math.min(LARGEST_SET, countGroups(groups, search.best.reverted) - 1);
  await triedUpTo(search, known, largest, WORTH_PRUNING);
}

/**
 * Of a small set that is enough, each with one group less is looked at, whatever is predicted of it: few samples tell, and what groups
 * do to each other is known the less the more they do.
 */
async function tryWithoutEach(search: Search): Promise<void> {
  const { groups } = search.problem;
  while (!isLate(search) && countGroups(groups, search.best.reverted) <= LARGEST_SET) {
    const [next] = byChance(search, smaller(search, search.best.reverted));
    if (next === undefined) return;
    await assess(search, next.set);
  }
}

/**
 * A set that was given up early, on few samples, may be enough after all: those that are smaller than the one that is enough are
 * measured whole where what was learned since makes that likely.
 */
async function reconsiderSmaller(search: Search): Promise<void> {
  const { groups } = search.problem;
  while (!isLate(search)) {
    const count = countGroups(groups, search.best.reverted);
    const sets = [...search.givenUp.values()].filter((set) => countGroups(groups, set) < count);
    const [likely] = predicted(search, sets)
      .filter(({ chance }) => chance >= LIKELY)
      .sort((a, b) => b.chance - a.chance);

    if (likely === undefined) return;
    await reconsider(search, likely.set);
  }
}

/** Where one group is all that may go to float, every one that may be enough is tried. */
async function tryOnly(search: Search, candidates: readonly Candidate[]): Promise<boolean> {
  if (mostGroups(search.problem) !== 1) return false;
  for (let round = 0; round < ONLY_ROUNDS && !isLate(search); round++)
    if (await triedUpTo(search, candidates, 1, WORTH_PRUNING)) return true;
  return false;
}

/**
 * Tries sets of one group, of two, and so on, the likely ones first, until one of them is the best state. A single group is worth
 * less of a chance: a larger set that is enough would be pruned back to it, one measurement after the other.
 */
async function triedUpTo(
  search: Search,
  candidates: readonly Candidate[],
  largest: number,
  worth: number,
): Promise<boolean> {
  let beam: readonly Operators[] = [new Set()];
  for (let size = 1; size <= largest; size++) {
    const sets = larger(beam, candidates);
    for (let tries = 0; tries < SETS_TRIED && !isLate(search); tries++) {
      // Each measured set makes the others better known.
      const [best] = byChance(search, sets);
      if (best === undefined || best.chance < (size === 1 ? WORTH_PRUNING : worth)) break;
      await assess(search, best.set);
      if (isMet(search) && search.best.reverted === best.set) return true;
    }

    beam = predicted(search, sets)
      .sort((a, b) => a.drop - b.drop)
      .slice(0, BEAM)
      .map(({ set }) => set);
  }

  return false;
}

/** Every set with one more candidate, each once. */
function larger(sets: readonly Operators[], candidates: readonly Candidate[]): Operators[] {
  const grown = sets.flatMap((set) =>
    candidates
      .filter(({ operators }) => !set.has(operators[0]!))
      .map(({ operators }) => union([[...set], operators])),
  );

  return [...new Map(grown.map((set) => [[...set].sort().join('\u0000'), set])).values()];
}

interface Predicted extends Forecast {
  readonly set: Operators;
}

function predicted({ problem }: Search, sets: readonly Operators[]): Predicted[] {
  return sets.flatMap((set) => {
    const forecast = problem.predict(set);
    return forecast === null ? [] : [{ set, ...forecast }];
  });
}

/** The sets that were not tried yet, the likely ones first. */
function byChance(search: Search, sets: readonly Operators[]): Predicted[] {
  return predicted(search, sets)
    .filter(({ set }) => !wasAssessed(search, set))
    .sort((a, b) => b.chance - a.chance);
}

async function grow(search: Search): Promise<void> {
  const { problem } = search;
  let current: Operators = new Set();
  while (!isMet(search) && !isLate(search)) {
    const next = withMore(search, current);
    if (next.size === current.size) return;
    // What is known already is no news: more has to go to float.
    if (!wasAssessed(search, next)) await assess(search, next);
    else if (countGroups(problem.groups, next) >= mostGroups(problem)) return;
    current = next;
  }
}

const countGroups = (groups: readonly (readonly string[])[], set: Operators) =>
  groups.filter(([first]) => set.has(first!)).length;

/** The set with more groups, each time those that help most, until the target should be met; at least a quarter more. */
function withMore({ problem }: Search, set: Operators): Operators {
  const { groups } = problem;
  const count = countGroups(groups, set);
  const least = Math.min(mostGroups(problem), count + Math.max(1, count >> 2));
  const atOnce = Math.ceil(groups.length / CHOICES);
  let [grown, size, chance] = [set, count, 0];
  while (size < mostGroups(problem) && (size < least || chance < LIKELY)) {
    const remaining = groups.filter(([first]) => !grown.has(first!));
    const chosen = remaining
      .map((group) => ({ group, drop: problem.predict(union([[...grown], group]))?.drop ?? Infinity }))
      .sort((a, b) => a.drop - b.drop)
      .slice(0, Math.min(atOnce, mostGroups(problem) - size));

    grown = union([[...grown], ...chosen.map(({ group }) => group)]);
    size += chosen.length;
    chance = problem.predict(grown)?.chance ?? 0;
  }

  return grown;
}

/**
 * Makes groups integer again while the target stays met: half of them at once, those least needed; half as many when that is
 * too much, twice as many when it is not.
 */
async function prune(search: Search): Promise<void> {
  const { groups } = search.problem;
  let many = countGroups(groups, search.best.reverted) >> 1;
  while (!isLate(search)) {
    const { reverted } = search.best;
    const next = without(search, reverted, Math.max(1, many));
    if (next === undefined && many <= 1) return;
    if (next !== undefined) await assess(search, next);
    const remaining = countGroups(groups, search.best.reverted);
    many = search.best.reverted === reverted ? many >> 1 : Math.min(2 * Math.max(1, many), remaining >> 1);
  }
}

/** The set without some groups, chosen one after the other; undefined: there is none that is worth a try. */
function without(search: Search, set: Operators, count: number): Operators | undefined {
  if (count === 1) {
    const [next] = byChance(search, smaller(search, set));
    return next === undefined || next.chance < WORTH_PRUNING ? undefined : next.set;
  }

  let current = set;
  for (let i = 0; i < count; i++) {
    const [best] = predicted(search, smaller(search, current)).sort((a, b) => b.chance - a.chance);
    if (best === undefined) return undefined;
    current = best.set;
  }

  return wasAssessed(search, current) ? undefined : current;
}

/** Every set with one group less; without any it is the state that missed the target at first. */
function smaller({ problem: { groups } }: Search, set: Operators): Operators[] {
  return groups
    .filter(([first]) => set.has(first!))
    .map((group) => new Set([...set].filter((name) => !group.includes(name))))
    .filter(({ size }) => size > 0);
}
