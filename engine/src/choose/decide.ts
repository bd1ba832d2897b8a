import { largest, smallest } from '@quantsmith/schemas';
import type { OutputScore } from './outputNoise.js';

/** How much worse than the best candidate for it an output may become, in dB. */
const TOLERATED_DB = 1;
/** An output that no candidate brings above this is lost with all of them: it decides nothing. */
const LOST_DB = 3;
/** Above this nothing is told apart that anybody sees. */
const CLEAR_DB = 60;

/**
 * The candidate to take, by its index. One that makes an output more than `margin` (at least `TOLERATED_DB`) worse than another
 * candidate would is out, unless every one does: then the one that loses least stays. Of the others a later one replaces an
 * earlier one, and so the documented default, which comes first, if it is better by `margin` in the mean over the outputs, and
 * better in both halves of the samples. Ratios above `enough` count as equal. null: no candidate; 0 where there is none.
 */
export function bestOf(
  scores: readonly (OutputScore | null)[],
  margin: number,
  enough: number = CLEAR_DB,
): number {
  const candidates = scores.flatMap((score, index) => (score === null ? [] : [{ index, score }]));
  const telling = tellingOutputs(candidates.map(({ score }) => score));
  const meanOf = (ratios: readonly number[]) =>
    telling.reduce((sum, i) => sum + Math.min(ratios[i]!, enough), 0) / telling.length;
  const valued = candidates.map(({ index, score: { outputs, halves } }) => ({
    index,
    outputs: telling.map((output) => Math.min(outputs[output]!, enough)),
    mean: meanOf(outputs),
    halves: halves.map((half) => meanOf(half)),
  }));

  const best = telling.map((_, i) => largest(valued.map(({ outputs }) => outputs[i]!)));
  const lossOf = ({ outputs }: (typeof valued)[number]) =>
    largest(outputs.map((ratio, i) => best[i]! - ratio));
  const limit = Math.max(margin, TOLERATED_DB, smallest(valued.map(lossOf)));
  const [first, ...others] = valued.filter((alternative) => lossOf(alternative) <= limit);
  if (first === undefined) return 0;

  return others.reduce((taken, other) => {
    const inBoth = other.halves.every((half, i) => half > taken.halves[i]!);
    return inBoth && other.mean > taken.mean + margin ? other : taken;
  }, first).index;
}

/** Whether the scores say nothing of the candidates: all outputs are lost with each, or untouched with each. */
export function tellsNothing(scores: readonly (OutputScore | null)[]): boolean {
  const outputs = scores.flatMap((score) => score?.outputs ?? []);
  return outputs.every((ratio) => ratio < LOST_DB) || outputs.every((ratio) => ratio >= CLEAR_DB);
}

/** The outputs, by their indices, that some candidate saves; all where there is none. */
function tellingOutputs(scores: readonly OutputScore[]): number[] {
  const all = (scores[0]?.outputs ?? []).map((_, output) => output);
  const saved = all.filter((output) => scores.some(({ outputs }) => outputs[output]! >= LOST_DB));
  return saved.length > 0 ? saved : all;
}
