import { halfEven } from './halfEven.js';
import type { Pixels, Preprocess } from './preprocess.js';

interface Size {
  readonly width: number;
  readonly height: number;
}

type Interpolation = NonNullable<Preprocess['interpolation']>;

/**
 * Scales an image as Pillow does, to the bit (Pillow's Resample.c and Geometry.c): what becomes one pixel is averaged over with
 * the interpolation's kernel, which is as wide as the pixel is in the source; rows first, then columns, each rounded to bytes.
 */
export function resample(pixels: Pixels, size: Size, interpolation: Interpolation): Pixels {
  if (interpolation === 'nearest') return nearest(pixels, size);
  const kernel = KERNELS[interpolation];
  const wide =
    size.width === pixels.width ? pixels : alongRows(pixels, tapsOf(pixels.width, size.width, kernel));

  return size.height === pixels.height
    ? wide
    : alongColumns(wide, tapsOf(pixels.height, size.height, kernel));
}

interface Kernel {
  /** Pixels to either side of its centre. */
  readonly support: number;
  readonly weightAt: (x: number) => number;
}

const sinc = (x: number) => (x === 0 ? 1 : Math.sin(x * Math.PI) / (x * Math.PI));

const KERNELS: Readonly<Record<Exclude<Interpolation, 'nearest'>, Kernel>> = {
  bilinear: { support: 1, weightAt: (x) => Math.max(0, 1 - Math.abs(x)) },
  bicubic: { support: 2, weightAt: (x) => cubic(Math.abs(x)) },
  lanczos: { support: 3, weightAt: (x) => (x >= -3 && x < 3 ? sinc(x) * sinc(x / 3) : 0) },
};

/** Keys' cubic convolution with a = −0.5. */
function cubic(x: number): number {
  if (x < 1) return (1.5 * x - 2.5) * x * x + 1;
  return x < 2 ? ((-0.5 * x + 2.5) * x - 4) * x + 2 : 0;
}

/** What makes a pixel: the source's pixels [first, first + count), with weights from `start` on. */
interface Taps {
  readonly firsts: Int32Array;
  readonly counts: Int32Array;
  readonly starts: Int32Array;
  /** In units of 2^−BITS; those of a pixel come to 1. */
  readonly weights: Int32Array;
}

/** A byte times a weight, summed, stays below 2^31. */
const BITS = 22;
const HALF = 1 << (BITS - 1);

function tapsOf(from: number, to: number, { support, weightAt }: Kernel): Taps {
  const scale = from / to;
  const stretch = Math.max(1, scale);
  const reach = support * stretch;
  const [firsts, counts, starts] = [new Int32Array(to), new Int32Array(to), new Int32Array(to)];
  const weights: number[] = [];
  for (let pixel = 0; pixel < to; pixel++) {
    const centre = (pixel + 0.5) * scale;
    const first = Math.max(0, Math.trunc(centre - reach + 0.5));
    const end = Math.min(from, Math.trunc(centre + reach + 0.5));
    const raw = Array.from({ length: end - first }, (_, tap) =>
      weightAt((first + tap - centre + 0.5) / stretch),
    );
    const sum = raw.reduce((total, weight) => total + weight, 0);
    firsts[pixel] = first;
    counts[pixel] = raw.length;
    starts[pixel] = weights.length;
    for (const weight of raw) weights.push(roundAway((weight / sum) * 2 ** BITS));
  }

  return { firsts, counts, starts, weights: Int32Array.from(weights) };
}

const roundAway = (x: number) => Math.trunc(x < 0 ? x - 0.5 : x + 0.5);

/** A clamped array would round again: this cuts off the fraction first. */
const toByte = (sum: number) => Math.max(0, Math.min(255, sum >> BITS));

function alongRows({ data, width, height, channels }: Pixels, taps: Taps): Pixels {
  const { firsts, counts, starts, weights } = taps;
  const made = firsts.length;
  const result = new Uint8Array(made * height * channels);
  let write = 0;
  for (let row = 0; row < height; row++) {
    for (let pixel = 0; pixel < made; pixel++) {
      const begin = (row * width + firsts[pixel]!) * channels;
      const [start, end] = [starts[pixel]!, starts[pixel]! + counts[pixel]!];
      for (let channel = 0; channel < channels; channel++) {
        let sum = HALF;
        for (let tap = start, read = begin + channel; tap < end; tap++, read += channels)
          sum += Math.imul(data[read]!, weights[tap]!);
        result[write++] = toByte(sum);
      }
    }
  }

  return { data: result, width: made, height, channels };
}

function alongColumns({ data, width, channels }: Pixels, taps: Taps): Pixels {
  const { firsts, counts, starts, weights } = taps;
  const height = firsts.length;
  const line = width * channels;
  const result = new Uint8Array(line * height);
  const sums = new Int32Array(line);
  for (let row = 0; row < height; row++) {
    sums.fill(HALF);
    for (let tap = 0; tap < counts[row]!; tap++) {
      const weight = weights[starts[row]! + tap]!;
      const begin = (firsts[row]! + tap) * line;
      for (let i = 0; i < line; i++) sums[i]! += Math.imul(data[begin + i]!, weight);
    }

    for (let i = 0; i < line; i++) result[row * line + i] = toByte(sums[i]!);
  }

  return { data: result, width, height, channels };
}

/** Each pixel is the one that its centre falls into. */
function nearest({ data, width, height, channels }: Pixels, size: Size): Pixels {
  const columns = centresOf(width, size.width);
  const rows = centresOf(height, size.height);
  const result = new Uint8Array(size.width * size.height * channels);
  let write = 0;
  for (const row of rows) {
    for (const column of columns) {
      const read = (row * width + column) * channels;
      for (let channel = 0; channel < channels; channel++) result[write++] = data[read + channel]!;
    }
  }

  return { data: result, ...size, channels };
}

/** Places are added up, as Pillow does: where a centre lies between two pixels, rounding decides. */
function centresOf(from: number, to: number): Int32Array {
  const scale = from / to;
  let place = scale * 0.5;
  return Int32Array.from({ length: to }, () => {
    const pixel = Math.min(from - 1, Math.floor(place));
    place += scale;
    return pixel;
  });
}

/**
 * Bilinear scaling from the four nearest pixels alone, as OpenCV's INTER_LINEAR does it, to the bit (OpenCV's resize.cpp, bytes):
 * pixel i of the result is at (i + 0.5) · from / to − 0.5 of the source; shares are multiples of 2^−11.
 */
export function resampleFromFour(pixels: Pixels, { width, height }: Size): Pixels {
  const columns = neighboursOf(pixels.width, width).map((pair) => withinEdges(pair, pixels.width));
  const size = width * pixels.channels;
  const data = new Uint8Array(size * height);
  // A line of the source is often the lower one of a row and the upper one of the next.
  let lines = new Map<number, Int32Array>();
  const lineAt = (row: number) => {
    const line = Math.min(pixels.height - 1, Math.max(0, row));
    const made = lines.get(line) ?? lineBetween(pixels, line, columns);
    lines.set(line, made);
    return made;
  };

  neighboursOf(pixels.height, height).forEach(({ first, second, firstShare, secondShare }, row) => {
    const [upper, lower] = [lineAt(first), lineAt(second)];
    lines = new Map([...lines].slice(-2));
    for (let i = 0; i < size; i++) {
      const sum = ((upper[i]! * firstShare) >> 16) + ((lower[i]! * secondShare) >> 16);
      data[row * size + i] = (sum + 2) >> 2;
    }
  });

  return { data, width, height, channels: pixels.channels };
}

/** A line of the source at the columns of the result, in units of 2^−7. */
function lineBetween(
  { data, width, channels }: Pixels,
  line: number,
  columns: readonly Neighbours[],
): Int32Array {
  const result = new Int32Array(columns.length * channels);
  let write = 0;
  for (const { first, second, firstShare, secondShare } of columns) {
    const left = (line * width + first) * channels;
    const right = (line * width + second) * channels;
    for (let channel = 0; channel < channels; channel++)
      result[write++] = (data[left + channel]! * firstShare + data[right + channel]! * secondShare) >> 4;
  }

  return result;
}

/** Two pixels of the source, which may lie beyond its edges, and their shares in units of 2^−11. */
interface Neighbours {
  readonly first: number;
  readonly second: number;
  readonly firstShare: number;
  readonly secondShare: number;
}

const ONE = 2 ** 11;

function neighboursOf(from: number, to: number): Neighbours[] {
  return Array.from({ length: to }, (_, index) => {
    const place = Math.fround(((index + 0.5) * from) / to - 0.5);
    const first = Math.floor(place);
    const share = Math.fround(place - first);
    return {
      ...{ first, second: first + 1, secondShare: halfEven(share * ONE) },
      firstShare: halfEven(Math.fround(1 - share) * ONE),
    };
  });
}

/** Columns at the edges are taken alone; rows are split between two that are the same, which rounds otherwise. */
function withinEdges(pair: Neighbours, length: number): Neighbours {
  if (pair.first >= 0 && pair.second < length) return pair;
  const edge = pair.first < 0 ? 0 : length - 1;
  return { first: edge, second: edge, firstShare: ONE, secondShare: 0 };
}
