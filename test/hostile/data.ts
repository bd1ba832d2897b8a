import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
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
    good.replace('1, 8', '3, 8'),
    good.replace('1, 8', '3, 8'),
    good,
    `{'descr': '${random.pick(TYPES)}', 'fortran_order': ${random.pick(['False', 'True', '0'])}, 'shape': (${shape},), }`,
    '('.repeat(random.below(5000)),
    `{'descr': [('a', '<f4'), ('b', '<i4')], 'fortran_order': False, 'shape': (2,), }`,
    '{'.repeat(random.below(200)) + good,
  ]);
  const padded = Buffer.from(`${header}\n`);
  const length = random.chance(0.9) ? padded.length : random.below(2 ** 16);
  const magic = random.chance(0.95) ? [0x93, ...Buffer.from('NUMPY')] : [...random.bytes(6)];
  const version = random.pick([1, 1, 1, 1, 1, 2, 3, 9]);
  const size = version === 1 ? [length & 255, length >> 8] : [length & 255, length >> 8, 0, 0];
  const data = random.chance(0.7)
    ? new Uint8Array(random.chance(0.5) ? 1024 : 3072)
    : random.bytes(random.below(2000));
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

/** Small images that are as they should be, and headers alone. */
const IMAGES = [
  'iVBORw0KGgoAAAANSUhEUgAAAAkAAAAICAIAAACkr0LiAAAACXBIWXMAAAPoAAAD6AG1e1JrAAAAEUlEQVQImWM40+GCCzEMAzkAXg5ywYfgTogAAAAASUVORK5CYII=',
  '/9j/2wBDABsSFBcUERsXFhceHBsgKEIrKCUlKFE6PTBCYFVlZF9VXVtqeJmBanGQc1tdhbWGkJ6jq62rZ4C8ybqmx5moq6T/2wBDARweHigjKE4rK06kbl1upKSkpKSkpKSkpKSkpKSkpKSkpKSkpKSkpKSkpKSkpKSkpKSkpKSkpKSkpKSkpKSkpKT/wAARCAAIAAkDASIAAhEBAxEB/8QAFQABAQAAAAAAAAAAAAAAAAAAAAP/xAAUEAEAAAAAAAAAAAAAAAAAAAAA/8QAFAEBAAAAAAAAAAAAAAAAAAAABP/EABQRAQAAAAAAAAAAAAAAAAAAAAD/2gAMAwEAAhEDEQA/ALABFv/Z',
  'UklGRjgAAABXRUJQVlA4ICwAAADQAQCdASoJAAgAAUAmJaACdLoB+AADsAD+5+S/+dg2Jdrxz/+WfP4bOHAAAA==',
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7',
  '/9j/4AAQSkZJRgABAQEASABIAAD/2wBDAP//////////////////////////////////////////////////////////////',
  'UklGRiIAAABXRUJQVlA4',
  'PHN2ZyB4bWxucz0iaHR0cDovL3d3dy53My5vcmcvMjAwMC9zdmciIHdpZHRoPSIxZTkiIGhlaWdodD0iMWU5Ii8+',
].map((text) => Uint8Array.from(Buffer.from(text, 'base64')));

/** Values where a label, a number or a name is expected. */
const ODD_TEXTS = [
  'a.png',
  'b.jpg',
  '',
  '1',
  '-1',
  '1e400',
  'NaN',
  '../x',
  '\u0000',
  'constructor',
  '"a',
  '\u001b[2J',
  '99999',
];

const lines = (random: Random, line: () => string) =>
  Array.from({ length: random.below(30) }, line).join(random.pick(['\n', '\r\n', '\r']));

const csv = (random: Random) =>
  lines(random, () => Array.from({ length: 1 + random.below(3) }, () => random.pick(ODD_TEXTS)).join(','));

const ODD_JSON = [
  null,
  0,
  -1,
  1.5,
  1e308,
  '',
  'a.png',
  [],
  {},
  [null],
  [1, 2, 3, 4],
  [0, 0, 1e9, -1],
  true,
  { id: 1 },
];

/** COCO, most of it as it should be. */
function coco(random: Random): string {
  const odd = <T>(good: T) => (random.chance(0.15) ? random.pick(ODD_JSON) : good);
  const some = (item: () => unknown) => odd(Array.from({ length: random.below(4) }, () => odd(item())));
  const text = JSON.stringify({
    images: some(() => ({
      id: odd(random.below(3)),
      file_name: odd('a.png'),
      width: odd(8),
      height: odd(8),
    })),
    annotations: some(() => ({
      image_id: odd(random.below(3)),
      category_id: odd(random.below(3)),
      bbox: odd([0, 1, 2, 3]),
      area: odd(4),
      iscrowd: odd(0),
    })),
    categories: some(() => ({ id: odd(random.below(3)), name: odd('cat') })),
  });
  return random.chance(0.1) ? text.slice(0, random.below(text.length)) : text;
}

const jsonl = (random: Random) =>
  lines(random, () =>
    random.chance(0.2)
      ? random.pick(['{', 'null', '[]', '1', '"'])
      : JSON.stringify({
          [random.pick(['file', '__proto__'])]: random.pick(ODD_JSON),
          label: random.pick(ODD_JSON),
        }),
  );

const yolo = (random: Random) =>
  lines(random, () =>
    Array.from({ length: random.pick([5, 5, 5, 7, 9, 1, 4]) }, (_, index) =>
      random.chance(0.2) ? random.pick(ODD_TEXTS) : index === 0 ? '0' : '0.5',
    ).join(' '),
  );

/** Labels in one of the ways that a section can name them, with what it needs beside. */
function hostileLabels(random: Random): { files: HostileFile[]; labels: string; classes?: string } {
  const text = (name: string, content: string) => ({ name, bytes: Buffer.from(content) });
  const kind = random.pick(['csv', 'tsv', 'jsonl', 'json', 'npy', 'yolo', 'masks'] as const);
  const name = `labels.${kind}`;
  const made = {
    csv: () => text(name, csv(random)),
    tsv: () => text(name, csv(random).replaceAll(',', '\t')),
    jsonl: () => text(name, jsonl(random)),
    json: () => text(name, coco(random)),
    npy: () => ({ name, bytes: npy(random) }),
    yolo: () => text('labels/a.txt', yolo(random)),
    masks: () => ({ name: 'labels/a.png', bytes: damaged(random.pick(IMAGES), random, 0.5) }),
  }[kind]();
  const files: HostileFile[] = [made];
  const labels = made.name.startsWith('labels/') ? 'labels' : name;
  if (random.chance(0.7)) return { files, labels };
  files.push(text('classes.txt', random.pick(['', 'cat', 'cat\ncat', '0\n1\n2', '\u0000'])));
  return { files, labels, classes: 'classes.txt' };
}

function damaged(bytes: Uint8Array, random: Random, probability: number): Uint8Array {
  if (!random.chance(probability)) return bytes;
  if (random.chance(0.3)) return bytes.slice(0, random.below(bytes.length + 1));
  const copy = bytes.slice();
  for (let count = 1 + random.below(5); count > 0 && copy.length > 0; count--)
    copy[random.below(copy.length)] = random.below(256);
  return copy;
}

function hostileSection(random: Random): { files: HostileFile[]; section: DataSection } {
  const preprocess = random.chance(0.4) ? TO_SIZE : random.pick(PREPROCESSING);
  const shared = preprocess === undefined ? {} : { preprocess };
  const kind = random.pick(['npy', 'npz', 'images', 'labelled', 'labelled'] as const);
  if (kind === 'npy')
    return { files: [{ name: 'x.npy', bytes: npy(random) }], section: { arrays: 'x.npy', ...shared } };
  if (kind === 'npz')
    return { files: [{ name: 'x.npz', bytes: npz(random) }], section: { arrays: 'x.npz', ...shared } };
  const image = damaged(random.pick(IMAGES), random, 0.3);
  const files = [{ name: `images/${random.pick(['a.png', 'a.jpg', 'a.webp', 'cat/a.png'])}`, bytes: image }];
  if (random.chance(0.2)) files.push({ name: 'images/b.jpg', bytes: IMAGES[0]! });
  if (kind === 'images') return { files, section: { images: 'images', ...shared } };
  const { files: beside, ...labels } = hostileLabels(random);
  return { files: [...files, ...beside], section: { images: 'images', ...labels, ...shared } };
}

const TO_SIZE: DataSection['preprocess'] = { resize: [8, 8] };
const PREPROCESSING: readonly DataSection['preprocess'][] = [
  undefined,
  { scale: 0 },
  { scale: 255, layout: 'nchw' as const },
  { resize: 1e9 },
  { resize: 8, center_crop: 8 },
  { resize: 8, center_crop: 4096 },
  { center_crop: [1, 100_000] },
  { letterbox: { size: [8, 8] } },
  { letterbox: { size: 1e6 } },
  { resize: [1, 1e9], antialias: false },
  { normalize: 'imagenet' as const, resize: [8, 8], mean: [0], std: [0] },
];

/** One hostile data section, opened, read and hashed in this process. */
export async function throughData(seed: number, folder: string): Promise<Outcome> {
  const random = randomOf(seed);
  const { files, section } = hostileSection(random);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  for (const { name, bytes } of files) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), bytes);
  }

  const context: DataContext = {
    inputs: [{ name: 'image', type: 'float32', dims: ['batch', random.pick([1, 3, 3, 3]), 8, 8] }],
    baseDir: folder,
    allowModules: false,
    labelKind: random.pick([null, 'class', 'boxes', 'mask', 'text', 'score', 'tokens']),
    configPath: ['data', 'validation'],
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
