import { asFloat32, type HostTensor } from '@quantsmith/model/arrays';
import type { Session } from '../runtime/session.js';

/** How close one output of a model comes to that of another, over all samples. */
export interface OutputAgreement {
  readonly name: string;
  /** 10·log10(Σx² / Σ(x−y)²); Infinity: equal; null: nothing to compare. */
  readonly sqnrDb: number | null;
  /** Σxy / √(Σx²·Σy²), from −1 to 1; null where one of them is all zero. */
  readonly cosine: number | null;
  /**
   * Share of positions at which the largest value along the last axis has the same index; null where that axis has less
   * than two values.
   */
  readonly agreement: number | null;
  /**
   * Correlation with the other model along each column of the last axis, of the column that stands a tenth of the way up from
   * the worst; null where there are too few rows to tell. It shows a part of an output that is lost beside a large one that
   * is not: scores beside boxes.
   */
  readonly weakCorrelation: number | null;
}

/** Sums over the rows of one column: of x, y, x², y² and xy. */
const COLUMN_SUMS = 5;

/** Rows below which a correlation of columns says nothing, and columns above which it is not kept. */
const MIN_ROWS = 64;
const MAX_COLUMNS = 4096;

interface Sums {
  rows: number;
  /** `COLUMN_SUMS` of each column. */
  columns: Float64Array;
  signal: number;
  noise: number;
  product: number;
  power: number;
  positions: number;
  agreeing: number;
}

/** Names of the outputs that are tensors. */
export const comparableOutputs = ({ outputs }: Session): string[] =>
  outputs.filter(({ type }) => type !== 'sequence').map(({ name }) => name);

/** Compares the outputs of two models sample by sample. */
export interface OutputComparison {
  readonly add: (
    expected: Readonly<Record<string, HostTensor>>,
    actual: Readonly<Record<string, HostTensor>>,
  ) => void;
  readonly result: () => OutputAgreement[];
}

export function compareOutputs(names: readonly string[]): OutputComparison {
  const sums = new Map<string, Sums>(names.map((name) => [name, newSums()]));
  return {
    add(expected, actual) {
      for (const [name, sum] of sums) addPair(sum, expected[name], actual[name]);
    },
    result: () => [...sums].map(([name, sum]) => agreementOf(name, sum)),
  };
}

const newSums = (): Sums => ({
  rows: 0,
  columns: new Float64Array(0),
  signal: 0,
  noise: 0,
  product: 0,
  power: 0,
  positions: 0,
  agreeing: 0,
});

function addPair(sum: Sums, expected: HostTensor | undefined, actual: HostTensor | undefined): void {
  if (expected === undefined || actual === undefined) return;
  const [x, y] = [numbersOf(expected), numbersOf(actual)];
  if (x === null || y?.length !== x.length) return;
  const row = expected.dims.at(-1) ?? 1;
  sum.columns = withRoom(sum.columns, COLUMN_SUMS * Math.min(row, MAX_COLUMNS));
  for (let start = 0; start < x.length; start += row) addRow(sum, x, y, start, row);
}

function withRoom(values: Float64Array, length: number): Float64Array {
  if (values.length >= length) return values;
  const larger = new Float64Array(length);
  larger.set(values);
  return larger;
}

function addRow(sum: Sums, x: Float32Array, y: Float32Array, start: number, length: number): void {
  const { columns } = sum;
  // Outputs of detectors have millions of rows of two or four values: no lists here.
  let signal = 0;
  let noise = 0;
  let product = 0;
  let power = 0;
  let largestX = start;
  let largestY = start;
  for (let i = start; i < start + length; i++) {
    const expected = x[i]!;
    const actual = y[i]!;
    const error = expected - actual;
    signal += expected * expected;
    noise += error * error;
    product += expected * actual;
    power += actual * actual;
    addToColumn(columns, COLUMN_SUMS * (i - start), expected, actual);
    if (expected > x[largestX]!) largestX = i;
    if (actual > y[largestY]!) largestY = i;
  }

  sum.signal += signal;
  sum.noise += noise;
  sum.product += product;
  sum.power += power;
  sum.rows++;
  if (length < 2) return;
  sum.positions++;
  if (largestX === largestY) sum.agreeing++;
}

/** `first`: where the column's sums begin. */
function addToColumn(columns: Float64Array, first: number, x: number, y: number): void {
  if (first >= columns.length) return;
  columns[first]! += x;
  columns[first + 1]! += y;
  columns[first + 2]! += x * x;
  columns[first + 3]! += y * y;
  columns[first + 4]! += x * y;
}

/** Pearson's correlation of a column; null where the expected values hardly vary. */
function correlation(columns: Float64Array, first: number, rows: number): number | null {
  const [x = 0, y = 0, xx = 0, yy = 0, xy = 0] = columns.subarray(first, first + COLUMN_SUMS);
  const varianceX = xx - (x * x) / rows;
  const varianceY = yy - (y * y) / rows;
  if (varianceX <= 1e-9 * xx || varianceX === 0) return null;
  return varianceY <= 0 ? 0 : (xy - (x * y) / rows) / Math.sqrt(varianceX * varianceY);
}

function weakCorrelationOf({ columns, rows }: Sums): number | null {
  if (rows < MIN_ROWS) return null;
  const count = columns.length / COLUMN_SUMS;
  const sorted = Array.from({ length: count }, (_, column) =>
    correlation(columns, COLUMN_SUMS * column, rows),
  )
    .filter((value) => value !== null)
    .sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 10)] ?? null;
}

/** Floating-point values, or integers as such; null for text. */
function numbersOf(tensor: HostTensor): Float32Array | null {
  if (tensor.type === 'string') return null;
  if (tensor.type.startsWith('float')) return asFloat32(tensor).data as Float32Array;
  return Float32Array.from(tensor.data as ArrayLike<number | bigint> as Float32Array, Number);
}

function agreementOf(name: string, sum: Sums): OutputAgreement {
  const { signal, noise, product, power, positions, agreeing } = sum;
  const isEmpty = signal === 0 && noise === 0;
  return {
    name,
    sqnrDb: isEmpty ? null : noise === 0 ? Number.POSITIVE_INFINITY : 10 * Math.log10(signal / noise),
    cosine: signal === 0 || power === 0 ? null : Math.min(1, product / Math.sqrt(signal * power)),
    agreement: positions === 0 ? null : agreeing / positions,
    weakCorrelation: weakCorrelationOf(sum),
  };
}
