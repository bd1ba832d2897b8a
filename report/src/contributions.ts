/** A state that restoration validated: which operators were in float, and the drop of that model. */
export interface ValidatedState {
  readonly reverted: readonly string[];
  readonly drop: number;
}

/** What a group of operators saves by being in float. */
export interface Contribution {
  readonly operators: readonly string[];
  /** Drops of two models that differ in this group only. */
  readonly dropWith: number;
  readonly dropWithout: number;
}

/**
 * What the operators of the final model save, as far as the validated states tell: two of them that differ in one group
 * only. Operators of a group go back to float together; those that `groups` leaves out stand alone. Of several pairs the
 * one of the final model counts, then the one with most in float, since that is nearest to it. The largest saving comes
 * first.
 */
export function contributions(
  final: readonly string[],
  states: readonly ValidatedState[],
  groups: readonly (readonly string[])[] = [],
): Contribution[] {
  const finalSet = new Set(final);
  const leader = new Map(groups.flatMap((group) => group.map((name) => [name, group[0]!] as const)));
  const leaderOf = (name: string) => leader.get(name) ?? name;
  const isFinal = ({ reverted }: ValidatedState) =>
    reverted.length === finalSet.size && reverted.every((name) => finalSet.has(name));

  const best = new Map<string, Contribution & { readonly rank: number }>();
  for (const smaller of states) {
    const names = new Set(smaller.reverted);
    for (const larger of states) {
      const operators = addedGroup(names, larger.reverted, leaderOf);
      if (operators === null || !operators.every((name) => finalSet.has(name))) continue;
      const key = leaderOf(operators[0]!);
      const rank = isFinal(larger) ? Number.POSITIVE_INFINITY : larger.reverted.length;
      if (rank <= (best.get(key)?.rank ?? -1)) continue;
      best.set(key, { operators, dropWith: larger.drop, dropWithout: smaller.drop, rank });
    }
  }

  const saving = ({ dropWith, dropWithout }: Contribution) => dropWithout - dropWith;

  return [...best.values()]
    .map(({ operators, dropWith, dropWithout }) => ({ operators, dropWith, dropWithout }))
    .sort((a, b) => saving(b) - saving(a));
}

/** The one group that a larger set has beyond a smaller one; null where they differ otherwise. */
function addedGroup(
  smaller: ReadonlySet<string>,
  larger: readonly string[],
  leaderOf: (name: string) => string,
): string[] | null {
  if (larger.length <= smaller.size) return null;
  const added: string[] = [];
  for (const name of larger) {
    if (smaller.has(name)) continue;
    if (added.length > 0 && leaderOf(name) !== leaderOf(added[0]!)) return null;
    added.push(name);
  }

  // As many more as were added: nothing of the smaller set is missing.
  return larger.length === smaller.size + added.length ? added : null;
}
