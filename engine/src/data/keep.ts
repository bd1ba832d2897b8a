import type { Feeds, Results } from '../runtime/batch.js';
import type { Sample, SampleSource } from './types.js';

// Together with the images' own caches (IMAGE_CACHE_BYTES for each section) and those that are being decoded these come
// to 320 MB, whatever the sets: with what is on the way, a process stays below 500 MB more than its model needs.

/** Bytes of decoded samples that are kept. */
export const KEPT_BYTES = 96 * 2 ** 20;
/** The same for calibration samples: choices, corrections and checks read some of them again. */
export const KEPT_CALIBRATION_BYTES = 16 * 2 ** 20;
/** The same for the few samples that models are compared on. */
export const KEPT_CHECK_BYTES = 32 * 2 ** 20;

/** Bytes of decoded and cropped images that each section keeps; as inputs they take four times as much. */
export const IMAGE_CACHE_BYTES = 64 * 2 ** 20;

/** Bytes of images that are being decoded at once, in their own size; a larger one is decoded alone. */
export const DECODING_BYTES = 32 * 2 ** 20;

/**
 * The same source, which keeps the samples that were read first, up to `maxBytes`: a validation set that is read again
 * and again is decoded once, as far as it fits.
 */
export function keepSamples(source: SampleSource, maxBytes: number): SampleSource {
  const keep = keepFirst<Sample>(maxBytes, ({ feeds, sequence }) => bytesOf(sequence?.frames ?? [feeds]));
  return { ...source, get: (index) => keep(index, () => source.get(index)) };
}

/** What a model gave for a sample before, or gives now. */
export type KeptResults = (index: number, compute: () => Promise<Results>) => Promise<Results>;

/** Keeps the results that are computed first, up to `maxBytes`. */
export const keepResults = (maxBytes: number): KeptResults =>
  keepFirst(maxBytes, (results) => bytesOf([results]));

function keepFirst<T>(
  maxBytes: number,
  sizeOf: (value: T) => number,
): (index: number, make: () => Promise<T>) => Promise<T> {
  const kept = new Map<number, T>();
  let bytes = 0;

  return async (index, make) => {
    const known = kept.get(index);
    if (known !== undefined) return known;
    const value = await make();
    const size = sizeOf(value);
    if (bytes + size <= maxBytes && !kept.has(index)) {
      kept.set(index, value);
      bytes += size;
    }

    return value;
  };
}

function bytesOf(tensors: readonly Feeds[]): number {
  return tensors
    .flatMap((named) => Object.values(named))
    .reduce((sum, { data }) => sum + (ArrayBuffer.isView(data) ? data.byteLength : 64 * data.length), 0);
}
