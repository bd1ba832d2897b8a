import { spreadOf } from '../data/spread.js';
import type { Sample } from '../data/types.js';
import type { Quantization } from '../quantize/quantization.js';
import type { Workers } from '../runtime/workers.js';
import type { Alternative } from './alternatives.js';
import { originalName } from '../placement/overrides.js';
import { quantizerNoise } from '../measure/layerNoise.js';

/** Samples on which the quantizers' own noise is looked at: one of so many, at least two, spread over those that are compared. */
const NOISE_SAMPLES = { least: 2, oneOf: 8 };
/** A quantizer that adds more noise than this by itself, in dB below the signal, may ruin what comes after it. */
const COLLAPSE_DB = [-5, -10, -15, -20] as const;
/** At most this share of the operators with weights goes to float, and never fewer than two. */
const FLOAT_SHARE = 0.05;

export const NO_OVERRIDES: Alternative = { value: 'none', change: { overrides: [] } };

/** The samples on which the quantizers' own noise is looked at, in steps that are all as long. */
export function someOf<T>(samples: readonly T[]): T[] {
  const { least, oneOf } = NOISE_SAMPLES;
  const count = Math.min(samples.length, Math.max(least, Math.ceil(samples.length / oneOf)));
  return spreadOf(samples.slice(0, samples.length - (samples.length % count)), count);
}

/** None, and the sets of operators around the quantizers that add most noise, each larger than the one before. */
export async function collapsedLayers(
  quantization: Quantization,
  samples: readonly Sample[],
  workers: Workers,
): Promise<Alternative[]> {
  const noise = await quantizerNoise(quantization, someOf(samples), workers);
  const { prepared, placement } = quantization;
  const weighted = new Set(placement.weights.flatMap(({ targets }) => targets.map(({ node }) => node)));
  const maxOperators = Math.max(2, Math.floor(FLOAT_SHARE * weighted.size));

  const alternatives = new Map<string, Alternative>();
  for (const limit of COLLAPSE_DB) {
    const operators = noise
      .filter(({ noiseDb }) => noiseDb > limit)
      .sort((a, b) => b.noiseDb - a.noiseDb)
      .flatMap((quantizer) => quantizer.operators);

    const names = [...new Set(operators)]
      .slice(0, maxOperators)
      .flatMap((name) => originalName(prepared, name) ?? []);
    if (names.length === 0) continue;
    const value = JSON.stringify([{ names, float: true }]);
    alternatives.set(value, { value, change: { overrides: [{ names, float: true }] } });
  }

  return [NO_OVERRIDES, ...alternatives.values()];
}
