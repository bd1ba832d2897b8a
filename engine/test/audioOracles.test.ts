import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { openData } from '../src/data/source.js';
import type { DataSection } from '../src/data/types.js';

// What soundfile reads and numpy transforms: bench/oracles/audio.py wrote files and figures.

type Window = NonNullable<NonNullable<DataSection['frames']>['window']>;
type ByWindow = Readonly<Record<Window, readonly number[]>>;

interface Sound {
  readonly file: string;
  readonly rate: number;
  readonly channels: readonly (readonly number[])[];
  readonly mixed: readonly number[];
  readonly magnitude: ByWindow;
  readonly spectrum: ByWindow;
}

const folder = fileURLToPath(new URL('../../test/oracles/audio/', import.meta.url));
const { length, hop, files } = JSON.parse(readFileSync(`${folder}figures.json`, 'utf8')) as {
  readonly length: number;
  readonly hop: number;
  readonly files: readonly Sound[];
};

/** The values of all windows, one after the other. */
async function valuesOf(file: string, section: Partial<DataSection>, dims: readonly (number | string)[]) {
  const source = await openData(
    { audio: file, ...section },
    {
      ...{ inputs: [{ name: 'x', type: 'float32', dims: ['batch', ...dims] }], baseDir: folder },
      ...{ allowModules: false, configPath: ['data', 'calibration'] },
    },
  );
  const values: number[] = [];
  for (let index = 0; index < source.count; index++)
    values.push(...Array.from((await source.get(index)).feeds['x']!.data as Float32Array));
  return values;
}

/** The largest difference; another number of values is infinitely far. */
const farthest = (found: readonly number[], expected: readonly number[]) =>
  found.length === expected.length
    ? found.reduce((most, value, i) => Math.max(most, Math.abs(value - expected[i]!)), 0)
    : Infinity;

describe.each(files.map((sound) => [sound.file, sound] as const))('%s', (file, sound) => {
  it('is read as soundfile reads it, channel by channel and mixed', async () => {
    const settings = { sample_rate: sound.rate };
    expect(farthest(await valuesOf(file, settings, ['n']), sound.mixed)).toBeLessThan(1e-7);
    for (const channel of [0, 1]) {
      const found = await valuesOf(file, { ...settings, frames: { channel } }, ['n']);
      expect(farthest(found, sound.channels[channel]!)).toBeLessThan(1e-7);
    }
  });

  it.each(['none', 'hann', 'sqrt_hann'] as const)('has the transform of numpy: %s', async (window) => {
    const frames = { length, hop, window };
    const bins = length / 2 + 1;
    const magnitude = await valuesOf(file, { frames: { ...frames, features: 'magnitude' } }, [bins]);
    expect(farthest(magnitude, sound.magnitude[window])).toBeLessThan(1e-6);
    const spectrum = await valuesOf(file, { frames: { ...frames, features: 'spectrum' } }, [bins, 2]);
    expect(farthest(spectrum, sound.spectrum[window])).toBeLessThan(1e-6);
  });
});
