import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { zipSync } from 'fflate';
import { openData } from '../../engine/src/data/source.js';
import type { DataContext, DataSection } from '../../engine/src/data/types.js';
import { type Outcome, watched } from './attempt.js';
import { randomOf, type Random } from './random.js';

/** A file that is nearly what its name says. */
interface HostileFile {
  readonly name: string;
  readonly bytes: Uint8Array;
}

const TYPES = ['<f4', '<f8', '|u1', '<i8', '<f2', '>f4', '|O', '<U5', '|b1', '<c8', 'V8', '', "'", '<f999'];
const SIZES = [0, 1, 2, 3, 8, 64, -1, 2 ** 31, 2 ** 53, 9e8, 1e18, '', 'x', '1L', '1.5'];

function npy(random: Random): Uint8Array {
  const shape = Array.from({ length: random.below(6) }, () => random.pick(SIZES)).join(', ');
  const good = "{'descr': '<f4', 'fortran_order': False, 'shape': (4, 1, 8, 8), }";
  const header = random.pick([
    good,
    `{'descr': '${random.pick(TYPES)}', 'fortran_order': ${random.pick(['False', 'True', '0'])}, 'shape': (${shape},), }`,
    '('.repeat(random.below(5000)),
    `{'descr': [('a', '<f4'), ('b', '<i4')], 'fortran_order': False, 'shape': (2,), }`,
    '{'.repeat(random.below(200)) + good,
  ]);
  const padded = Buffer.from(`${header}\n`);
  const length = random.chance(0.8) ? padded.length : random.below(2 ** 16);
  const magic = random.chance(0.95) ? [0x93, ...Buffer.from('NUMPY')] : [...random.bytes(6)];
  const version = random.pick([1, 1, 1, 2, 3, 9]);
  const size = version === 1 ? [length & 255, length >> 8] : [length & 255, length >> 8, 0, 0];
  const data = random.chance(0.5) ? new Uint8Array(1024) : random.bytes(random.below(2000));
  return Uint8Array.from([...magic, version & 255, 0, ...size, ...padded, ...data]);
}

function npz(random: Random): Uint8Array {
  const names = [
    'image',
    'image.npy',
    '__proto__.npy',
    '../x.npy',
    '.npy',
    'constructor.npy',
    'x'.repeat(300),
  ];
  const members = Array.from({ length: random.below(4) }, () => [random.pick(names), npy(random)] as const);
  return damaged(zipSync(Object.fromEntries(members)), random, 0.4);
}

/** Bytes of the smallest PNG and GIF, and of headers alone. */
const IMAGES = [
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7',
  '/9j/4AAQSkZJRgABAQEASABIAAD/2wBDAP//////////////////////////////////////////////////////////////',
  'UklGRiIAAABXRUJQVlA4',
  'PHN2ZyB4bWxucz0iaHR0cDovL3d3dy53My5vcmcvMjAwMC9zdmciIHdpZHRoPSIxZTkiIGhlaWdodD0iMWU5Ii8+',
].map((text) => Buffer.from(text, 'base64'));

const csv = (random: Random) =>
  Buffer.from(
    Array.from({ length: random.below(30) }, () =>
      random.pick([
        'a.png,1',
        'a.png',
        'a.png,1,2',
        ',',
        '"a',
        'a.png,-1',
        'a.png,1e400',
        '../x,0',
        '\u0000,1',
        'a.png,x',
      ]),
    ).join(random.pick(['\n', '\r\n', '\r'])),
  );

function damaged(bytes: Uint8Array, random: Random, probability: number): Uint8Array {
  if (!random.chance(probability)) return bytes;
  if (random.chance(0.3)) return bytes.slice(0, random.below(bytes.length + 1));
  const copy = bytes.slice();
  for (let count = 1 + random.below(5); count > 0 && copy.length > 0; count--)
    copy[random.below(copy.length)] = random.below(256);
  return copy;
}

function hostileSection(random: Random): { files: HostileFile[]; section: DataSection } {
  const preprocess = random.pick([
    undefined,
    { scale: 0 },
    { scale: 255, layout: 'nchw' as const },
    { resize: 1e9 },
    { resize: 8, center_crop: 4096 },
  ]);
  const shared = preprocess === undefined ? {} : { preprocess };
  const kind = random.pick(['npy', 'npz', 'images', 'csv'] as const);
  if (kind === 'npy')
    return { files: [{ name: 'x.npy', bytes: npy(random) }], section: { arrays: 'x.npy', ...shared } };
  if (kind === 'npz')
    return { files: [{ name: 'x.npz', bytes: npz(random) }], section: { arrays: 'x.npz', ...shared } };
  const image = damaged(random.pick(IMAGES), random, 0.6);
  const files = [{ name: `images/${random.pick(['a.png', 'a.jpg', 'a.webp'])}`, bytes: image }];
  if (kind === 'images') return { files, section: { images: 'images', ...shared } };
  files.push({ name: 'labels.csv', bytes: csv(random) });
  return { files, section: { images: 'images', labels: 'labels.csv', ...shared } };
}

/** One hostile data section, opened, read and hashed in this process. */
export async function throughData(seed: number, folder: string): Promise<Outcome> {
  const random = randomOf(seed);
  const { files, section } = hostileSection(random);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(join(folder, 'images'), { recursive: true });
  for (const { name, bytes } of files) writeFileSync(join(folder, name), bytes);
  const context: DataContext = {
    inputs: [{ name: 'image', type: 'float32', dims: ['batch', random.pick([1, 3]), 8, 8] }],
    baseDir: folder,
    allowModules: false,
    configPath: ['data', 'calibration'],
  };
  const total = files.reduce((sum, { bytes }) => sum + bytes.length, 0);
  return watched(total, async (attempt) => {
    await attempt('opened', async () => {
      const source = await openData(section, context);
      await attempt('read', () => source.get(0));
      await attempt('hashed', () => source.fingerprint());
    });
  });
}
