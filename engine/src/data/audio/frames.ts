import type { QuantizationConfig } from '@quantsmith/schemas';
import type { WavFile } from './wav.js';

type Written = NonNullable<QuantizationConfig['data']['calibration']['frames']>;

/** How files are cut, with every default filled in. */
export interface AudioFrames {
  /** Samples in a window; null: the whole file. */
  readonly length: number | null;
  readonly hop: number | null;
  readonly features: NonNullable<Written['features']>;
  readonly window: NonNullable<Written['window']>;
  readonly channel: number | null;
  readonly sequence: number;
}

export function framesOf(written: Written = {}): AudioFrames {
  return {
    length: written.length ?? null,
    hop: written.hop ?? null,
    features: written.features ?? 'waveform',
    window: written.window ?? 'none',
    channel: written.channel ?? null,
    sequence: written.sequence ?? 256,
  };
}

/** Windows of a file: the first begins at `from` (before the file where a streaming model has heard nothing yet). */
export interface FileWindows {
  readonly file: number;
  readonly from: number;
  readonly length: number;
  readonly hop: number;
  readonly count: number;
}

/**
 * The windows of a file. Those of a streaming model begin with length − hop zeros, so that each brings `hop` new samples; a
 * file shorter than a window is filled with zeros; what is left of a longer one at its end is no window.
 */
export function windowsOf(
  wav: WavFile,
  file: number,
  { length, hop }: AudioFrames,
  isStreaming: boolean,
): FileWindows {
  const size = length ?? wav.length;
  const step = hop ?? size;
  const lead = isStreaming ? Math.max(0, size - step) : 0;
  const count = Math.max(1, Math.floor((wav.length + lead - size) / step) + 1);
  return { file, from: -lead, length: size, hop: step, count };
}

/** Windows of one file that follow each other. */
export interface Stretch {
  readonly windows: FileWindows;
  readonly first: number;
  readonly count: number;
}

/** All windows, in stretches of at most `longest`; null: a stretch for each file. */
export function stretchesOf(files: readonly FileWindows[], longest: number | null): Stretch[] {
  return files.flatMap((windows) => {
    const size = Math.min(longest ?? windows.count, windows.count);
    return Array.from({ length: Math.ceil(windows.count / size) }, (_, i) => ({
      ...{ windows, first: i * size },
      count: Math.min(size, windows.count - i * size),
    }));
  });
}
