import type { HostTensor } from '@quantsmith/model/arrays';
import { fail } from '@quantsmith/schemas';
import type { Label } from '../data/labels/label.js';
import { guessBySample, type Guess } from './guess.js';
import { total, type Metric, type Outputs, type SampleContext, type Sums } from './metric.js';
import { arrayLabel, largestIndex, mainOutput } from './read.js';

/** Pixels with this label, and with negative ones, are left out. */
const UNLABELLED = 255;

/** Of one class: [class, pixels in both, predicted pixels, labelled pixels]. */
type ClassOverlap = readonly [number, number, number, number];

/**
 * Mean over the classes of Σ intersection / Σ union over all samples; a class that neither occurs nor is predicted does
 * not count. State: the overlaps of the classes that do.
 */
export const meanIou: Metric<readonly ClassOverlap[]> = {
  name: 'miou',
  higherIsBetter: true,
  needsLabels: true,
  needsReference: false,
  accumulate(outputs, label, _, context) {
    const counts = new Map<number, [number, number, number]>();
    const countsOf = (index: number) => {
      const pixels = counts.get(index) ?? [0, 0, 0];
      counts.set(index, pixels);
      return pixels;
    };

    eachPixel(outputs, label, context, (predicted, actual) => {
      countsOf(predicted)[1]++;
      countsOf(actual)[2]++;
      if (predicted === actual) countsOf(actual)[0]++;
    });

    return [...counts].sort(([a], [b]) => a - b).map(([index, sums]) => [index, ...sums] as const);
  },
  result(states) {
    const overlaps = new Map<number, { both: number; union: number }>();
    for (const [index, both, predicted, actual] of states.flat()) {
      const sums = overlaps.get(index) ?? { both: 0, union: 0 };
      sums.both += both;
      sums.union += predicted + actual - both;
      overlaps.set(index, sums);
    }

    const ratios = [...overlaps].sort(([a], [b]) => a - b).map(([, { both, union }]) => both / union);

    return ratios.length === 0 ? 0 : ratios.reduce((sum, ratio) => sum + ratio, 0) / ratios.length;
  },
  sampleError(state) {
    return 1 - meanIou.result([state]);
  },
  guess(states) {
    const pixels = states.map((state): Sums => [
      state.reduce((sum, [, both]) => sum + both, 0),
      state.reduce((sum, [, , , actual]) => sum + actual, 0),
      byChance(state),
    ]);

    return guessedPixels(pixels);
  },
};

/** Pixels that would be right if the predicted classes lay anywhere: Σ predicted · labelled / all. */
function byChance(overlaps: readonly ClassOverlap[]): number {
  const all = overlaps.reduce((sum, [, , , actual]) => sum + actual, 0);
  return overlaps.reduce((sum, [, , predicted, actual]) => sum + predicted * actual, 0) / Math.max(1, all);
}

/** From right, labelled, and by chance right pixels of each sample. */
function guessedPixels(states: readonly Sums[]): Guess | null {
  const [right, all, expected] = [0, 1, 2].map((index) => total(states, index)) as [number, number, number];
  const better = states.filter(([hits = 0, , guessed = 0]) => hits > guessed).length;
  const worse = states.filter(([hits = 0, , guessed = 0]) => hits < guessed).length;
  const reached = all === expected ? 1 : (right - expected) / (all - expected);

  return guessBySample({ better, worse }, { value: expected / Math.max(1, all), reached });
}

/** Share of labelled pixels with the right class. State: [right, labelled, right by chance]. */
export const pixelAccuracy: Metric<Sums> = {
  name: 'pixel_accuracy',
  higherIsBetter: true,
  needsLabels: true,
  needsReference: false,
  accumulate(outputs, label, _, context) {
    const overlaps = meanIou.accumulate(outputs, label, null, context) as readonly ClassOverlap[];
    const sum = (column: 1 | 3) => overlaps.reduce((pixels, overlap) => pixels + overlap[column], 0);

    return [sum(1), sum(3), byChance(overlaps)];
  },
  result: (states) => total(states, 0) / Math.max(1, total(states, 1)),
  sampleError: ([right = 0, labelled = 1]) => 1 - right / Math.max(1, labelled),
  guess: guessedPixels,
};

/** Visits the labelled pixels with the class that the model gives to the nearest of its own. */
function eachPixel(
  outputs: Outputs,
  label: Label,
  context: SampleContext,
  visit: (predicted: number, actual: number) => void,
): void {
  const mask = arrayLabel(label, 'mask', context);
  const [height = 1, width = 1] = mask.dims.slice(-2);
  const classMap = classesByPixel(mainOutput(outputs, context), context.task.classes);
  const columns = positions(width, classMap.width, context, 'x');
  const rows = positions(height, classMap.height, context, 'y');
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const actual = Number(mask.data[y * width + x]);
      const [row, column] = [rows[y]!, columns[x]!];
      if (actual === UNLABELLED || actual < 0 || row < 0 || column < 0) continue;
      if (classMap.classes !== null && actual >= classMap.classes) {
        fail(
          'label-out-of-range',
          `Sample "${context.name}" has the class ${actual} in its mask, but the model has only ${classMap.classes}.`,
          { configPath: ['data', 'validation', 'labels'], data: { sample: context.name, label: actual } },
        );
      }

      visit(classMap.at(row * classMap.width + column), actual);
    }
  }
}

interface ClassMap {
  readonly width: number;
  readonly height: number;
  /** null: the graph itself chose the classes. */
  readonly classes: number | null;
  readonly at: (pixel: number) => number;
}

/** Scores [1, classes, height, width] or [1, height, width, classes], or classes [1, height, width] (or 1 channel). */
function classesByPixel({ dims, data }: HostTensor, stated: number | null): ClassMap {
  const values = data as ArrayLike<number>;
  const [a = 1, b = 1, c = 1] = dims.slice(-3);
  if (dims.length < 4 || (a === 1 && !(data instanceof Float32Array))) {
    return { height: b, width: c, classes: null, at: (pixel) => Number(values[pixel]) };
  }

  // The classes are the axis of the stated length, else the shortest; the first where there is a doubt.
  if (stated === null ? c < a : a !== stated && c === stated) {
    return { height: a, width: b, classes: c, at: (pixel) => largestIndex(values, pixel * c, c) };
  }

  const plane = b * c;
  // A single map of scores tells one class from the background.
  const offset =
    a === 1
      ? (pixel: number) => (values[pixel]! > 0.5 ? 1 : 0)
      : (pixel: number) => largestIndex(values, pixel, a, plane);

  return { height: b, width: c, classes: Math.max(2, a), at: offset };
}

/** For each pixel of the mask along one side, the model's; −1 where the model does not see it. */
function positions(size: number, outputSize: number, { image }: SampleContext, side: 'x' | 'y'): Int32Array {
  const original = side === 'x' ? image?.width : image?.height;
  const onImage = image !== null && original === size;
  const [scale, offset, input] = onImage
    ? side === 'x'
      ? [image.scaleX, image.offsetX, image.inputWidth]
      : [image.scaleY, image.offsetY, image.inputHeight]
    : [1, 0, size];

  return Int32Array.from({ length: size }, (_, index) => {
    const place = (((index + 0.5) * scale + offset) / input) * outputSize;
    return place < 0 || place >= outputSize ? -1 : Math.floor(place);
  });
}
