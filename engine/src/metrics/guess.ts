import { upperTail } from './chance.js';

/** What a model reaches that only guesses, and whether one may have done so. */
export interface Guess {
  /** The metric's value where answers are guessed. */
  readonly value: number;
  /** Probability that guessing does as well as the model did. */
  readonly chance: number;
  /** How far the model has come from there: 0 at guessing, 1 where everything is right. */
  readonly reached: number;
  /** What is guessed among, for messages. */
  readonly among?: string;
}

/** Samples below which nothing can be told from guessing. */
const MIN_SAMPLES = 20;

export const tooFewToTell = (samples: number): boolean => samples < MIN_SAMPLES;

/** So many right answers where each is one of `classes`, of which `tries` may be named; null: not known, or too few samples. */
export function guessAmongClasses(
  right: number,
  count: number,
  classes: number | null,
  tries = 1,
): Guess | null {
  if (classes === null || classes < 2 || tooFewToTell(count)) return null;
  const value = Math.min(1, tries / classes);
  if (value === 1) return null;
  return {
    value,
    chance: upperTail(right, count, value),
    reached: (right / count - value) / (1 - value),
    among: `${classes} classes`,
  };
}

/**
 * Where each sample's guess is known: `better` and `worse` count the samples on which the model did better and worse than it. A
 * sign test; of few samples with many `units` (tokens, words) only what is no better than guessing at all. null: too few of both.
 */
export function guessBySample(
  { better, worse, units = 0 }: { better: number; worse: number; units?: number },
  facts: Pick<Guess, 'value' | 'reached'>,
): Guess | null {
  if (!tooFewToTell(better + worse)) return { ...facts, chance: upperTail(better, better + worse, 0.5) };
  return tooFewToTell(units) ? null : { ...facts, chance: facts.reached <= 0 ? 1 : 0 };
}

/** What of a whole is only reached by chance: a value of nothing at all. */
export function guessNothing(value: number, count: number): Guess | null {
  if (tooFewToTell(count)) return null;
  return { value: 0, chance: value <= NOTHING ? 1 : 0, reached: value };
}

/** Boxes that overlap by accident reach about so much. */
const NOTHING = 0.001;
