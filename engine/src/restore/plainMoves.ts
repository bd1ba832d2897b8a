import { meetsTarget } from '@quantsmith/schemas';
import { screenRest } from './screenGroups.js';
import { assess, isLate, isMet, mostGroups, union, type Candidate, type Search } from './searchState.js';

/** So many candidates are tried alone: one group in float is the least that there can be. */
const SINGLES = 8;

/**
 * The search where nothing can be predicted: try the first candidates alone, double the number of groups in float until the
 * target is met, halve between the last two numbers, make integer again what turns out unneeded. Returns the candidates
 * in the order that was followed.
 */
export async function searchPlainly(
  search: Search,
  screened: readonly Candidate[],
): Promise<readonly Candidate[]> {
  const ranked = await trySingles(search, screened);
  const followed = isMet(search) ? ranked : await growPrefix(search, ranked);
  if (isMet(search)) await prune(search, followed);
  return followed;
}

async function trySingles(search: Search, screened: readonly Candidate[]): Promise<Candidate[]> {
  const tried: Candidate[] = [];
  for (const candidate of screened.slice(0, SINGLES)) {
    if (isMet(search) || isLate(search)) break;
    const { drop } = await assess(search, new Set(candidate.operators));
    tried.push({ ...candidate, dropAlone: drop });
  }

  return [...tried.sort((a, b) => a.dropAlone! - b.dropAlone!), ...screened.slice(tried.length)];
}

/**
 * Doubles the number of groups in float until the target is met, then halves between the last two numbers. Returns the
 * candidates in the order that was followed.
 */
async function growPrefix(search: Search, ranked: readonly Candidate[]): Promise<readonly Candidate[]> {
  const maxGroups = mostGroups(search.problem);
  let order = ranked;
  const prefix = (count: number) => union(order.slice(0, count).map(({ operators }) => operators));
  let missed = 1;
  let satisfied: number | null = null;
  let count = Math.min(2, maxGroups);
  while (satisfied === null && count > missed && !isLate(search)) {
    if (
      order.slice(0, count).some(({ outputError, dropAlone }) => outputError === null && dropAlone === null)
    )
      order = await screenRest(search, order);
    await assess(search, prefix(count));
    if (isMet(search)) satisfied = count;
    else missed = count;
    count = Math.min(2 * count, maxGroups);
  }

  while (satisfied !== null && satisfied - missed > 1 && !isLate(search)) {
    const middle: number = (satisfied + missed) >> 1;
    const { drop, exact } = await assess(search, prefix(middle));
    if (exact && meetsTarget(drop, search.problem.maxDrop)) satisfied = middle;
    else missed = middle;
  }

  return order;
}

/** So many groups in a row that turn out needed end the search for those that are not. */
const MAX_NEEDED = 16;
/** So few are tried one by one at once. */
const FEW = 8;

/**
 * Makes groups integer again, the least promising first, while the target stays met: half of them at once, half as many
 * where that is too much, twice as many where it is not.
 */
async function prune(search: Search, ranked: readonly Candidate[]): Promise<void> {
  const isFloat = ({ operators }: Candidate) => operators.every((name) => search.best.reverted.has(name));
  let remaining = [...ranked].reverse().filter(isFloat);
  let many = remaining.length > FEW ? remaining.length >> 1 : 1;
  let needed = 0;
  while (remaining.length > 0 && needed < MAX_NEEDED && !isLate(search)) {
    const some = remaining.slice(0, Math.max(1, many));
    const dropped = union(some.map(({ operators }) => operators));
    const fewer = new Set([...search.best.reverted].filter((name) => !dropped.has(name)));
    // Without any it is the state that missed the target at first.
    if (fewer.size > 0) await assess(search, fewer);
    if (search.best.reverted === fewer) {
      [remaining, needed] = [remaining.slice(some.length), 0];
      many = remaining.length > FEW ? Math.min(2 * some.length, remaining.length) : 1;
    } else if (some.length > 1) {
      many = some.length >> 1;
    } else {
      [remaining, needed] = [remaining.slice(1), needed + 1];
    }
  }
}
