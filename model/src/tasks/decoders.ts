import type { QuantizationConfig } from '@quantsmith/schemas';

export type Decoder = NonNullable<NonNullable<QuantizationConfig['task']>['decode']>;

/** Width and height of the model's input, in pixels. */
export interface InputSize {
  readonly width: number;
  readonly height: number;
}

/** A dimension: its length, or a name where it is free. */
type Dim = number | string;

/** A finished list of detections is shorter than the rows of a head. */
const LONGEST_LIST = 1000;

const STRIDES = [
  [8, 16, 32],
  [8, 16, 32, 64],
];

/** The cells of the grids with these strides, in their order: left and top in cells, and the stride. */
function gridCells({ width, height }: InputSize, strides: readonly number[]): [number, number, number][] {
  return strides.flatMap((stride) => {
    const [columns, rows] = [Math.floor(width / stride), Math.floor(height / stride)];
    return Array.from(
      { length: columns * rows },
      (_, i) => [i % columns, Math.floor(i / columns), stride] as [number, number, number],
    );
  });
}

/** The grids of a YOLO head with so many rows; null: there are none. */
export function gridsFor(rows: number, input: InputSize): [number, number, number][] | null {
  for (const strides of STRIDES) {
    const cells = gridCells(input, strides);
    if (cells.length === rows) return cells;
  }

  return null;
}

/**
 * The decoders that the shapes of the outputs allow, the likelier first. `input`: null where the model takes any size, and
 * nothing can be said of its grids. Names of outputs and their order do not matter.
 */
export function decodersFor(shapes: readonly (readonly Dim[])[], input: InputSize | null): Decoder[] {
  const [first, ...others] = shapes;
  if (first === undefined) return [];
  if (others.length === 0) {
    const isList = first.length === 3 || (first.length === 2 && typeof first[0] === 'number' && first[0] > 1);
    return isList ? singleOutput(first.slice(-2), input) : [];
  }

  const boxes = shapes.find((dims) => dims.length >= 2 && dims.at(-1) === 4);
  const rows = boxes?.at(-2);
  if (boxes === undefined || rows === undefined) return [];
  const isScores = (dims: readonly Dim[]) => dims !== boxes && dims.length >= 3 && dims.at(-2) === rows;
  if (!shapes.some(isScores)) return shapes.length >= 3 ? ['nms_free'] : [];

  return typeof rows === 'number' && rows > LONGEST_LIST ? ['ssd'] : ['detr', 'ssd'];
}

function singleOutput([rows = 0, columns = 0]: readonly Dim[], input: InputSize | null): Decoder[] {
  const isFree = typeof rows === 'string';
  if (columns === 6 && (isFree || rows <= LONGEST_LIST)) return ['nms_free'];
  // YOLOv8's rows are channels, so that the free side is the other one.
  if (typeof columns === 'string') return typeof rows === 'number' && rows >= 5 ? ['yolov8'] : [];
  if (isFree) return columns < 6 ? [] : ['yolox', 'yolov5'];
  const isGrid = input === null || gridsFor(rows, input) !== null;
  if ((!isGrid || input === null) && rows < columns) return rows >= 5 ? ['yolov8'] : [];
  if (columns < 6) return [];

  return isGrid ? ['yolox', 'yolov5'] : ['yolov5'];
}
