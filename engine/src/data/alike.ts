import { createHash } from 'node:crypto';
import type { Problem } from '@quantsmith/schemas';
import type { SampleSource } from './types.js';

/** Samples that are looked at, from the first on. */
const LOOKED_AT = 64;
/** Samples below which a repetition says nothing, and the share of repetitions that is worth a word. */
const MIN_SAMPLES = 4;
const MAX_SHARE = 0.2;

/** Says so where many of the first samples are the same to the bit: they count as one. */
export async function alikeProblems(
  source: SampleSource,
  role: 'calibration' | 'validation',
  used = source.count,
): Promise<Problem[]> {
  const count = Math.min(LOOKED_AT, source.count, used);
  if (count < MIN_SAMPLES) return [];
  const seen = new Set<string>();
  for (let index = 0; index < count; index++) {
    const { feeds } = await source.get(index);
    const hash = createHash('sha256');
    for (const [name, { dims, data }] of Object.entries(feeds)) {
      hash.update(JSON.stringify([name, dims]));
      hash.update(
        ArrayBuffer.isView(data)
          ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
          : JSON.stringify(data),
      );
    }

    seen.add(hash.digest('hex'));
  }

  const repeated = count - seen.size;
  if (repeated <= MAX_SHARE * count) return [];

  return [
    {
      code: 'samples-alike',
      severity: 'warning',
      message: `${repeated} of the first ${count} ${role} samples are exact copies of others, which leaves ${seen.size} distinct.`,
      configPath: ['data', role],
      data: { role, samples: count, distinct: seen.size },
    },
  ];
}
