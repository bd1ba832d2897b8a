import { append } from '@quantsmith/schemas';
import { isLate, union, type Candidate, type Screening, type Search } from './searchState.js';

/** Up to so many groups are screened one by one; of more, blocks of neighbours first. */
const SCREENED_ALONE = 32;
/** The share of all groups that are screened one by one behind the blocks. */
const PROMISING = 1 / 3;

type Group = readonly string[];

/** A candidate with what is known of the block that it is in. */
interface Screened {
  readonly group: Group;
  readonly alone: Screening | null;
  readonly block: Screening;
}

/** Hears of groups that were just screened alone; true: the others need not be. */
type IsEnough = (groups: readonly Group[]) => Promise<boolean>;

/** The groups in the order of what they promise. */
export async function screenGroups(search: Search, isEnough: IsEnough): Promise<Candidate[]> {
  const { groups } = search.problem;
  if (groups.length <= SCREENED_ALONE) {
    const screened = await screenAlone(search, groups, isEnough);

    return inOrder(groups.map((group, i) => ({ group, alone: screened[i]!, block: screened[i]! })));
  }

  const size = Math.ceil(Math.sqrt(groups.length));
  const blocks = Array.from({ length: Math.ceil(groups.length / size) }, (_, i) =>
    groups.slice(i * size, (i + 1) * size),
  );

  const screenings = await screenAll(search, blocks);
  // The sort is stable: of equals the earlier operator comes first.
  const ordered = blocks
    .map((block, i) => ({ block, screening: screenings[i]! }))
    .sort((a, b) => byScreening(a.screening, b.screening))
    .flatMap(({ block, screening }) => block.map((group) => ({ group, block: screening })));

  const promising = ordered.slice(0, Math.ceil(groups.length * PROMISING));
  const alone = await screenAlone(
    search,
    promising.map(({ group }) => group),
    isEnough,
  );

  return inOrder(ordered.map((group, i) => ({ ...group, alone: alone[i] ?? null })));
}

/** Screens alone what was not yet; behind the candidates whose drop is known the others are in order. */
export async function screenRest(search: Search, candidates: readonly Candidate[]): Promise<Candidate[]> {
  const isKnown = ({ outputError, dropAlone }: Candidate) => outputError !== null || dropAlone !== null;
  const unknown = candidates.filter((candidate) => !isKnown(candidate));
  const results = await screenAll(
    search,
    unknown.map(({ operators }) => [operators]),
  );

  const screened = unknown.map(({ operators }, i) => candidateOf(operators, results[i]!));
  const measured = candidates.filter(({ dropAlone }) => dropAlone !== null);
  const others = candidates.filter((candidate) => isKnown(candidate) && candidate.dropAlone === null);

  return [...measured, ...[...others, ...screened].sort(byPromise)];
}

const screenAlone = (search: Search, groups: readonly Group[], isEnough: IsEnough) =>
  screenAll(
    search,
    groups.map((group) => [group]),
    (sets) => isEnough(sets.flat()),
  );

/** Some states side by side; what there is no time or no need for is expected to be of no use. */
async function screenAll(
  search: Search,
  sets: readonly (readonly Group[])[],
  isEnough: (sets: readonly (readonly Group[])[]) => Promise<boolean> = () => Promise.resolve(false),
): Promise<Screening[]> {
  const { problem } = search;
  const screenings: Screening[] = [];
  let enough = false;
  while (screenings.length < sets.length) {
    const some = sets.slice(screenings.length, screenings.length + problem.width);
    if (enough || isLate(search))
      append(
        screenings,
        some.map(() => NOTHING),
      );
    else {
      append(screenings, await Promise.all(some.map((set) => problem.screen(union(set)))));
      enough = await isEnough(some);
    }

    problem.onProgress(screenings.length, 'searching for the operators that matter');
  }

  return screenings;
}

function inOrder(screened: readonly Screened[]): Candidate[] {
  const order = (a: Screened, b: Screened) =>
    byScreening(a.alone ?? NOTHING, b.alone ?? NOTHING) || byScreening(a.block, b.block);

  return [...screened].sort(order).map(({ group, alone }) => candidateOf(group, alone ?? NOTHING));
}

const NOTHING: Screening = { error: null, drop: null };
const candidateOf = (operators: Group, { error, drop }: Screening): Candidate => ({
  operators,
  outputError: error,
  dropAlone: drop,
});

const byScreening = (a: Screening, b: Screening) =>
  valueOf(a.drop) - valueOf(b.drop) || valueOf(a.error) - valueOf(b.error);

export const byPromise = (a: Candidate, b: Candidate) =>
  valueOf(a.dropAlone) - valueOf(b.dropAlone) || valueOf(a.outputError) - valueOf(b.outputError);
/** What was not looked at comes last (the difference of infinities would be no number). */
const valueOf = (value: number | null) => value ?? Number.MAX_VALUE;
