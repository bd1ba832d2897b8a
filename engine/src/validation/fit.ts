import type { HostTensor } from '@quantsmith/model/arrays';
import { largest, type ConfigPath, type Problem } from '@quantsmith/schemas';
import type { Answer } from '../metrics/metric.js';
import type { PreparedModel } from '../prepare/prepare.js';
import type { Feeds } from '../runtime/batch.js';
import type { Workers } from '../runtime/workers.js';
import { evaluate } from '../metrics/evaluate.js';
import type { SampleSource } from '../data/types.js';
import { upperTail } from '../metrics/chance.js';
import type { Baseline, Validation } from './validation.js';

/** Samples that another preprocessing is tried on; it is given up after the first of them where it promises nothing. */
const SAMPLES = { first: 24, all: 96 } as const;
/** Chance that one of two equally good alternatives wins so clearly. */
const MAX_CHANCE = 0.001;

/**
 * What is to be said where the float model's answers fit the labels better in another way than the config's: with labels that
 * are counted from another number, or with images in another form: channels in the opposite order, light and dark or rows and
 * columns exchanged. A paired sign test at p < 0.001 decides.
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
  for (const other of OTHER_FORMS) {
    const better = await otherForm(other, { validation, baseline, answers, prepared, workers });
    if (better !== null) return [better];
  }

  return [];
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

/** The one image of a sample in another form than the config gives it; null: there is no such form of it. */
interface OtherForm {
  readonly change: (image: HostTensor) => HostTensor | null;
  /** Completes "The float model answers better with …". */
  readonly form: string;
  readonly cause: string;
}

const OTHER_FORMS: readonly OtherForm[] = [
  {
    change: withSwappedChannels,
    form: 'the color channels in reverse order',
    cause: 'preprocess.color does not match the model.',
  },
  {
    change: withLightAndDarkExchanged,
    form: 'inverted brightness',
    cause: 'The images, or preprocess, are the negative of what the model was trained on.',
  },
  {
    change: withRowsAndColumnsExchanged,
    form: 'the rows and columns of the images swapped',
    cause: 'The images are transposed: height and width were swapped when they were written.',
  },
];

async function otherForm(
  { change, form, cause }: OtherForm,
  { validation, baseline, answers, prepared, workers }: FitInput,
): Promise<Problem | null> {
  const { source, metric } = validation;
  const indices = spread(source.count, SAMPLES.all);
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
    for (const some of [indices.slice(0, SAMPLES.first), indices.slice(SAMPLES.first)]) {
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

    return implausible(
      `The float model answers better with ${form}: of ${seen} samples ${wins} become right and ${losses} wrong. ${cause}`,
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
function spread(count: number, max: number): number[] {
  const chosen = Array.from({ length: Math.min(max, count) }, (_, i) =>
    Math.floor((i * count) / Math.min(max, count)),
  );
  const order = [0, 1, 2, 3].flatMap((offset) => chosen.filter((_, i) => i % 4 === offset));
  return order;
}

/** The feeds with their one image changed; null: there is none, or several. */
function changed(feeds: Feeds, change: OtherForm['change']): Feeds | null {
  const images = Object.entries(feeds).filter(
    ([, { dims, type }]) => type === 'float32' && (dims.length === 4 || dims.length === 3),
  );
  const [only] = images;
  if (only === undefined || images.length > 1) return null;
  const [name, image] = only;
  const other = change(image);

  return other === null ? null : { ...feeds, [name]: other };
}

/** How the values of an image lie: how many for each of its channels, and whether these come first. */
interface ImageLayout {
  readonly channels: number;
  readonly pixels: readonly [number, number];
  readonly channelsFirst: boolean;
}

function layoutOf(dims: readonly number[]): ImageLayout | null {
  const [batch = 1, a = 1, b = 1, c = 1] = dims.length === 3 ? [dims[0], 1, dims[1], dims[2]] : dims;
  if (batch !== 1) return null;
  if (a === 1 || a === 3) return { channels: a, pixels: [b, c], channelsFirst: true };
  return c === 1 || c === 3 ? { channels: c, pixels: [a, b], channelsFirst: false } : null;
}

/** The image with each value taken from another place: of channel, row and column. */
function rearranged(
  { data, dims, type }: HostTensor,
  { channels, pixels: [height, width], channelsFirst }: ImageLayout,
  from: (channel: number, row: number, column: number) => readonly [number, number, number],
): HostTensor {
  const values = data as Float32Array;
  const place = (channel: number, row: number, column: number) =>
    channelsFirst ? (channel * height + row) * width + column : (row * width + column) * channels + channel;
  const result = new Float32Array(values.length);
  for (let channel = 0; channel < channels; channel++)
    for (let row = 0; row < height; row++)
      for (let column = 0; column < width; column++)
        result[place(channel, row, column)] = values[place(...from(channel, row, column))]!;

  return { type, dims, data: result };
}

function withSwappedChannels(image: HostTensor): HostTensor | null {
  const layout = layoutOf(image.dims);
  if (layout?.channels !== 3) return null;
  return rearranged(image, layout, (channel, row, column) => [2 - channel, row, column]);
}

function withRowsAndColumnsExchanged(image: HostTensor): HostTensor | null {
  const layout = layoutOf(image.dims);
  if (layout === null || layout.pixels[0] !== layout.pixels[1] || layout.pixels[0] < 2) return null;
  return rearranged(image, layout, (channel, row, column) => [channel, column, row]);
}

/** Of each channel the lightest becomes the darkest. */
function withLightAndDarkExchanged(image: HostTensor): HostTensor | null {
  const layout = layoutOf(image.dims);
  if (layout === null) return null;
  const values = image.data as Float32Array;
  const area = layout.pixels[0] * layout.pixels[1];
  const channelOf = (i: number) => (layout.channelsFirst ? Math.floor(i / area) : i % layout.channels);
  const sums = Array.from({ length: layout.channels }, () => [Infinity, -Infinity] as [number, number]);
  values.forEach((value, i) => {
    const range = sums[channelOf(i)]!;
    range[0] = Math.min(range[0], value);
    range[1] = Math.max(range[1], value);
  });

  return {
    ...image,
    data: values.map((value, i) => {
      const [low, high] = sums[channelOf(i)]!;
      return low + high - value;
    }),
  };
}
