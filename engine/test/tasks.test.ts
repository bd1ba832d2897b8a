import { describe, expect, it } from 'vitest';
import type { HostTensor } from '@quantsmith/model/arrays';
import { decodersFor } from '@quantsmith/model/tasks';
import { unchangedPlacement } from '../src/data/imagePlacement.js';
import { detect } from '../src/tasks/detect.js';
import { suppress } from '../src/tasks/detections.js';
import { settleTask } from '../src/tasks/guess.js';
import { NO_TASK, type Task } from '../src/tasks/task.js';

const INPUT = { width: 64, height: 64 };
/** Cells of the grids with strides 8, 16 and 32: 64 + 16 + 4. */
const CELLS = 84;
const DETECTION: Task = { ...NO_TASK, type: 'detection' };
const image = unchangedPlacement(64, 64);

const tensor = (dims: readonly number[], values: ArrayLike<number>): HostTensor => ({
  type: 'float32',
  dims,
  data: Float32Array.from(values),
});

/** One box of class 1 with centre (20, 36), 16 wide and 8 high, as each head would give it; names tell nothing. */
const HEADS: Readonly<Record<string, Readonly<Record<string, HostTensor>>>> = {
  yolox: (() => {
    const rows = new Float32Array(CELLS * 7);
    // Cell (2, 4) of the grid with stride 8.
    rows.set([0.5, 0.5, Math.log(2), 0, 0.9, 0.1, 0.8], (4 * 8 + 2) * 7);
    return { a: tensor([1, CELLS, 7], rows) };
  })(),
  yolov5: (() => {
    const rows = new Float32Array(CELLS * 7);
    // All rows are boxes somewhere on the image, as a decoder in the graph gives them.
    for (let row = 0; row < CELLS; row++) rows.set([30, 30, 10, 10, 0, 0, 0], row * 7);
    rows.set([20, 36, 16, 8, 0.9, 0.1, 0.8], 0);
    return { b: tensor([1, CELLS, 7], rows) };
  })(),
  yolov8: (() => {
    const columns = new Float32Array(6 * CELLS);
    [20, 36, 16, 8, 0.1, 0.72].forEach((value, channel) => (columns[channel * CELLS + 3] = value));
    return { c: tensor([1, 6, CELLS], columns) };
  })(),
  ssd: {
    d: tensor(
      [1, 2000, 3],
      Float32Array.from({ length: 6000 }, (_, i) => [0.2, 0.08, 0.72][i] ?? (i % 3 ? 0 : 1)),
    ),
    e: tensor([1, 2000, 4], [12 / 64, 0.5, 28 / 64, 40 / 64, ...new Float32Array(7996)]),
  },
  detr: {
    f: tensor([1, 2, 4], [20 / 64, 36 / 64, 16 / 64, 8 / 64, 0, 0, 0, 0]),
    // softmax: 0.14, 0.72 for class 1, 0.14 for no object; the other query sees nothing.
    g: tensor([1, 2, 3], [0, Math.log(0.72 / 0.14), 0, -9, -9, 9]),
  },
  nms_free: { h: tensor([1, 2, 6], [12, 32, 28, 40, 0.72, 1, 0, 0, 0, 0, 0, 0]) },
};

describe('the decoder is guessed from shapes and from whose boxes make sense', () => {
  it.each(Object.entries(HEADS))('%s', (decode, outputs) => {
    const seen = [{ feeds: {}, image, outputs }];
    const task = settleTask({ ...DETECTION, scoreThreshold: 0.3 }, seen);
    expect(task.decode).toBe(decode);
    const found = detect(outputs, task, { name: 's', feeds: {}, image });
    expect(found).toHaveLength(1);
    expect(found[0]!.class).toBe(1);
    expect(found[0]!.score).toBeCloseTo(0.72, 2);
    [12, 32, 28, 40].forEach((side, i) => expect(found[0]!.corners[i]).toBeCloseTo(side, 3));
  });
  it('three anchors a cell are no YOLOX, and finished boxes may come apart', () => {
    expect(decodersFor([[1, 3 * CELLS, 85]], INPUT)).toEqual(['yolov5']);
    expect(decodersFor([[1, CELLS, 85]], INPUT)).toEqual(['yolox', 'yolov5']);
    expect(decodersFor([[1, 84, 8400]], { width: 640, height: 640 })).toEqual(['yolov8']);
    expect(decodersFor([[100, 4], [100], [100]], INPUT)).toEqual(['nms_free']);
    expect(decodersFor([[1, 1000]], INPUT)).toEqual([]);
  });
});

it('boxes go back to the original image', () => {
  const placed = { ...image, width: 128, height: 96, scaleX: 0.5, scaleY: 0.5, offsetX: 0, offsetY: 8 };
  const [found] = detect(
    HEADS['nms_free']!,
    { ...DETECTION, decode: 'nms_free' },
    { name: 's', feeds: {}, image: placed },
  );
  expect(found!.corners).toEqual([24, 48, 56, 64]);
});

it('of boxes that overlap the best of each class stays', () => {
  const box = (left: number, score: number, label: number) => ({
    corners: [left, 0, left + 10, 10] as const,
    class: label,
    score,
  });
  const kept = suppress([box(1, 0.5, 0), box(0, 0.9, 0), box(1, 0.4, 1), box(30, 0.2, 0)], 0.65);
  expect(kept.map(({ score }) => score)).toEqual([0.9, 0.4, 0.2]);
});
