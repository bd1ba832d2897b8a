import { smallest } from '@quantsmith/schemas';
import { distance } from 'fastest-levenshtein';

/** Letters to change; two neighbours that changed places are one change. */
function typingDistance(written: string, candidate: string): number {
  const plain = distance(written, candidate);
  if (plain < 2) return plain;
  const swapped = Array.from({ length: Math.max(0, written.length - 1) }, (_, index) => {
    const [first = '', second = ''] = [written[index], written[index + 1]];
    return `${written.slice(0, index)}${second}${first}${written.slice(index + 2)}`;
  });

  return Math.min(plain, smallest(swapped.map((word) => 1 + distance(word, candidate))));
}

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
      const cost = Math.abs(word.length - other.length) > most ? Infinity : typingDistance(word, other);
      return cost <= most ? [{ candidate, cost }] : [];
    })
    .sort((a, b) => a.cost - b.cost || (a.candidate < b.candidate ? -1 : 1))
    .slice(0, count)
    .map(({ candidate }) => candidate);
}
