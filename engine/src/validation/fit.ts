import { largest, type ConfigPath, type Problem } from '@quantsmith/schemas';
import type { Answer } from '../metrics/metric.js';
import type { PreparedModel } from '../prepare/prepare.js';
import type { Workers } from '../runtime/workers.js';
import { evaluate } from '../metrics/evaluate.js';
import { spreadIndices } from '../data/spread.js';
import type { SampleSource } from '../data/types.js';
import { upperTail } from '../metrics/chance.js';
import { changed, FORMS_OF_BAD_ANSWERS, OTHER_FORMS, type OtherForm } from './imageForms.js';
import { BAD, classesOf } from './plausibility.js';
import type { Baseline, Validation } from './validation.js';

/** Samples that another preprocessing is tried on; it is given up after the first of them where it promises nothing. */
const SAMPLES = { first: 24, all: 96 } as const;
/** Chance that one of two equally good alternatives wins so clearly. */
const MAX_CHANCE = 0.001;

/**
 * What is to be said where the float model's answers fit the labels better in another way than the config's: with labels that
 * are counted from another number, or with images in another form: channels in the opposite order, light and dark or rows and
 * columns exchanged; where most answers are wrong also upside down, or of another scale. A paired sign test at p < 0.001 decides.
 */
export async function fitProblems(
  validation: Validation,
  baseline: Baseline,
  prepared: PreparedModel,
  workers: Workers,
): Promise<Problem[]> {
  const { metric } = validation;
  if (metric.answer === undefined) return [];
  const answers = baseline.states.map((state) => metric.answer!(state));
  const shifted = shiftedLabels(answers);
  if (shifted !== null) return [shifted];
  const guess = metric.guess?.(baseline.states, classesOf(prepared.model)) ?? null;
  const answersBadly = guess !== null && guess.reached < BAD;
  const better: Better[] = [];
  for (const other of [...OTHER_FORMS, ...(answersBadly ? FORMS_OF_BAD_ANSWERS : [])]) {
    const tried = await otherForm(other, { validation, baseline, answers, prepared, workers });
    if (tried !== null) better.push(tried);
  }

  // A form that is nearer to the right one may be better as well.
  const [best] = better.sort((a, b) => b.gained - a.gained);

  return best === undefined ? [] : [best.problem];
}

interface FitInput {
  readonly validation: Validation;
  readonly baseline: Baseline;
  readonly answers: readonly Answer[];
  readonly prepared: PreparedModel;
  readonly workers: Workers;
}

/** Whether one of two paired alternatives is better beyond chance. */
const isBetter = (wins: number, losses: number) =>
  wins > losses && upperTail(wins, wins + losses, 0.5) < MAX_CHANCE;

/** Other shifts that the one by which labels seem to be counted is compared with. */
const SHIFTS = [-4, -3, -2, -1, 1, 2, 3, 4] as const;
/** Answers in another order altogether fit every shift about as badly; one that explains them fits so many times as often. */
const CLEARLY = 2;

function shiftedLabels(answers: readonly Answer[]): Problem | null {
  const hitsWith = (shift: number) => answers.filter(({ label, answer }) => answer === label + shift).length;
  const right = hitsWith(0);
  for (const shift of [-1, 1]) {
    const hits = hitsWith(shift);
    const others = SHIFTS.filter((other) => other !== shift).map(hitsWith);
    if (isBetter(hits, right) && hits > CLEARLY * largest(others))
      return implausible(
        `The float model's answers fit the labels better ${shift < 0 ? 'less' : 'plus'} one: ${hits} of ${answers.length} samples, ${right} as they are. The labels and the model start counting classes at different numbers.`,
        ['data', 'validation', 'labels'],
        { shift, hits, right },
      );
  }

  return null;
}

interface Better {
  /** Answers that become right, less those that become wrong. */
  readonly gained: number;
  readonly problem: Problem;
}

async function otherForm(
  { change, form, cause }: OtherForm,
  { validation, baseline, answers, prepared, workers }: FitInput,
): Promise<Better | null> {
  const { source, metric } = validation;
  const indices = spread(source.count, SAMPLES.all);
  const wrong = indices.filter((index) => !answers[index]!.isRight);
  // Not even if every wrong answer became right, and no other wrong.
  if (!isBetter(wrong.length, 0)) return null;
  const first = indices.slice(0, SAMPLES.first);
  // Only wrong answers can be won: where these win nothing, the right ones, which can only be lost, need no look.
  const parts = [
    first.filter((index) => wrong.includes(index)),
    first.filter((index) => !wrong.includes(index)),
    indices.slice(SAMPLES.first),
  ];
  const { feeds } = await source.get(0);
  if (changed(feeds, change) === null) return null;
  const changedSource: SampleSource = {
    ...source,
    get: async (index) => {
      const sample = await source.get(index);
      return { ...sample, feeds: changed(sample.feeds, change) ?? sample.feeds };
    },
  };
  const runner = await workers.open(prepared.model, { dir: prepared.dir, batch: baseline.batch });
  try {
    let [wins, losses, seen] = [0, 0, 0];
    for (const some of parts) {
      const { states } = await evaluate(runner, changedSource, some, metric, { task: baseline.task });
      states.forEach((state, i) => {
        const [now, before] = [metric.answer!(state).isRight, answers[some[i]!]!.isRight];
        if (now && !before) wins++;
        if (before && !now) losses++;
      });
      seen += some.length;
      if (wins <= losses + 1) return null;
    }

    if (!isBetter(wins, losses)) return null;

    const problem = implausible(
      `The float model answers better with ${form}: of ${seen} samples ${wins} become right and ${losses} wrong. ${cause}`,
      ['data', 'validation', 'preprocess'],
      { wins, losses, samples: seen },
    );

    return { gained: wins - losses, problem };
  } finally {
    await runner.release();
  }
}

function implausible(message: string, configPath: ConfigPath, data: Record<string, number>): Problem {
  return { code: 'float-accuracy-implausible', severity: 'error', message, configPath, data };
}

/** At most `most` indices, evenly spread, the first third of them spread as well. */
function spread(count: number, max: number): number[] {
  const chosen = spreadIndices(0, count, max);
  return [0, 1, 2, 3].flatMap((offset) => chosen.filter((_, i) => i % 4 === offset));
}
