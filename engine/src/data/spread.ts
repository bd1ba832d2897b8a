import { createHash } from 'node:crypto';
import type { SampleSource } from './types.js';

/** So many samples of a source, spread over it: the first ones may all be of one class. */
export function spreadSamples(source: SampleSource, count: number): SampleSource {
  if (count >= source.count) return source;
  return {
    ...source,
    count,
    get: (index) => source.get(Math.floor((index * source.count) / count)),
    async fingerprint() {
      const whole = await source.fingerprint();
      return createHash('sha256').update(`${whole}\n${count} of ${source.count}\n`).digest('hex');
    },
  };
}
