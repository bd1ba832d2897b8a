import type { ModelSummary, QuantizationConfig } from '@quantsmith/schemas';
import { audioInput, streamingStates } from './streaming.js';

type Section = QuantizationConfig['data']['calibration'];

/** What a data section of audio says besides its path. */
export type AudioSettings = Required<Pick<Section, 'frames' | 'states' | 'constants'>>;

/** What a model of audio takes, as far as its shapes tell. */
export interface AudioDraft {
  readonly settings: AudioSettings;
  /** What is not known and must be what the model was trained with, as sentences. */
  readonly remarks: readonly string[];
}

/** Of an input that takes any number of samples a step at a time. */
const FREE_LENGTH = 512;
/** Fewer samples are no window. */
const MIN_WINDOW = 64;
const USUAL_RATE = 16_000;
const isFixed = (dim: number | string): dim is number => typeof dim === 'number' && dim > 0;

/** How .wav files may feed a model; null: not as far as its shapes tell. */
export function audioDraft({ inputs, outputs }: Pick<ModelSummary, 'inputs' | 'outputs'>): AudioDraft | null {
  const states = streamingStates(inputs, outputs);
  const scalars = inputs.filter(({ type, dims }) => /^u?int/.test(type) && dims.every((dim) => dim === 1));
  const constants = Object.fromEntries(scalars.map(({ name }) => [name, USUAL_RATE]));
  const input = audioInput(inputs, states, constants);
  if (typeof input === 'string' || !input.type.startsWith('float')) return null;
  const isStreaming = Object.keys(states).length > 0;
  const frames = framesFor(input.dims, isStreaming);
  if (frames === null) return null;
  const remarks = [
    ...(frames.features === undefined ? [] : ['Unknown: hop and window must match training.']),
    ...(isStreaming && frames.length === FREE_LENGTH && frames.features === undefined
      ? ['Unknown: how many samples a step takes.']
      : []),
    ...(scalars.length > 0
      ? [`Taken for the sample rate: ${scalars.map(({ name }) => name).join(', ')}.`]
      : []),
  ];

  return { settings: { frames, states, constants }, remarks };
}

/** Windows that become an input of these dimensions; null: none would. */
function framesFor(dims: readonly (number | string)[], isStreaming: boolean): AudioSettings['frames'] | null {
  const fixed = dims.filter(isFixed).filter((dim) => dim !== 1);
  const [bins = 0, parts] = fixed;
  if (isSpectrum(bins) && (fixed.length === 1 || (fixed.length === 2 && parts === 2))) {
    const length = 2 * (bins - 1);
    const half = { length, hop: length / 2 };
    return parts === 2
      ? { ...half, features: 'spectrum', window: 'sqrt_hann' }
      : { ...half, features: 'magnitude', window: 'hann' };
  }

  if (fixed.length === 1 && dims.length <= 3 && bins >= MIN_WINDOW) return { length: bins };
  if (fixed.length > 0 || dims.length > 3) return null;

  return isStreaming ? { length: FREE_LENGTH } : {};
}

/** 33, 65, 129, 257, …: half of a power of two, and one. */
const isSpectrum = (bins: number) => bins >= 33 && Number.isInteger(Math.log2(bins - 1));
