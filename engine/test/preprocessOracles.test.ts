import { readFileSync } from 'node:fs';
import { decode } from 'fast-png';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { decodeImage } from '../src/data/decodeImage.js';
import type { Pixels, Preprocess } from '../src/data/preprocess.js';
import { Random } from './oracleCases.js';

// What Pillow and OpenCV make of the same images, to the bit: bench/oracles/preprocess.py wrote the figures.

interface Result {
  /** Height and width. */
  readonly size: readonly [number, number];
  readonly pixels: string;
}

interface Scaled extends Result {
  readonly kind: 'noise' | 'smooth';
  readonly seed: number;
  readonly source: readonly [number, number];
  readonly by: string;
  readonly interpolation: NonNullable<Preprocess['interpolation']>;
  readonly antialias: boolean;
}

interface Letterboxed extends Omit<Scaled, 'interpolation' | 'antialias'> {
  readonly anchor: 'center' | 'top_left';
  readonly upscale: boolean;
}

interface Read extends Result {
  readonly file: string;
  readonly orient: boolean;
  readonly color: 'rgb' | 'gray';
}

const folder = new URL('../../test/oracles/preprocess/', import.meta.url);
const { scaled, letterboxed, files } = JSON.parse(readFileSync(new URL('figures.json', folder), 'utf8')) as {
  readonly scaled: readonly Scaled[];
  readonly letterboxed: readonly Letterboxed[];
  readonly files: readonly Read[];
};

const MAX_PIXELS = 2 ** 20;

function noise(seed: number, height: number, width: number): Uint8Array {
  const random = new Random(seed);
  return Uint8Array.from({ length: height * width * 3 }, () => random.below(256));
}

/** A ramp with a disc. */
function smooth(height: number, width: number): Uint8Array {
  const radius = Math.floor((4 * Math.min(height, width)) / 3);
  return Uint8Array.from({ length: height * width * 3 }, (_, i) => {
    const [x, y] = [Math.floor(i / 3) % width, Math.floor(i / 3 / width)];
    const inside = (4 * x - 2 * width) ** 2 + (4 * y - 2 * height) ** 2 < radius ** 2;
    const values = [
      Math.floor((x * 200) / width) + 20,
      Math.floor((y * 200) / height) + 20,
      inside ? 230 : 40,
    ];
    return values[i % 3]!;
  });
}

function imageOf({ kind, seed, source: [height, width] }: Pick<Scaled, 'kind' | 'seed' | 'source'>): Pixels {
  const data = kind === 'noise' ? noise(seed, height, width) : smooth(height, width);
  return { data, width, height, channels: 3 };
}

/** How many bytes differ, and the size. */
const differences = (found: Pixels, { size, pixels }: Result) => {
  const expected = Buffer.from(pixels, 'base64');
  const off = expected.reduce((count, byte, i) => count + Number(byte !== found.data[i]), 0);
  return [found.height, found.width, found.data.length - expected.length, off, ...size].join();
};

const none = ({ size }: Result) => [...size, 0, 0, ...size].join();

describe('images are scaled as', () => {
  const name = (entry: Scaled) =>
    `${entry.by}, ${entry.interpolation}: ${entry.kind} of ${entry.source.join(' × ')} to ${entry.size.join(' × ')}`;
  it.each(scaled.map((entry) => [name(entry), entry] as const))('%s', async (_, entry) => {
    const { interpolation, antialias, size } = entry;
    const settings: Preprocess = { resize: [...size], interpolation, antialias };
    expect(differences(await decodeImage(imageOf(entry), settings, MAX_PIXELS), entry)).toBe(none(entry));
  });

  it.each(letterboxed.map((entry) => [`${entry.source.join(' × ')}, ${entry.anchor}`, entry] as const))(
    'OpenCV in a frame: %s',
    async (_, entry) => {
      const { anchor, upscale, size } = entry;
      const settings: Preprocess = { letterbox: { size: [...size], anchor, upscale }, antialias: false };
      expect(differences(await decodeImage(imageOf(entry), settings, MAX_PIXELS), entry)).toBe(none(entry));
    },
  );
});

describe('files are read as Pillow and OpenCV read them', () => {
  it.each(files.map((entry) => [`${entry.file}, orient: ${entry.orient}, ${entry.color}`, entry] as const))(
    '%s',
    async (_, entry) => {
      const { file, orient, color } = entry;
      const bytes = readFileSync(new URL(file, folder));
      const found = await decodeImage({ file, bytes }, { orient, color }, MAX_PIXELS);
      expect(differences(found, entry)).toBe(none(entry));
    },
  );

  it('with a colour profile: its pixels as they are', async () => {
    const raw = { width: 8, height: 8, channels: 3 } as const;
    const bytes = await sharp(noise(1, 8, 8), { raw })
      .withIccProfile('p3')
      .png()
      .toBuffer();
    const { data } = await decodeImage({ file: 'p3.png', bytes }, {}, MAX_PIXELS);
    expect((await sharp(bytes).metadata()).hasProfile).toBe(true);
    expect(Array.from(data)).toEqual(Array.from(decode(bytes).data));
  });
});
