import { distance } from 'fastest-levenshtein';

/**
 * The candidates that a misspelling may mean, nearest first: at most a third of the letters differ. Where only the case,
 * dashes or spaces do, it is that one.
 */
export function nearest(written: string, candidates: readonly string[], count = 3): string[] {
  const plain = (text: string) => text.toLowerCase().replace(/[-_ ]/g, '');
  const word = plain(written);
  const same = candidates.filter((candidate) => plain(candidate) === word);
  if (same.length === 1) return same;
  return candidates
    .flatMap((candidate) => {
      const most = Math.max(1, Math.floor(Math.max(word.length, candidate.length) / 3));
      const other = plain(candidate);
      // A distance is at least the difference in length, and dear to compute.
      const cost = Math.abs(word.length - other.length) > most ? Infinity : distance(word, other);
      return cost <= most ? [{ candidate, cost }] : [];
    })
    .sort((a, b) => a.cost - b.cost || (a.candidate < b.candidate ? -1 : 1))
    .slice(0, count)
    .map(({ candidate }) => candidate);
}
