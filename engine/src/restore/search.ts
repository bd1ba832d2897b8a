import { searchPredicted, tryLikely } from './predictedMoves.js';
import { searchPlainly } from './plainMoves.js';
import { screenGroups } from './screenGroups.js';
import { setKey } from './setKey.js';
import {
  beginTries,
  isFinishing,
  isLate,
  isMet,
  keep,
  type Candidate,
  startSearch,
  type RestoreProblem,
  type RestoreResult,
  type Search,
} from './searchState.js';

export type {
  Assessment,
  Candidate,
  RestoreProblem,
  RestoreResult,
  RestoreStep,
  Screening,
} from './searchState.js';

/**
 * Restores accuracy with few groups in float: orders the groups by what each does on a few samples, then looks for the
 * smallest set that is enough; one group that is ends the ordering. The result is the best validated state, never merely the last.
 */
export async function restoreBySearch(problem: RestoreProblem): Promise<RestoreResult> {
  const search = startSearch(problem);
  const screened = await screenGroups(search, (groups) => tryLikely(search, groups));
  beginTries(search);
  const predicts = screened.some(({ operators }) => problem.predict(new Set(operators)) !== null);
  const candidates = await (predicts ? searchPredicted : searchPlainly)(search, screened);
  if (!isMet(search)) await validateBest(search, candidates);
  const { best, steps } = search;

  return { steps, candidates: candidates.map(measuredIn(search)), ...best, stopReason: stopReason(search) };
}

/** A candidate whose drop alone is the one that was measured on all samples, where it was; what was expected before is over then. */
const measuredIn =
  ({ steps }: Search) =>
  (candidate: Candidate): Candidate => {
    const operators = setKey(candidate.operators);
    const step = steps.find(({ reverted }) => setKey(reverted) === operators);
    return step === undefined ? candidate : { ...candidate, dropAlone: step.drop };
  };

/**
 * Where the target was missed, the best predicted state may still be better than the validated ones. Where a limit left time for
 * nothing else, the first candidate is validated: no search ends without having tried anything.
 */
async function validateBest(search: Search, [first]: readonly Candidate[]): Promise<void> {
  const { predicted, best, problem, steps } = search;
  const worth = predicted !== null && predicted.drop < best.drop ? predicted.reverted : null;
  const chosen = worth ?? (steps.length === 0 && first !== undefined ? new Set(first.operators) : null);
  if (chosen !== null) keep(search, { reverted: chosen, ...(await problem.validate(chosen)) });
}

function stopReason(search: Search): string {
  const { best, problem } = search;
  const count = best.reverted.size;
  if (isMet(search))
    return `The target was met with ${count} operator${count === 1 ? '' : 's'} back in float.`;
  if (isFinishing(search)) return 'Stopped on request; this is the best model so far.';
  if (isLate(search)) return 'The time limit was reached; this is the best model so far.';
  const { maxIterations, groups } = problem;
  if (maxIterations !== null && maxIterations < groups.length)
    return `The limit of ${maxIterations} iteration${maxIterations === 1 ? '' : 's'} was reached; this is the best model so far.`;

  return 'All operators were tried and the target was not reached; this is the best model found.';
}
