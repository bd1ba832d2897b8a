import type { Range } from '../ranges/parameters.js';

/** A streaming histogram: keeps counts, never values. */
export interface Histogram {
  readonly add: (values: Float32Array) => void;
  /** The range with the smallest squared error of an 8-bit quantizer on the counts. */
  readonly range: () => Range;
}

const BINS = 2048;
const LEVELS = 256;
/** Width of the range while only one value has been seen. */
const POINT_WIDTH = 1e-6;

/**
 * 2048 bins over the range seen so far. When a sample reaches further, the range grows and old counts are spread over the
 * bins that they overlap. The clip search follows NNCF's HISTOGRAM aggregator: starting from the full range, the tail
 * with fewer counts is cut in steps of 1e-5 of the mass as long as the squared quantization error falls.
 * In symmetric mode the wider of the two borders found is taken for both.
 */
export function createHistogram(options: {
  readonly symmetric: boolean;
  readonly clip?: { readonly low: number; readonly high: number };
  readonly bins?: number;
}): Histogram {
  const bins = options.bins ?? BINS;
  const clipLow = options.clip?.low ?? Number.NEGATIVE_INFINITY;
  const clipHigh = options.clip?.high ?? Number.POSITIVE_INFINITY;
  let counts = new Float64Array(bins);
  let low = 0;
  let high = 0;
  let seen = false;

  const include = (min: number, max: number) => {
    if (!seen) {
      [low, high, seen] = [min, max === min ? min + POINT_WIDTH : max, true];
    } else if (min < low || max > high) {
      const range = { low: Math.min(min, low), high: Math.max(max, high) };
      counts = respread(counts, { low, high }, range);
      ({ low, high } = range);
    }
  };

  return {
    add(values) {
      if (values.length === 0) return;
      let min = Number.POSITIVE_INFINITY;
      let max = Number.NEGATIVE_INFINITY;
      for (let i = 0; i < values.length; i++) {
        const value = values[i]!;
        if (value < min) min = value;
        if (value > max) max = value;
      }

      const cut = (value: number) => Math.min(clipHigh, Math.max(clipLow, value));
      include(cut(min), cut(max));
      const factor = bins / (high - low);
      const last = bins - 1;
      for (let i = 0; i < values.length; i++) {
        // Truncating is flooring here; cut values fall into the first and the last bin.
        const place = Math.trunc((values[i]! - low) * factor);
        const bin = place > last ? last : place < 0 ? 0 : place;
        counts[bin] = counts[bin]! + 1;
      }
    },
    range() {
      const [start, end] = searchClip(counts);
      const width = (high - low) / bins;
      const min = low + start * width;
      const max = low + (end + 1) * width;
      const reach = options.symmetric ? Math.max(Math.abs(min), Math.abs(max)) : max;
      return { min: Float32Array.of(min), max: Float32Array.of(reach) };
    },
  };
}

interface Borders {
  readonly low: number;
  readonly high: number;
}

/** Counts over a wider range with as many bins: each old bin's mass lies evenly in it and overlaps at most two new ones. */
function respread(old: Float64Array, from: Borders, to: Borders): Float64Array<ArrayBuffer> {
  const bins = old.length;
  const oldWidth = (from.high - from.low) / bins;
  const width = (to.high - to.low) / bins;
  const counts = new Float64Array(bins);
  for (let bin = 0; bin < bins; bin++) {
    const mass = old[bin]!;
    if (mass === 0) continue;
    const start = (from.low + bin * oldWidth - to.low) / width;
    const place = Math.min(bins - 1, Math.max(0, Math.floor(start)));
    const inside = Math.min(1, Math.max(0, ((place + 1 - start) * width) / oldWidth));
    counts[place] = counts[place]! + mass * inside;
    if (inside < 1) {
      const next = Math.min(bins - 1, place + 1);
      counts[next] = counts[next]! + mass * (1 - inside);
    }
  }

  return counts;
}

/** First and last bin kept. */
function searchClip(counts: Float64Array): [number, number] {
  const total = counts.reduce((sum, count) => sum + count, 0);
  const cumulative = new Float64Array(counts.length);
  counts.reduce((sum, count, bin) => (cumulative[bin] = sum + count), 0);
  const step = 1e-5;
  let [start, end] = [0, counts.length - 1];
  let best = Number.POSITIVE_INFINITY;
  for (let alpha = 0, beta = 1; alpha < beta;) {
    const nextAlpha = alpha + step;
    const nextBeta = beta - step;
    let left = start;
    let right = end;
    while (left < end && cumulative[left]! < nextAlpha * total) left++;
    while (right > start && cumulative[right]! > nextBeta * total) right--;
    let [nextStart, nextEnd] = [start, end];
    if (left - start > end - right) [nextStart, alpha] = [left, nextAlpha];
    else [nextEnd, beta] = [right, nextBeta];
    if (nextStart === start && nextEnd === end) continue;
    const error = quantizationError(counts, nextStart, nextEnd);
    if (error > best) break;
    [best, start, end] = [error, nextStart, nextEnd];
  }

  return [start, end];
}

/** Σ over bins of ∫(x − q(x))² for 256 levels over the kept bins; the density inside a bin is even. */
function quantizationError(counts: Float64Array, start: number, end: number): number {
  const width = (end - start + 1) / LEVELS;
  if (width === 0) return 0;
  let error = 0;
  for (let bin = 0; bin < counts.length; bin++) {
    const density = counts[bin]!;
    if (density === 0) continue;
    const from = bin - start;
    const to = from + 1;
    const first = Math.min(LEVELS - 1, Math.max(0, Math.floor(from / width)));
    const last = Math.min(LEVELS - 1, Math.max(0, Math.floor(to / width)));
    const firstCentre = (first + 0.5) * width;
    if (first === last) {
      error += density * cubic(from - firstCentre, to - firstCentre);
      continue;
    }

    error += density * cubic(from - firstCentre, width / 2);
    error += (last - first - 1) * density * cubic(-width / 2, width / 2);
    error += density * cubic(-width / 2, to - (last + 0.5) * width);
  }

  return error;
}

const cubic = (from: number, to: number) => (to * to * to - from * from * from) / 3;
