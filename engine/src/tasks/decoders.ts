import type { HostTensor } from '@quantsmith/model/arrays';
import { gridsFor, type Decoder, type InputSize } from '@quantsmith/model/tasks';
import type { Detection } from './detections.js';
import type { Task } from './task.js';

/** Turns a detector's outputs into boxes in pixels of the model's input; null: the shapes do not fit. */
type Decode = (outputs: readonly HostTensor[], task: Task, input: InputSize) => Detection[] | null;

/** Which decoders have been tried on a real model here, and which on made outputs only, is in docs/metrics.md. */
export const DECODERS: Readonly<Record<Decoder, Decode>> = {
  yolox,
  yolov5,
  yolov8,
  ssd,
  detr,
  nms_free: nmsFree,
};

/** Decoders whose boxes still overlap. Every class of a box counts whose score is high enough. */
export const NEEDS_SUPPRESSION: ReadonlySet<Decoder> = new Set(['yolox', 'yolov5', 'yolov8', 'ssd']);

const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));
const identity = (x: number) => x;

/** Corners from centre and size. */
function around(x: number, y: number, width: number, height: number): Detection['corners'] {
  return [x - width / 2, y - height / 2, x + width / 2, y + height / 2];
}

/**
 * YOLOX (Ge et al., 2021): for the cell (x, y) of a grid with stride s, centre = (out + cell) · s and size = exp(out) · s;
 * score = objectness · class.
 */
function yolox([output]: readonly HostTensor[], task: Task, input: InputSize): Detection[] | null {
  const cells = output === undefined ? null : gridsFor(output.dims.at(-2) ?? 0, input);
  if (output === undefined || cells === null) return null;
  return withObjectness(output, task, ([x, y, width, height], row) => {
    const [column, line, stride] = cells[row]!;
    return around(
      (x + column) * stride,
      (y + line) * stride,
      Math.exp(width) * stride,
      Math.exp(height) * stride,
    );
  });
}

/** Rows of centre, size, objectness and classes, already in pixels. */
function yolov5([output]: readonly HostTensor[], task: Task, input: InputSize): Detection[] | null {
  if (output === undefined || output.dims.length < 2) return null;
  const [unitX, unitY] = task.normalized ? [input.width, input.height] : [1, 1];
  return withObjectness(output, task, ([x, y, width, height]) =>
    around(x * unitX, y * unitY, width * unitX, height * unitY),
  );
}

type Four = readonly [number, number, number, number];

/** The four numbers of a row. */
function boxAt(values: ArrayLike<number>, row: number): Four {
  const start = 4 * row;
  return [values[start]!, values[start + 1]!, values[start + 2]!, values[start + 3]!];
}

function withObjectness(
  { dims, data }: HostTensor,
  task: Task,
  boxOf: (values: Four, row: number) => Detection['corners'],
): Detection[] | null {
  const columns = dims.at(-1) ?? 0;
  const classes = columns - 5;
  if (classes < 1) return null;
  const values = data as ArrayLike<number>;
  const activate = task.logits ? sigmoid : identity;
  const detections: Detection[] = [];
  for (let row = 0, offset = 0; offset < values.length; row++, offset += columns) {
    const objectness = activate(values[offset + 4]!);
    if (objectness < task.scoreThreshold) continue;
    const corners = boxOf(
      [values[offset]!, values[offset + 1]!, values[offset + 2]!, values[offset + 3]!],
      row,
    );
    for (let label = 0; label < classes; label++) {
      const score = objectness * activate(values[offset + 5 + label]!);
      if (score >= task.scoreThreshold) detections.push({ corners, class: label, score });
    }
  }

  return detections;
}

/** YOLOv8, YOLO11 and later: [1, 4 + classes, N], centre and size in pixels. */
function yolov8([output]: readonly HostTensor[], task: Task, input: InputSize): Detection[] | null {
  const [channels = 0, rows = 0] = output?.dims.slice(-2) ?? [];
  if (output === undefined || channels < 5) return null;
  const values = output.data as ArrayLike<number>;
  const activate = task.logits ? sigmoid : identity;
  const [unitX, unitY] = task.normalized ? [input.width, input.height] : [1, 1];
  const cornersOf = (row: number) => {
    const valueAt = (channel: number) => values[channel * rows + row]!;
    return around(valueAt(0) * unitX, valueAt(1) * unitY, valueAt(2) * unitX, valueAt(3) * unitY);
  };

  const detections: Detection[] = [];
  for (let row = 0; row < rows; row++) {
    for (let channel = 4; channel < channels; channel++) {
      const score = activate(values[channel * rows + row]!);
      if (score >= task.scoreThreshold)
        detections.push({ corners: cornersOf(row), class: channel - 4, score });
    }
  }

  return detections;
}

/** The output with four values a row, and the one with the scores of as many rows. */
function boxesAndScores(outputs: readonly HostTensor[]): { boxes: HostTensor; scores: HostTensor } | null {
  const boxes = outputs.find(({ dims }) => dims.at(-1) === 4);
  const rows = boxes?.dims.at(-2);
  const scores = outputs.find(
    (output) => output !== boxes && output.dims.length >= 2 && output.dims.at(-2) === rows,
  );

  return boxes === undefined || scores === undefined ? null : { boxes, scores };
}

function softmax(values: ArrayLike<number>, start: number, count: number): Float64Array {
  let largest = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < count; i++) largest = Math.max(largest, values[start + i]!);
  const result = Float64Array.from({ length: count }, (_, i) => Math.exp(values[start + i]! - largest));
  const sum = result.reduce((total, value) => total + value, 0);
  return result.map((value) => value / sum);
}

/** SSD heads with decoded boxes: corners, and one score a class with the background first; every class counts. */
function ssd(outputs: readonly HostTensor[], task: Task, input: InputSize): Detection[] | null {
  const decoded = boxesAndScores(outputs);
  if (decoded === null) return null;
  const classes = decoded.scores.dims.at(-1)!;
  const [unitX, unitY] = task.normalized ? [input.width, input.height] : [1, 1];
  const boxes = decoded.boxes.data as ArrayLike<number>;
  const scores = decoded.scores.data as ArrayLike<number>;
  const detections: Detection[] = [];
  for (let row = 0; row < scores.length / classes; row++) {
    const probabilities = task.logits ? softmax(scores, row * classes, classes) : null;
    for (let label = 1; label < classes; label++) {
      const score = probabilities === null ? scores[row * classes + label]! : probabilities[label]!;
      if (!(score >= task.scoreThreshold)) continue;
      const [left, top, right, bottom] = boxAt(boxes, row);
      const corners = [left * unitX, top * unitY, right * unitX, bottom * unitY] as const;
      detections.push({ corners, class: label - 1, score });
    }
  }

  return detections;
}

/**
 * DETR (Carion et al., 2020): softmax over the classes and `no object`, which is last; where `classes` says that there is
 * none (RT-DETR), a sigmoid for each. Boxes are centre and size from 0 to 1. One class a query.
 */
function detr(outputs: readonly HostTensor[], task: Task, input: InputSize): Detection[] | null {
  const decoded = boxesAndScores(outputs);
  if (decoded === null) return null;
  const columns = decoded.scores.dims.at(-1)!;
  const classes = task.classes ?? columns - 1;
  const boxes = decoded.boxes.data as ArrayLike<number>;
  const logits = decoded.scores.data as ArrayLike<number>;
  const [unitX, unitY] = task.normalized ? [input.width, input.height] : [1, 1];
  const detections: Detection[] = [];
  for (let row = 0; row < logits.length / columns; row++) {
    const scores =
      classes < columns
        ? softmax(logits, row * columns, columns)
        : Float64Array.from({ length: columns }, (_, label) =>
            task.logits ? sigmoid(logits[row * columns + label]!) : logits[row * columns + label]!,
          );

    let best = 0;
    for (let label = 1; label < classes; label++) if (scores[label]! > scores[best]!) best = label;
    if (!(scores[best]! >= task.scoreThreshold)) continue;
    const [x, y, width, height] = boxAt(boxes, row);
    const corners = around(x * unitX, y * unitY, width * unitX, height * unitY);
    detections.push({ corners, class: best, score: scores[best]! });
  }

  return detections;
}

/** Finished detections: rows of corners, score and class; or boxes, scores and classes as outputs of their own. */
function nmsFree(outputs: readonly HostTensor[], task: Task, input: InputSize): Detection[] | null {
  const [unitX, unitY] = task.normalized ? [input.width, input.height] : [1, 1];
  const rows = outputs.length === 1 ? joinedRows(outputs[0]!) : apartRows(outputs);
  return (
    rows
      ?.filter(({ score }) => score >= task.scoreThreshold)
      .map(({ corners: [left, top, right, bottom], ...rest }) => ({
        ...rest,
        corners: [left * unitX, top * unitY, right * unitX, bottom * unitY] as const,
      })) ?? null
  );
}

function joinedRows({ dims, data }: HostTensor): Detection[] | null {
  if (dims.at(-1) !== 6) return null;
  const values = data as ArrayLike<number>;
  return Array.from({ length: values.length / 6 }, (_, row) => {
    const [left, top, right, bottom, score, label] = [0, 1, 2, 3, 4, 5].map((i) => values[6 * row + i]!);
    return { corners: [left!, top!, right!, bottom!], score: score!, class: Math.round(label!) };
  });
}

function apartRows(outputs: readonly HostTensor[]): Detection[] | null {
  const boxes = outputs.find(({ dims }) => dims.at(-1) === 4 && dims.length >= 2);
  const count = (boxes?.data.length ?? 0) / 4;
  const columns = outputs.filter((output) => output !== boxes && output.data.length === count);
  const isClass = ({ type, data }: HostTensor) =>
    type.startsWith('int') || (data as Float32Array).every((value) => Number.isInteger(value));

  const labels = columns.find(isClass);
  const scores = columns.find((output) => output !== labels);
  if (boxes === undefined || labels === undefined || scores === undefined) return null;
  const corners = boxes.data as ArrayLike<number>;

  return Array.from({ length: count }, (_, row) => ({
    corners: boxAt(corners, row),
    score: Number(scores.data[row]),
    class: Number(labels.data[row]),
  }));
}
