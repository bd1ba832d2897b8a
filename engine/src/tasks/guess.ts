import type { HostTensor } from '@quantsmith/model/arrays';
import { decodersFor, type Decoder } from '@quantsmith/model/tasks';
import type { ImagePlacement } from '../data/imagePlacement.js';
import { DECODERS } from './decoders.js';
import { placementOf } from './detect.js';
import type { Task } from './task.js';

type Tensors = Readonly<Record<string, HostTensor>>;

/** What the float model gave for a sample. */
export interface Seen {
  readonly feeds: Tensors;
  readonly image: ImagePlacement | null;
  readonly outputs: Tensors;
}

/**
 * What the outputs of the float model tell beyond the config: the decoder, whether scores are logits and whether boxes are
 * shares. Where shapes allow several decoders, the one is taken whose boxes lie on the images.
 */
export function settleTask(task: Task, seen: readonly Seen[]): Task {
  return rankedDecoders(task, seen)[0]?.task ?? task;
}

/** A detector's task with one decoder, and the share of the surest boxes that it could mean. */
export interface RankedDecoder {
  readonly task: Task;
  readonly sense: number;
}

/** The decoders that shapes allow, the one whose boxes make most sense first; empty: no detector. */
export function rankedDecoders(task: Task, seen: readonly Seen[]): RankedDecoder[] {
  const [first] = seen;
  if (task.type !== 'detection' || first === undefined) return [];
  const shapes = Object.values(first.outputs).map(({ dims }) => dims);
  const { inputWidth, inputHeight } = placementOf(first);
  const decoders =
    task.decode === null ? decodersFor(shapes, { width: inputWidth, height: inputHeight }) : [task.decode];

  return decoders
    .map((decode) => ({ ...task, decode, ...unitsOf(decode, task, seen) }))
    .map((candidate) => ({ task: candidate, sense: sense(candidate, seen) }))
    .sort((a, b) => b.sense - a.sense);
}

/** Scores beyond 0 … 1 are logits; boxes that all lie within 0 … 2 are shares. */
function unitsOf(decode: Decoder, task: Task, seen: readonly Seen[]): Pick<Task, 'logits' | 'normalized'> {
  const scores = (value: number) => value < -1e-3 || value > 1 + 1e-3;
  const logits = seen.some(({ outputs }) =>
    scoreRuns(decode, Object.values(outputs)).some(({ data, start, step, count }) => {
      for (let offset = start; offset < data.length; offset += step)
        for (let i = 0; i < count; i++) if (scores(data[offset + i]!)) return true;
      return false;
    }),
  );

  const raw = { ...task, decode, logits, normalized: false, scoreThreshold: 0 };
  const largest = largestCoordinate(raw, seen);

  return { logits, normalized: decode !== 'yolox' && largest <= 2 };
}

interface Run {
  readonly data: ArrayLike<number>;
  readonly start: number;
  readonly step: number;
  readonly count: number;
}

/** Where the scores of a head lie. */
function scoreRuns(decode: Decoder, outputs: readonly HostTensor[]): Run[] {
  const [first] = outputs;
  if (first === undefined || decode === 'nms_free') return [];
  const data = first.data as ArrayLike<number>;
  const [rows = 1, columns = 1] = first.dims.slice(-2);
  if (decode === 'yolox' || decode === 'yolov5')
    return [{ data, start: 4, step: columns, count: columns - 4 }];
  if (decode === 'yolov8')
    return [{ data, start: 4 * columns, step: data.length, count: (rows - 4) * columns }];
  const scores = outputs.find(({ dims }) => dims.at(-1) !== 4) ?? first;

  return [
    { data: scores.data as ArrayLike<number>, start: 0, step: scores.data.length, count: scores.data.length },
  ];
}

/** Boxes that are looked at of each sample. */
const LOOKED_AT = 30;

const surest = (task: Task, { outputs, ...source }: Seen) => {
  const { inputWidth: width, inputHeight: height } = placementOf(source);
  const detections = DECODERS[task.decode!](Object.values(outputs), task, { width, height }) ?? [];
  return detections.sort((a, b) => b.score - a.score).slice(0, LOOKED_AT);
};

function largestCoordinate(task: Task, seen: readonly Seen[]): number {
  const all = seen.flatMap((outputs) => surest(task, outputs).flatMap(({ corners }) => corners));
  return all.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0);
}

/** The share of the surest boxes that a detector could mean: of some pixels, not larger than the input, and on it. */
function sense(task: Task, seen: readonly Seen[]): number {
  let [sensible, all] = [0, 0];
  for (const image of seen) {
    const { inputWidth, inputHeight } = placementOf(image);
    for (const { corners } of surest({ ...task, scoreThreshold: 0 }, image)) {
      const [left, top, right, bottom] = corners;
      const [width, height] = [right - left, bottom - top];
      const [x, y] = [(left + right) / 2, (top + bottom) / 2];
      const fits = width >= 2 && height >= 2 && width <= 1.2 * inputWidth && height <= 1.2 * inputHeight;
      if (fits && x >= 0 && y >= 0 && x <= inputWidth && y <= inputHeight) sensible++;
      all++;
    }
  }

  return all === 0 ? 0 : sensible / all;
}
