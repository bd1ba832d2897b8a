import type { Words } from '../facts/modelIndex.js';
import { nearestOf } from './nearest.js';

/** What was found out of the long lists of a text, kept for its next version: with a key that is typed, little of them changes. */
export interface ListMemory {
  /** The places of the texts that are not among those that are known. `list`: what the work is kept under. */
  readonly strangers: (
    list: string,
    texts: readonly string[],
    known: ReadonlySet<string>,
  ) => readonly number[];
  /** Whether a text stands in a list twice. */
  readonly hasDouble: (list: string, texts: readonly string[]) => boolean;
  /** The words that a text of a list may mean, the nearest first: found out once, not again at each key typed elsewhere. */
  readonly nearest: (list: string, text: string, words: Words) => readonly string[];
}

interface Judged {
  readonly texts: readonly string[];
  readonly known: ReadonlySet<string>;
  readonly places: readonly number[];
}

interface Counted {
  texts: readonly string[];
  /** How often each text occurs, and how many occur more than once. */
  readonly counts: Map<string, number>;
  doubled: number;
}

interface Compared {
  readonly words: Words;
  readonly suggested: Map<string, readonly string[]>;
}

/** Texts of a list whose nearest words are kept: with more of them, all are found out again. */
const MAX_SUGGESTED = 200;

export function createListMemory(): ListMemory {
  const judged = new Map<string, Judged>();
  const counted = new Map<string, Counted>();
  const compared = new Map<string, Compared>();

  return {
    strangers(list, texts, known) {
      const before = judged.get(list);
      const kept = before?.known === known ? before : { texts: [], places: [] };
      const places = strangersAmong(texts, known, kept);
      judged.set(list, { texts, known, places });
      return places;
    },
    hasDouble(list, texts) {
      const kept = counted.get(list) ?? { texts: [], counts: new Map<string, number>(), doubled: 0 };
      count(kept, texts);
      counted.set(list, kept);
      return kept.doubled > 0;
    },
    nearest(list, text, words) {
      const before = compared.get(list);
      const isUsable = before?.words === words && before.suggested.size < MAX_SUGGESTED;
      const suggested = isUsable ? before.suggested : new Map<string, readonly string[]>();
      const near = suggested.get(text) ?? nearestOf(text, words);
      suggested.set(text, near);
      compared.set(list, { words, suggested });
      return near;
    },
  };
}

function strangersAmong(
  texts: readonly string[],
  known: ReadonlySet<string>,
  before: Pick<Judged, 'texts' | 'places'>,
): number[] {
  const { start, endBefore, end } = difference(before.texts, texts);
  const places = before.places.filter((place) => place < start);
  for (const [offset, text] of texts.slice(start, end).entries())
    if (!known.has(text)) places.push(start + offset);
  for (const place of before.places) if (place >= endBefore) places.push(place + end - endBefore);
  return places;
}

function count(kept: Counted, texts: readonly string[]): void {
  const { counts, texts: before } = kept;
  const { start, endBefore, end } = difference(before, texts);
  for (const text of before.slice(start, endBefore)) {
    const left = (counts.get(text) ?? 1) - 1;
    if (left === 0) counts.delete(text);
    else counts.set(text, left);
    if (left === 1) kept.doubled--;
  }

  for (const text of texts.slice(start, end)) {
    const now = (counts.get(text) ?? 0) + 1;
    counts.set(text, now);
    if (now === 2) kept.doubled++;
  }

  kept.texts = texts;
}

/** From where to where two lists differ: before it they are the same, and behind it. */
function difference(before: readonly string[], after: readonly string[]) {
  let start = 0;
  const shorter = Math.min(before.length, after.length);
  while (start < shorter && before[start] === after[start]) start++;
  let [endBefore, end] = [before.length, after.length];
  while (endBefore > start && end > start && before[endBefore - 1] === after[end - 1]) {
    endBefore--;
    end--;
  }

  return { start, endBefore, end };
}
