import type { HostTensor } from '@quantsmith/model/arrays';
import type { ConfigPath, Problem } from '@quantsmith/schemas';
import type { Answer } from '../metrics/metric.js';
import type { PreparedModel } from '../prepare/prepare.js';
import type { Feeds } from '../runtime/batch.js';
import type { Workers } from '../runtime/workers.js';
import { evaluate } from '../metrics/evaluate.js';
import type { SampleSource } from '../data/types.js';
import { upperTail } from './plausibility.js';
import type { Baseline, Validation } from './validation.js';

/** Samples that another preprocessing is tried on; it is given up after the first of them where it promises nothing. */
const SAMPLES = { first: 24, all: 96 } as const;
/** Chance that one of two equally good alternatives wins so clearly. */
const MAX_CHANCE = 0.001;

/**
 * What is to be said where the float model's answers fit the labels better in another way than the config's: with labels that
 * are counted from another number, or with the channels of images in the opposite order. A paired sign test at p < 0.001
 * decides.
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
  const swapped = await swappedChannels(validation, baseline, answers, prepared, workers);

  return swapped === null ? [] : [swapped];
}

/** Whether one of two paired alternatives is better beyond chance. */
const isBetter = (wins: number, losses: number) =>
  wins > losses && upperTail(wins, wins + losses, 0.5) < MAX_CHANCE;

function shiftedLabels(answers: readonly Answer[]): Problem | null {
  const right = answers.filter(({ label, answer }) => answer === label).length;
  for (const shift of [-1, 1]) {
    const hits = answers.filter(({ label, answer }) => answer === label + shift).length;
    if (isBetter(hits, right))
      return implausible(
        `The float model's answers fit the labels better ${shift < 0 ? 'less' : 'plus'} one: ${hits} of ${answers.length} samples, ${right} as they are. The labels count the classes from another number than the model.`,
        ['data', 'validation', 'labels'],
        { shift, hits, right },
      );
  }

  return null;
}

async function swappedChannels(
  { source, metric }: Validation,
  baseline: Baseline,
  answers: readonly Answer[],
  prepared: PreparedModel,
  workers: Workers,
): Promise<Problem | null> {
  const indices = spread(source.count, SAMPLES.all);
  const { feeds } = await source.get(0);
  if (swapped(feeds) === null) return null;
  const swappedSource: SampleSource = {
    ...source,
    get: async (index) => {
      const sample = await source.get(index);
      return { ...sample, feeds: swapped(sample.feeds) ?? sample.feeds };
    },
  };
  const runner = await workers.open(prepared.model, { dir: prepared.dir, batch: baseline.batch });
  try {
    let [wins, losses, seen] = [0, 0, 0];
    for (const some of [indices.slice(0, SAMPLES.first), indices.slice(SAMPLES.first)]) {
      const { states } = await evaluate(runner, swappedSource, some, metric, { task: baseline.task });
      states.forEach((state, i) => {
        const [now, before] = [metric.answer!(state).isRight, answers[some[i]!]!.isRight];
        if (now && !before) wins++;
        if (before && !now) losses++;
      });
      seen += some.length;
      if (wins <= losses + 1) return null;
    }

    if (!isBetter(wins, losses)) return null;

    return implausible(
      `The float model answers better with the channels of the images in the opposite order: of ${seen} samples ${wins} become right and ${losses} wrong. preprocess.color does not fit the model.`,
      ['data', 'validation', 'preprocess'],
      { wins, losses, samples: seen },
    );
  } finally {
    await runner.release();
  }
}

function implausible(message: string, configPath: ConfigPath, data: Record<string, number>): Problem {
  return { code: 'float-accuracy-implausible', severity: 'error', message, configPath, data };
}

/** At most `most` indices, evenly spread, the first third of them spread as well. */
function spread(count: number, most: number): number[] {
  const chosen = Array.from({ length: Math.min(most, count) }, (_, i) =>
    Math.floor((i * count) / Math.min(most, count)),
  );
  const order = [0, 1, 2, 3].flatMap((offset) => chosen.filter((_, i) => i % 4 === offset));
  return order;
}

/** The one image input with its three channels in the opposite order; null: there is no such input. */
function swapped(feeds: Feeds): Feeds | null {
  const images = Object.entries(feeds).filter(
    ([, { dims, type }]) => type === 'float32' && channelAxis(dims) !== null,
  );
  const [only] = images;
  if (only === undefined || images.length > 1) return null;
  const [name, image] = only;
  return { ...feeds, [name]: withSwappedChannels(image, channelAxis(image.dims)!) };
}

function channelAxis(dims: readonly number[]): 1 | 3 | null {
  if (dims.length !== 4) return null;
  return dims[1] === 3 ? 1 : dims[3] === 3 ? 3 : null;
}

function withSwappedChannels({ data, dims, type }: HostTensor, axis: 1 | 3): HostTensor {
  const values = data as Float32Array;
  const inner = axis === 3 ? 1 : dims[2]! * dims[3]!;
  const result = Float32Array.from(values, (_, i) => {
    const channel = Math.floor(i / inner) % 3;
    return values[i + (2 - 2 * channel) * inner]!;
  });

  return { type, dims, data: result };
}
