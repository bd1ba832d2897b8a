import { createHash } from 'node:crypto';
import type { SampleSource } from './types.js';

/** `count` indices from `from` up to `to`, evenly spread (sets are often sorted by class); all of them where there are no more. */
export function spreadIndices(from: number, to: number, count: number): number[] {
  const chosen = Math.min(count, to - from);
  return Array.from({ length: chosen }, (_, i) => from + Math.floor((i * (to - from)) / chosen));
}

/** At most `count` of these values, evenly spread. */
export function spreadOf<T>(values: readonly T[], count: number): T[] {
  const indices = new Set(spreadIndices(0, values.length, count));
  return values.filter((_, index) => indices.has(index));
}

/** So many samples of a source, spread over it: the first ones may all be of one class. */
export function spreadSamples(source: SampleSource, count: number): SampleSource {
  if (count >= source.count) return source;
  const indices = spreadIndices(0, source.count, count);
  return {
    ...source,
    count,
    get: (index) => source.get(indices[index]!),
    async fingerprint() {
      const whole = await source.fingerprint();
      return createHash('sha256').update(`${whole}\n${count} of ${source.count}\n`).digest('hex');
    },
  };
}
