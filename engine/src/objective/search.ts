import { meetsTarget, type QuantizationChange } from '@quantsmith/schemas';
import type { Evaluation } from '../metrics/evaluate.js';

/** A model that was measured on all validation samples. */
export interface Point<Made> {
  /** What of the settings it changes. */
  readonly change: QuantizationChange;
  readonly made: Made;
  /** Operators that went back to float. */
  readonly reverted: ReadonlySet<string>;
  readonly evaluation: Evaluation;
  readonly drop: number;
  readonly bytes: number;
}

/** A change that can be made, with what a few samples tell of it. */
export interface Candidate<Made> {
  readonly change: QuantizationChange;
  readonly made: Made;
  /** Before anything goes back to float. */
  readonly bytes: number;
  /** SQNR of the outputs in dB on a few samples; null: not measured. */
  readonly sqnr: number | null;
}

/** What a search asks of the engine. */
export interface ObjectiveProblem<Made> {
  readonly minimize: 'latency' | 'size';
  /** The largest drop that is allowed. */
  readonly maxDrop: number;
  /** The model that the settings and restoration give without a search. */
  readonly start: Point<Made>;
  readonly candidates: readonly Candidate<Made>[];
  /** Whether no time is left. */
  readonly isLate: () => boolean;
  readonly measure: (candidate: Pick<Point<Made>, 'change' | 'made' | 'reverted'>) => Promise<Point<Made>>;
  /** Puts operators back to float until the drop is allowed, as far as that goes. */
  readonly restore: (candidate: Candidate<Made>) => Promise<Point<Made>>;
  /** Whether the second model is faster than the first by more than chance and noise; run in turn. */
  readonly isFaster: (first: Model<Made>, second: Model<Made>) => Promise<boolean>;
  /** Sets of operators whose move between float and integers may serve, the most promising first: as what is in float after it. */
  readonly moves: (point: Point<Made>) => Promise<readonly ReadonlySet<string>[]>;
  readonly bytes: (model: Model<Made>) => number;
}

export type Model<Made> = Pick<Point<Made>, 'made' | 'reverted'>;

export interface ObjectiveResult<Made> {
  readonly best: Point<Made>;
  /** Everything that was measured on all samples, in that order. */
  readonly seen: readonly Point<Made>[];
  /** Whether the time limit ended the search. */
  readonly timeLimited: boolean;
}

/** Candidates that are measured on all samples, and moves of operators that are tried. */
const MAX_TRIED = 8;
const MAX_MOVES = 12;

/**
 * The smallest or fastest model whose drop is allowed. Candidates are taken from the cheapest up; one that costs no less than the
 * best so far is passed over, since restoration only adds to the cost. Then single operators are moved between float and
 * integers while the drop stays allowed. Never returns a model that misses the constraint where one was seen that meets it;
 * where none does, the one with the smallest drop.
 */
export async function searchObjective<Made>(problem: ObjectiveProblem<Made>): Promise<ObjectiveResult<Made>> {
  const { start, maxDrop } = problem;
  const seen: Point<Made>[] = [start];
  const isMet = ({ drop }: Point<Made>) => meetsTarget(drop, maxDrop);
  let best = start;
  let timeLimited = false;
  const isOver = () => (timeLimited ||= problem.isLate());
  const isCheaper = async (model: Model<Made>, bytes: number) =>
    problem.minimize === 'size' ? bytes < best.bytes : problem.isFaster(best, model);
  const consider = async (point: Point<Made>, known: boolean) => {
    seen.push(point);
    if (!isMet(point)) {
      if (!isMet(best) && point.drop < best.drop) best = point;
      return;
    }

    if (!isMet(best) || known || (await isCheaper(point, point.bytes))) best = point;
  };

  for (const candidate of inOrder(problem)) {
    if (isOver()) break;
    const model = { made: candidate.made, reverted: new Set<string>() };
    if (isMet(best) && !(await isCheaper(model, candidate.bytes))) continue;
    const point = await problem.measure({ ...model, change: candidate.change });
    await consider(point, isMet(best));
    if (isMet(point) || isOver()) continue;
    await consider(await problem.restore(candidate), false);
  }

  for (let tried = 0, isMoved = true; isMoved && isMet(best) && tried < MAX_MOVES;) {
    isMoved = false;
    for (const reverted of await problem.moves(best)) {
      if (tried++ >= MAX_MOVES || isOver()) break;
      const model = { made: best.made, reverted };
      if (!(await isCheaper(model, problem.bytes(model)))) continue;
      const point = await problem.measure({ ...model, change: best.change });
      await consider(point, true);
      isMoved = best === point;
      if (isMoved) break;
    }
  }

  return { best, seen, timeLimited };
}

/** The candidates with the best outputs, the cheapest first as far as bytes tell; of equal ones the best outputs first. */
function inOrder<Made>({ candidates, minimize }: ObjectiveProblem<Made>): Candidate<Made>[] {
  const quality = ({ sqnr }: Candidate<Made>) => sqnr ?? -Infinity;
  const promising = [...candidates].sort((a, b) => quality(b) - quality(a)).slice(0, MAX_TRIED);

  return minimize === 'size' ? promising.sort((a, b) => a.bytes - b.bytes) : promising;
}
