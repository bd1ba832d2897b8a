import { plainWord, wordsOf, type Words } from '../facts/modelIndex.js';

/** How many letters two words begin and end with in common: for names of layers most of them. */
function commonEnds(word: string, other: string): number {
  const shorter = Math.min(word.length, other.length);
  let start = 0;
  while (start < shorter && word.charCodeAt(start) === other.charCodeAt(start)) start++;
  let tail = 0;
  const [left, right] = [word.length - 1, other.length - 1];
  while (tail < shorter - start && word.charCodeAt(left - tail) === other.charCodeAt(right - tail)) tail++;

  return start + tail;
}

/**
 * How many changes of letters lead from a word to others; two neighbours that changed places are one change (optimal string
 * alignment). Infinity: more than `most`, which is found out without counting them.
 */
function typingDistances(word: string): (candidate: string, max: number) => number {
  // Three rows of the table of distances between beginnings, used again for each candidate.
  let rows = [0, 1, 2].map(() => new Array<number>(word.length + 1).fill(0));

  return (candidate, max) => {
    // What both begin and end with costs nothing, and is most of the names of layers.
    const shorter = Math.min(word.length, candidate.length);
    let start = 0;
    while (start < shorter && word.charCodeAt(start) === candidate.charCodeAt(start)) start++;
    let [width, height] = [word.length, candidate.length];
    while (
      width > start &&
      height > start &&
      word.charCodeAt(width - 1) === candidate.charCodeAt(height - 1)
    ) {
      width--;
      height--;
    }

    width -= start;
    height -= start;
    if (Math.abs(width - height) > max) return Infinity;
    if (width === 0 || height === 0) return Math.max(width, height);

    for (let column = 0; column <= width; column++) rows[1]![column] = column;
    for (let row = 1; row <= height; row++) {
      const [before, above, current] = rows as [number[], number[], number[]];
      const letter = candidate.charCodeAt(start + row - 1);
      const letterBefore = candidate.charCodeAt(start + row - 2);
      let least = (current[0] = row);
      for (let column = 1; column <= width; column++) {
        const ownLetter = word.charCodeAt(start + column - 1);
        const replaced = above[column - 1]! + (ownLetter === letter ? 0 : 1);
        let cost = Math.min(above[column]! + 1, current[column - 1]! + 1, replaced);
        const isSwapped =
          row > 1 &&
          column > 1 &&
          ownLetter === letterBefore &&
          word.charCodeAt(start + column - 2) === letter;
        if (isSwapped) cost = Math.min(cost, before[column - 2]! + 1);
        current[column] = cost;
        least = Math.min(least, cost);
      }

      if (least > max) return Infinity;
      rows = [above, current, before];
    }

    return rows[1]![width]!;
  };
}

/** Candidates that are compared letter by letter; of more, those that share most at their ends. */
const MAX_ALIGNED = 500;

/** The number that has a place among whole numbers in their order. */
function smallestTo(numbers: readonly number[], place: number): number {
  const counts: number[] = [];
  for (const number of numbers) counts[number] = (counts[number] ?? 0) + 1;
  let before = 0;
  for (let number = 0; number < counts.length; number++) {
    before += counts[number] ?? 0;
    if (before > place) return number;
  }

  return Infinity;
}

/** The places of the words that share most with one at their ends, the likest first: others need not be compared to their end then. */
function mostAlike(word: string, others: readonly string[]): readonly number[] {
  if (others.length <= MAX_ALIGNED) return [...others.keys()];

  const apart = others.map((other) => Math.max(word.length, other.length) - commonEnds(word, other));
  const limit = smallestTo(apart, MAX_ALIGNED);

  const alike: number[] = [];
  for (const [index, distance] of apart.entries())
    if (distance < limit || (distance === limit && index < MAX_ALIGNED)) alike.push(index);

  return alike.sort((a, b) => (apart[a] ?? 0) - (apart[b] ?? 0));
}

/**
 * The candidates that a misspelling may mean, nearest first: at most a third of the letters differ. Where only the case,
 * dashes or spaces do, it is that one.
 */
export function nearest(written: string, candidates: readonly string[], count = 3): string[] {
  return nearestOf(written, wordsOf(candidates), count);
}

/** The same among words that are compared again and again. */
export function nearestOf(written: string, words: Words, count = 3): string[] {
  const { written: candidates, plain: others } = words;
  const word = plainWord(written);
  const same = candidates.filter((_, index) => others[index] === word);
  if (same.length === 1) return same;

  const distanceTo = typingDistances(word);
  const ranked: { readonly candidate: string; readonly cost: number }[] = [];
  for (const index of mostAlike(word, others)) {
    const candidate = candidates[index]!;
    const third = Math.max(1, Math.floor(Math.max(word.length, candidate.length) / 3));
    // What is further than as many as are wanted is not among them.
    const max = Math.min(third, ranked[count - 1]?.cost ?? Infinity);
    const cost = distanceTo(others[index]!, max);
    const last = ranked[count - 1];
    if (cost > max || (cost === last?.cost && candidate > last.candidate)) continue;
    ranked.push({ candidate, cost });
    ranked.sort((a, b) => a.cost - b.cost || (a.candidate < b.candidate ? -1 : 1));
    ranked.length = Math.min(ranked.length, count);
  }

  return ranked.map(({ candidate }) => candidate);
}
