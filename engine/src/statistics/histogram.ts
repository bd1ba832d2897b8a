import type { Range } from '../ranges/parameters.js';

/** A streaming histogram: keeps counts, never values. */
export interface Histogram {
  readonly add: (values: Float32Array) => void;
  /** The range with the smallest squared error of an 8-bit quantizer on the counts. */
  readonly range: () => Range;
}

const BINS = 2048;
const LEVELS = 256;

/**
 * 2048 bins over the range seen so far. When a sample reaches further, the range grows and old counts move to the bins
 * that their centres fall into. The clip search follows NNCF's HISTOGRAM aggregator: starting from the full range, the
 * tail with fewer counts is cut in steps of 1e-5 of the mass as long as the squared quantization error falls.
 */
export function createHistogram(options: { readonly symmetric: boolean }): Histogram {
  let counts = new Float64Array(BINS);
  let low = 0;
  let high = 0;
  let seen = false;

  const grow = (newLow: number, newHigh: number) => {
    const old = counts;
    const oldWidth = (high - low) / BINS;
    const [oldLow] = [low];
    counts = new Float64Array(BINS);
    low = newLow;
    high = newHigh;
    const width = (high - low) / BINS;
    for (let bin = 0; bin < BINS; bin++) {
      if (old[bin] === 0) continue;
      const centre = oldWidth === 0 ? oldLow : oldLow + (bin + 0.5) * oldWidth;
      const place = Math.min(BINS - 1, Math.max(0, Math.floor((centre - low) / width)));
      counts[place] = counts[place]! + old[bin]!;
    }
  };

  return {
    add(values) {
      let min = Number.POSITIVE_INFINITY;
      let max = Number.NEGATIVE_INFINITY;
      for (let i = 0; i < values.length; i++) {
        const value = values[i]!;
        if (value < min) min = value;
        if (value > max) max = value;
      }
      if (values.length === 0) return;
      if (!seen) [low, high, seen] = [min, max === min ? min + 1e-6 : max, true];
      else if (min < low || max > high) grow(Math.min(min, low), Math.max(max, high));
      const factor = BINS / (high - low);
      for (let i = 0; i < values.length; i++) {
        const bin = Math.min(BINS - 1, Math.floor((values[i]! - low) * factor));
        counts[bin] = counts[bin]! + 1;
      }
    },
    range() {
      const [start, end] = searchClip(counts);
      const width = (high - low) / BINS;
      const min = low + start * width;
      const max = low + (end + 1) * width;
      const reach = options.symmetric ? Math.max(Math.abs(min), Math.abs(max)) : max;
      return { min: Float32Array.of(min), max: Float32Array.of(reach) };
    },
  };
}

/** First and last bin kept. */
function searchClip(counts: Float64Array): [number, number] {
  const total = counts.reduce((sum, count) => sum + count, 0);
  const cumulative = new Float64Array(BINS);
  counts.reduce((sum, count, bin) => (cumulative[bin] = sum + count), 0);
  const step = 1e-5;
  let [start, end] = [0, BINS - 1];
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
  for (let bin = 0; bin < BINS; bin++) {
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
