import { asFloat32, type HostTensor } from '@quantsmith/model/arrays';
import type { Session } from '../runtime/session.js';

/** How close one output of a model comes to that of another, over all samples. */
export interface OutputAgreement {
  readonly name: string;
  /** 10·log10(Σx² / Σ(x−y)²); Infinity: equal; null: nothing to compare. */
  readonly sqnrDb: number | null;
  /**
   * The same with the signal's own mean taken off each column of the last axis, 10·log10(Σ(x−x̄)² / Σ(x−y)²): an offset that all
   * rows share says nothing, and hides noise. null: too few rows, or none differs from another.
   */
  readonly aboutMeanDb: number | null;
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

/** Sums over the rows of one column: of x, y, x², y², xy and (x−y)². */
const COLUMN_SUMS = 6;
/** Columns above which no sums are kept. */
const MAX_COLUMNS = 4096;

/**
 * Rows below which a correlation of columns says nothing, of all samples and of each: columns of one row a sample may be classes that
 * are in none.
 */
const MIN_ROWS = { all: 64, each: 5 };
/** Rows that a mean is taken of at least. */
const MIN_FOR_MEAN = 8;
/** Values that vary by less than this share of their power hardly vary: by 30 in a million. */
const NO_VARIANCE = 1e-9;

interface Sums {
  samples: number;
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
  samples: 0,
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
  sum.samples++;
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
  columns[first + 5]! += (x - y) ** 2;
}

/** Of the columns whose sums are kept. */
function aboutMeanOf({ columns, rows }: Sums): number | null {
  if (rows < MIN_FOR_MEAN) return null;
  let [power, variation, noise] = [0, 0, 0];
  for (let first = 0; first < columns.length; first += COLUMN_SUMS) {
    const [x = 0, , xx = 0, , , errors = 0] = columns.subarray(first, first + COLUMN_SUMS);
    power += xx;
    variation += xx - (x * x) / rows;
    noise += errors;
  }

  if (!(variation > NO_VARIANCE * power)) return null;
  // Rows lie closer to their own mean than to the one of all that there could be.
  return decibelsOf((variation * rows) / (rows - 1), noise);
}

const decibelsOf = (signal: number, noise: number): number =>
  noise === 0 ? Number.POSITIVE_INFINITY : 10 * Math.log10(signal / noise);

/** Pearson's correlation of a column; null where the expected values hardly vary. */
function correlation(columns: Float64Array, first: number, rows: number): number | null {
  const [x = 0, y = 0, xx = 0, yy = 0, xy = 0] = columns.subarray(first, first + COLUMN_SUMS);
  const varianceX = xx - (x * x) / rows;
  const varianceY = yy - (y * y) / rows;
  if (varianceX <= NO_VARIANCE * xx || varianceX === 0) return null;
  return varianceY <= 0 ? 0 : (xy - (x * y) / rows) / Math.sqrt(varianceX * varianceY);
}

function weakCorrelationOf({ columns, rows, samples }: Sums): number | null {
  if (rows < MIN_ROWS.all || rows < MIN_ROWS.each * samples) return null;
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
    sqnrDb: isEmpty ? null : decibelsOf(signal, noise),
    aboutMeanDb: aboutMeanOf(sum),
    cosine: signal === 0 || power === 0 ? null : Math.min(1, product / Math.sqrt(signal * power)),
    agreement: positions === 0 ? null : agreeing / positions,
    weakCorrelation: weakCorrelationOf(sum),
  };
}
