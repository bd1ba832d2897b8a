import { type NodeProto, intAttribute } from '@quantsmith/model/onnx';
import { has } from '@quantsmith/model/operators';

/** How near a layer's weights come to saturating 16-bit sums of two products. */
export interface PairRisk {
  /** Pairs of weights that lie side by side in the kernel's order and whose products can leave the 16-bit range. */
  readonly pairsAtRisk: number;
  readonly outputs: number;
  /** Outputs with such a pair. */
  readonly outputsAtRisk: number;
  /** The largest possible sum of two products over 32767; above 1 it saturates. */
  readonly worstCase: number;
}

/** A layer's weights as its kernel reads them: a row for each output, in the order in which products are added. */
export interface KernelRows {
  readonly outputs: number;
  /** Products that are added for one output. */
  readonly length: number;
  /** Writes the weights of one output into an array of that length. */
  readonly read: (output: number, row: Int16Array) => void;
}

/** Neighbours in a row whose products can leave the 16-bit range, column by column: weights at `k` and `k + 1`. */
export interface RiskyPairs {
  readonly outputs: readonly number[];
  readonly places: readonly number[];
  readonly weights: readonly [readonly number[], readonly number[]];
}

export const INT16_MAX = 32767;
export const INT16_MIN = -32768;
const LARGEST_ACTIVATION = 255;

/**
 * The rows of a convolution (weights [outputs, channels, ...kernel]): channels innermost, since the runtime computes on
 * channels-last images. Null for depthwise convolutions, whose kernels multiply in 16 and add in 32 bits.
 */
export function convolutionRows(
  codes: ArrayLike<number>,
  dims: readonly number[],
  group: number,
): KernelRows | null {
  const [outputs = 0, inputs = 0, ...kernel] = dims;
  if (isDepthwise(dims, group)) return null;
  const taps = kernel.reduce((product, dim) => product * dim, 1);
  const length = inputs * taps;

  return {
    outputs,
    length,
    read(output, row) {
      let from = output * length;
      for (let channel = 0; channel < inputs; channel++) {
        for (let to = channel; to < length; to += inputs) row[to] = codes[from++]!;
      }
    },
  };
}

/** Whether the runtime has a kernel of its own for a convolution with these weights. */
export const isDepthwise = ([outputs, inputs]: readonly number[], group: number) =>
  group > 1 && inputs === 1 && outputs === group;

/** The rows of a matrix product: the columns of the last two dims, or their rows when `transposed`. */
export function matrixRows(
  codes: ArrayLike<number>,
  dims: readonly number[],
  transposed: boolean,
): KernelRows {
  const [rows = 0, columns = 0] = dims.slice(-2);
  const matrices = dims.slice(0, -2).reduce((product, dim) => product * dim, 1);
  const [outputs, length] = transposed ? [rows, columns] : [matrices * columns, rows];
  const step = transposed ? 1 : columns;

  return {
    outputs,
    length,
    read(output, row) {
      const matrix = Math.floor(output / columns);
      const begin = transposed ? output * columns : matrix * rows * columns + (output % columns);
      for (let k = 0; k < length; k++) row[k] = codes[begin + k * step]!;
    },
  };
}

/**
 * Static analysis of a layer for x86 CPUs without VNNI, where vpmaddubsw adds the products of two unsigned activations
 * (0…255) and two signed weights into 16 bits that saturate: a pair is at risk when 255·(a + b) leaves the range, that
 * is for a + b > 128 or < −128 (of opposite signs, the larger alone must fit, and does). Returns null for layers whose
 * kernels do not use that instruction.
 */
export function pairRisk(
  node: NodeProto,
  codes: ArrayLike<number>,
  dims: readonly number[],
): PairRisk | null {
  const rows = rowsOf(node, codes, dims);
  return rows === null ? null : riskOf(rows);
}

function rowsOf(node: NodeProto, codes: ArrayLike<number>, dims: readonly number[]): KernelRows | null {
  if (node.opType === 'Conv') return convolutionRows(codes, dims, intAttribute(node, 'group', 1));
  if (!has(node, 'product')) return null;
  return matrixRows(codes, dims, intAttribute(node, 'transB', 0) === 1);
}

/** How many pairs of the rows are at risk, in how many rows, and the worst sum. */
export function riskOf(rows: KernelRows): PairRisk {
  let pairsAtRisk = 0;
  let outputsAtRisk = 0;
  let worst = 0;
  scan(rows, (_output, row) => {
    const before = pairsAtRisk;
    for (let k = 0; k < row.length; k += 2) {
      const a = row[k]!;
      const b = row[k + 1]!;
      if (atRisk(a, b)) pairsAtRisk++;
      // Of opposite signs the larger alone is the most.
      const sum = a < 0 === b < 0 ? Math.abs(a + b) : Math.max(Math.abs(a), Math.abs(b));
      if (sum > worst) worst = sum;
    }

    if (pairsAtRisk > before) outputsAtRisk++;
  });

  const worstCase = (LARGEST_ACTIVATION * worst) / INT16_MAX;

  return { pairsAtRisk, outputs: rows.outputs, outputsAtRisk, worstCase };
}

/** Whether any pair is at risk. */
export function isAtRisk(rows: KernelRows): boolean {
  const row = evenRow(rows);
  for (let output = 0; output < rows.outputs; output++) {
    rows.read(output, row);
    for (let k = 0; k < row.length; k += 2) if (atRisk(row[k]!, row[k + 1]!)) return true;
  }

  return false;
}

/** The pairs at risk, by output. */
export function riskyPairs(rows: KernelRows): RiskyPairs {
  const outputs: number[] = [];
  const places: number[] = [];
  const weights: [number[], number[]] = [[], []];
  scan(rows, (output, row) => {
    for (let k = 0; k < row.length; k += 2) {
      if (!atRisk(row[k]!, row[k + 1]!)) continue;
      outputs.push(output);
      places.push(k);
      weights[0].push(row[k]!);
      weights[1].push(row[k + 1]!);
    }
  });

  return { outputs, places, weights };
}

/** Pairs of weights of one sign, that sign dropped, column by column, with the places of their activations. */
export interface PlacedPairs {
  readonly at: readonly [number[], number[]];
  readonly weights: readonly [number[], number[]];
}

/** Weights of 8 bits, without their sign. */
const MAGNITUDES = 129;

/**
 * Of all pairs at risk that read the same two activations those that can have the largest sum, whatever the activations
 * are: the corners of the convex hull of their weights. `place` tells where product `k` of an output is among `places`.
 */
export function largestPairs(
  rows: KernelRows,
  places: number,
  place: (output: number, k: number) => number,
): PlacedPairs {
  // By place and first weight: the largest second weight.
  const largest = new Uint8Array(places * MAGNITUDES);
  const second = new Int32Array(places).fill(-1);
  scan(rows, (output, row) => {
    for (let k = 0; k < row.length; k += 2) {
      if (!atRisk(row[k]!, row[k + 1]!)) continue;
      const offset = place(output, k);
      second[offset] = place(output, k + 1);
      const slot = offset * MAGNITUDES + Math.abs(row[k]!);
      largest[slot] = Math.max(largest[slot]!, Math.abs(row[k + 1]!));
    }
  });

  const placed: PlacedPairs = { at: [[], []], weights: [[], []] };
  second.forEach((next, index) => {
    if (next < 0) return;
    for (const [a, b] of corners(largest.subarray(index * MAGNITUDES, (index + 1) * MAGNITUDES))) {
      [index, next].forEach((value, side) => placed.at[side]!.push(value));
      [a, b].forEach((value, side) => placed.weights[side]!.push(value));
    }
  });

  return placed;
}

type Point = readonly [number, number];

/** The corners of the hull above and to the right of the points (index, value); a value of 0 is no point. */
function corners(values: Uint8Array): Point[] {
  const hull: Point[] = [];
  // From the largest index on, each next corner has a larger value.
  for (let index = values.length - 1; index >= 0; index--) {
    const point: Point = [index, values[index]!];
    if (point[1] <= (hull.at(-1)?.[1] ?? 0)) continue;
    while (hull.length > 1 && !turnsLeft(hull.at(-2)!, hull.at(-1)!, point)) hull.pop();
    hull.push(point);
  }

  return hull;
}

const turnsLeft = ([ax, ay]: Point, [bx, by]: Point, [cx, cy]: Point) =>
  (bx - ax) * (cy - by) > (by - ay) * (cx - bx);

function scan(rows: KernelRows, visit: (output: number, row: Int16Array) => void): void {
  const row = evenRow(rows);
  for (let output = 0; output < rows.outputs; output++) {
    rows.read(output, row);
    visit(output, row);
  }
}

/** Room for a row; the pair of the last of an odd number of products is 0. */
const evenRow = ({ length }: KernelRows) => new Int16Array(length + (length % 2));

/** Activations are free in 0…255, so only weights of one sign add up; 255·128 and −255·128 fit. */
const atRisk = (a: number, b: number) => a + b > 128 || a + b < -128;
