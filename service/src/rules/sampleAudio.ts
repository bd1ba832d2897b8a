import { audioInput } from '@quantsmith/model/tasks';
import type { TensorSignature } from '@quantsmith/schemas';
import type { AudioFacts } from '../facts/facts.js';
import { shapeText, type Misfit, type Section } from './samplePixels.js';

/** What a run will refuse of audio: windows that are no input of the model, a rate or a channel that the files do not have. */
export function audioMisfit(
  section: Section,
  facts: AudioFacts | null,
  inputs: readonly TensorSignature[],
): Misfit | null {
  return (facts === null ? null : fileMisfit(section, facts)) ?? windowMisfit(section, inputs);
}

function fileMisfit({ sample_rate: wanted = null, frames }: Section, facts: AudioFacts): Misfit | null {
  const { name, rate, channels } = facts;
  if (wanted !== null && wanted !== rate)
    return {
      key: ['sample_rate'],
      message: `"${name}" has ${rate} samples per second, not ${wanted}, and nothing is resampled.`,
      mend: { path: ['sample_rate'], value: rate },
    };

  const channel = frames?.channel ?? null;
  return channel === null || channel < channels
    ? null
    : {
        key: ['frames', 'channel'],
        message: `"${name}" has ${channels === 1 ? 'one channel' : `${channels} channels`}, so that there is no channel ${channel}; they count from 0.`,
      };
}

/** Values of a window of some samples, as the model takes them (docs/data.md, Audio). */
const VALUES: Readonly<Record<string, (length: number) => number>> = {
  waveform: (length) => length,
  magnitude: (length) => Math.floor(length / 2) + 1,
  spectrum: (length) => 2 * (Math.floor(length / 2) + 1),
};
/** The samples that give so many values. */
const SAMPLES: Readonly<Record<string, (values: number) => number>> = {
  waveform: (values) => values,
  magnitude: (values) => 2 * (values - 1),
  spectrum: (values) => values - 2,
};

function windowMisfit({ frames, states = {}, constants = {} }: Section, inputs: readonly TensorSignature[]) {
  const input = audioInput(inputs, states, constants);
  // What feeds which input is said by other rules.
  if (typeof input === 'string' || input.unranked === true) return null;
  const { length = null, features = 'waveform' } = frames ?? {};
  const fixed = input.dims.filter((dim): dim is number => typeof dim === 'number' && dim > 0);
  const isWhole = fixed.length === input.dims.length;
  const values = fixed.reduce((product, dim) => product * dim, 1);
  const wanted = SAMPLES[features]?.(values) ?? 0;
  const takes = `the input "${input.name}" takes ${shapeText(input.dims)}`;
  const mend = isWhole && wanted > 0 ? { mend: { path: ['frames', 'length'] as const, value: wanted } } : {};
  // Files may all be as long as the input.
  if (length === null) return null;
  const given = VALUES[features]?.(length) ?? values;
  const rest = given / values;
  if (isWhole ? rest === 1 : Number.isInteger(rest)) return null;
  const message = `Windows of ${length} samples give ${given} values, but ${takes}.`;

  return { key: ['frames', 'length'], message, ...mend };
}
