import { createHash } from 'node:crypto';
import type { Problem } from '@quantsmith/schemas';
import type { Sample, SampleSource } from './types.js';

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
  const distinct = await distinctSamples(source, count);
  const repeated = count - distinct;
  if (repeated <= MAX_SHARE * count) return [];

  return [
    {
      code: 'samples-alike',
      severity: 'warning',
      message: `${repeated} of the first ${count} ${role} samples are exact copies of others, which leaves ${distinct} distinct.`,
      configPath: ['data', role],
      data: { role, samples: count, distinct },
    },
  ];
}

/** Only samples that are alike in a few places are compared as a whole. */
async function distinctSamples(source: SampleSource, count: number): Promise<number> {
  const alike = new Map<string, number[]>();
  for (let index = 0; index < count; index++) {
    const sketch = sketchOf(await source.get(index));
    alike.set(sketch, [...(alike.get(sketch) ?? []), index]);
  }

  let distinct = 0;
  for (const indices of alike.values()) {
    if (indices.length === 1) {
      distinct++;
      continue;
    }

    const hashes = new Set<string>();
    for (const index of indices) hashes.add(hashOf(await source.get(index)));
    distinct += hashes.size;
  }

  return distinct;
}

const SKETCHED_VALUES = 64;

function sketchOf({ feeds }: Sample): string {
  const inputs = Object.entries(feeds).map(([name, { dims, data }]) => {
    const step = Math.max(1, Math.floor(data.length / SKETCHED_VALUES));
    const count = Math.ceil(data.length / step);
    return [name, dims, Array.from({ length: count }, (_, i) => String(data[i * step]))];
  });

  return JSON.stringify(inputs);
}

function hashOf({ feeds }: Sample): string {
  const hash = createHash('sha256');
  for (const [name, { dims, data }] of Object.entries(feeds)) {
    hash.update(JSON.stringify([name, dims]));
    hash.update(
      ArrayBuffer.isView(data)
        ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
        : JSON.stringify(data),
    );
  }

  return hash.digest('hex');
}
