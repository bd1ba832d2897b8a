import type { TruthBox } from '../data/labels/label.js';
import { detect } from '../tasks/detect.js';
import { detectionError } from './detectionError.js';
import { guessNothing } from './guess.js';
import type { ClassValue, Metric } from './metric.js';
import { boxesLabel } from './read.js';

/** [class, score, thresholds matched, thresholds at which it does not count]; thresholds are bits, the lowest first. */
type JudgedDetection = readonly [number, number, number, number];

/** Of one image: its objects that count, by class, and its detections, judged, by descending score. */
export interface ImageDetections {
  readonly truths: readonly (readonly [number, number])[];
  readonly detections: readonly JudgedDetection[];
}

/** A found object in pixels of the image: left, top, width, height. */
export interface FoundBox {
  readonly box: readonly [number, number, number, number];
  readonly class: number;
  readonly score: number;
}

export interface PrecisionOptions {
  /** Overlaps (intersection over union) from which a detection is right. */
  readonly thresholds: readonly number[];
  /** Objects of other areas, in square pixels, do not count. */
  readonly area: readonly [number, number];
  /** Detections of each class and image that count. */
  readonly most: number;
}

/** `count` numbers from low to high, in the floating-point steps of numpy.linspace, which the reference uses. */
function linspace(low: number, high: number, count: number): number[] {
  const step = (high - low) / (count - 1);
  return Array.from({ length: count }, (_, i) => (i === count - 1 ? high : i * step + low));
}

/** The areas that COCO tells apart. */
export const AREAS = {
  all: [0, 1e10],
  small: [0, 32 ** 2],
  medium: [32 ** 2, 96 ** 2],
  large: [96 ** 2, 1e10],
} as const;

export const COCO: PrecisionOptions = { thresholds: linspace(0.5, 0.95, 10), area: AREAS.all, most: 100 };
const RECALLS = linspace(0, 1, 101);

/** Average precision as COCO defines it (cocodataset.org, detection evaluation). */
export function averagePrecision(name: string, options: PrecisionOptions): Metric<ImageDetections> {
  return {
    name,
    higherIsBetter: true,
    needsLabels: true,
    needsReference: false,
    accumulate(outputs, label, _, context) {
      const truths = boxesLabel(label, context);
      const boxes = detect(outputs, context.task, context).map(({ corners, ...rest }) => {
        const [left, top, right, bottom] = corners;
        return { ...rest, box: [left, top, right - left, bottom - top] as const };
      });

      return judge(boxes, truths, options);
    },
    result: (states) => meanPrecision(states, options.thresholds.length),
    // What is missed and what is too much, at each threshold: images with neither err least.
    sampleError: (state) => 1 - f1OfImage(state, options.thresholds.length),
    outputError: detectionError,
    guess(states) {
      const objects = states.flatMap(({ truths }) => truths).reduce((sum, [, count]) => sum + count, 0);
      return guessNothing(meanPrecision(states, options.thresholds.length), objects);
    },
    byClass: (states) => precisionByClass(states, options.thresholds.length),
  };
}

/** Which detections of an image are right. */
export function judge(
  boxes: readonly FoundBox[],
  truths: readonly TruthBox[],
  options: PrecisionOptions,
): ImageDetections {
  const classes = [...new Set([...truths, ...boxes].map((box) => box.class))].sort((a, b) => a - b);
  const states = classes.map((index) => {
    const ownTruths = truths.filter((truth) => truth.class === index);
    const ranked = boxes.filter((box) => box.class === index).sort((a, b) => b.score - a.score);
    return { index, ...judgeClass(ranked.slice(0, options.most), ownTruths, options) };
  });

  return {
    truths: states.flatMap(({ index, count }) => (count === 0 ? [] : [[index, count] as const])),
    detections: states.flatMap(({ detections }) => detections),
  };
}

function judgeClass(
  ranked: readonly FoundBox[],
  ownTruths: readonly TruthBox[],
  { thresholds, area: [least, largest] }: PrecisionOptions,
): { count: number; detections: JudgedDetection[] } {
  const isIgnored = ({ crowd, area }: TruthBox) => crowd || area < least || area > largest;
  // Those that count stand first: an ignored one is matched only where none of them fits.
  const truths = [...ownTruths.filter((truth) => !isIgnored(truth)), ...ownTruths.filter(isIgnored)];
  const count = truths.filter((truth) => !isIgnored(truth)).length;
  const overlaps = ranked.map((detection) => truths.map((truth) => overlap(detection, truth)));
  const matched = ranked.map(() => 0);
  const ignored = ranked.map(() => 0);
  thresholds.forEach((threshold, bit) => {
    const taken = new Set<number>();
    ranked.forEach(({ box }, index) => {
      const match = bestMatch(overlaps[index]!, truths, count, taken, threshold);
      if (match >= 0) {
        taken.add(match);
        matched[index]! |= 1 << bit;
      }

      const area = box[2] * box[3];
      const outside = match < 0 && (area < least || area > largest);
      if (match >= count || outside) ignored[index]! |= 1 << bit;
    });
  });

  return {
    count,
    detections: ranked.map((box, i) => [box.class, box.score, matched[i]!, ignored[i]!] as const),
  };
}

/** The free object with the largest overlap, from the threshold on; a later one of equal overlap wins. −1: none. */
function bestMatch(
  overlaps: readonly number[],
  truths: readonly TruthBox[],
  count: number,
  taken: ReadonlySet<number>,
  threshold: number,
): number {
  let least = Math.min(threshold, 1 - 1e-10);
  let match = -1;
  for (let i = 0; i < truths.length; i++) {
    if (taken.has(i) && !truths[i]!.crowd) continue;
    if (match >= 0 && match < count && i >= count) break;
    if (overlaps[i]! < least) continue;
    least = overlaps[i]!;
    match = i;
  }

  return match;
}

/** Intersection over union; over the detection's own area where the object is a crowd. */
function overlap({ box: a }: FoundBox, { box: b, crowd }: TruthBox): number {
  const width = Math.min(a[0] + a[2], b[0] + b[2]) - Math.max(a[0], b[0]);
  const height = Math.min(a[1] + a[3], b[1] + b[3]) - Math.max(a[1], b[1]);
  if (width <= 0 || height <= 0) return 0;
  const both = width * height;
  return both / (crowd ? a[2] * a[3] : a[2] * a[3] + b[2] * b[3] - both);
}

/** The mean over thresholds and classes with objects of the precision at 101 recalls; 0 without any object. */
export function meanPrecision(states: readonly ImageDetections[], thresholds: number): number {
  const classes = precisionsOf(states, thresholds);
  const sum = classes.reduce((total, { summed }) => total + summed, 0);
  return classes.length === 0 ? 0 : sum / (classes.length * thresholds);
}

/** The average precision of each class with objects. */
export function precisionByClass(states: readonly ImageDetections[], thresholds: number): ClassValue[] {
  return precisionsOf(states, thresholds).map(({ index, objects, summed }) => ({
    ...{ class: index, count: objects, value: summed / thresholds },
  }));
}

/** Of each class with objects, by class: their number, and the precision summed over thresholds. */
function precisionsOf(
  states: readonly ImageDetections[],
  thresholds: number,
): { readonly index: number; readonly objects: number; readonly summed: number }[] {
  const objects = new Map<number, number>();
  const detections = new Map<number, JudgedDetection[]>();
  for (const state of states) {
    for (const [index, count] of state.truths) objects.set(index, (objects.get(index) ?? 0) + count);
    for (const detection of state.detections) {
      const ownDetections = detections.get(detection[0]);
      if (ownDetections === undefined) detections.set(detection[0], [detection]);
      else ownDetections.push(detection);
    }
  }

  return [...objects.keys()]
    .sort((a, b) => a - b)
    .map((index) => {
      const ranked = (detections.get(index) ?? []).sort((a, b) => b[1] - a[1]);
      const count = objects.get(index)!;
      let summed = 0;
      for (let bit = 0; bit < thresholds; bit++) summed += classPrecision(ranked, count, 1 << bit);
      return { index, objects: count, summed };
    });
}

function classPrecision(ranked: readonly JudgedDetection[], objects: number, bit: number): number {
  const recalls: number[] = [];
  const precisions: number[] = [];
  let [right, wrong] = [0, 0];
  for (const [, , matched, ignored] of ranked) {
    if ((ignored & bit) === 0) {
      if ((matched & bit) === 0) wrong++;
      else right++;
    }

    recalls.push(right / objects);
    precisions.push(right / (right + wrong + Number.EPSILON));
  }

  // What a lower threshold reaches, a higher one may claim too: precision never grows with recall.
  for (let i = precisions.length - 1; i > 0; i--)
    precisions[i - 1] = Math.max(precisions[i - 1]!, precisions[i]!);
  let sum = 0;
  let place = 0;
  for (const recall of RECALLS) {
    while (place < recalls.length && recalls[place]! < recall) place++;
    sum += precisions[place] ?? 0;
  }

  return sum / RECALLS.length;
}

function f1OfImage({ truths, detections }: ImageDetections, thresholds: number): number {
  const objects = truths.reduce((sum, [, count]) => sum + count, 0);
  if (objects === 0 && detections.length === 0) return 1;
  let hits = 0;
  // A detection weighs as much as the model is sure of it: head rows of little score stay out of the balance.
  let weight = 0;
  for (const [, score, matched, ignored] of detections) {
    for (let bit = 0; bit < thresholds; bit++) {
      if ((ignored & (1 << bit)) !== 0) continue;
      weight += score;
      if ((matched & (1 << bit)) !== 0) hits += score;
    }
  }

  return objects === 0 && weight === 0 ? 1 : (2 * hits) / (weight + thresholds * objects);
}
