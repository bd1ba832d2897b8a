/** A state that restoration validated: which operators were in float, and the drop of that model. */
export interface ValidatedState {
  readonly reverted: readonly string[];
  readonly drop: number;
}

/** What one operator saves by being in float. */
export interface Contribution {
  readonly name: string;
  /** Drops of two models that differ in this operator only. */
  readonly dropWith: number;
  readonly dropWithout: number;
}

/**
 * What the operators of the final model save, as far as the validated states tell: two of them that differ in one
 * operator only. Of several pairs the one of the final model counts, then the one with most in float, since that is
 * nearest to it. The largest saving comes first.
 */
export function contributions(final: readonly string[], states: readonly ValidatedState[]): Contribution[] {
  const finalSet = new Set(final);
  const isFinal = ({ reverted }: ValidatedState) =>
    reverted.length === finalSet.size && reverted.every((name) => finalSet.has(name));
  const best = new Map<string, Contribution & { readonly rank: number }>();
  for (const smaller of states) {
    const names = new Set(smaller.reverted);
    for (const larger of states) {
      const name = onlyAddition(names, larger.reverted);
      if (name === null || !finalSet.has(name)) continue;
      const rank = isFinal(larger) ? Number.POSITIVE_INFINITY : larger.reverted.length;
      if (rank <= (best.get(name)?.rank ?? -1)) continue;
      best.set(name, { name, dropWith: larger.drop, dropWithout: smaller.drop, rank });
    }
  }
  const saving = ({ dropWith, dropWithout }: Contribution) => dropWithout - dropWith;
  return [...best.values()]
    .map(({ name, dropWith, dropWithout }) => ({ name, dropWith, dropWithout }))
    .sort((a, b) => saving(b) - saving(a));
}

/** The one name that a larger set has beyond a smaller one; null where they differ otherwise. */
function onlyAddition(smaller: ReadonlySet<string>, larger: readonly string[]): string | null {
  if (larger.length !== smaller.size + 1) return null;
  let added: string | null = null;
  for (const name of larger) {
    if (smaller.has(name)) continue;
    if (added !== null) return null;
    added = name;
  }
  return added;
}
