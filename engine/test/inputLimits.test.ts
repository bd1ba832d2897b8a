import { mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { isImagePath, QuantsmithError } from '@quantsmith/schemas';
import { countEntries } from '../src/data/entryLimit.js';
import { listFiles } from '../src/data/listFiles.js';
import { openData } from '../src/data/source.js';

let folder: string;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'quantsmith-limits-'))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const problemOf = (made: Promise<unknown>) =>
  made.then(
    () => null,
    (error: unknown) => {
      if (error instanceof QuantsmithError) return error.problem;
      throw error;
    },
  );

it('a folder with more entries than any data set is refused, those below and behind links counted', async () => {
  for (const name of ['a', 'b']) mkdirSync(join(folder, name));
  for (const name of ['a/1.png', 'a/2.png', 'b/3.txt']) writeFileSync(join(folder, name), '');
  symlinkSync('../..', join(folder, 'a/up'));
  const where = ['data', 'calibration', 'images'] as const;
  expect(await listFiles(join(folder, 'b'), isImagePath, countEntries(folder, where, 1))).toEqual([]);
  expect(await problemOf(listFiles(folder, isImagePath, countEntries(folder, where, 4)))).toMatchObject({
    ...{ code: 'data-too-large', file: folder, configPath: where },
    message: expect.stringContaining('more than 4 entries'),
  });
});

/** A PNG that claims a size and has nothing behind it. */
function pngOf(width: number, height: number): Buffer {
  const size = Buffer.alloc(13);
  size.writeUInt32BE(width, 0);
  size.writeUInt32BE(height, 4);
  size.set([8, 2, 0, 0, 0], 8);
  return Buffer.concat([
    Buffer.from([0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10]),
    chunk('IHDR', size),
    chunk('IDAT', Buffer.alloc(0)),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

function chunk(name: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(name), data]);
  const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(data.length);
  sum.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, sum]);
}

it.each([
  [60_000, 60_000],
  [2 ** 31 - 1, 1],
  [7072, 7072],
])(
  'an image of %i by %i pixels that is a few bytes is refused before anything is decoded',
  async (...size) => {
    writeFileSync(join(folder, 'a.png'), pngOf(...size));
    const source = await openData(
      { images: folder, preprocess: { resize: [8, 8] } },
      {
        inputs: [{ name: 'x', type: 'float32', dims: [1, 3, 8, 8] }],
        baseDir: folder,
        allowModules: false,
        configPath: ['data', 'calibration'],
      },
    );
    const before = process.memoryUsage.rss();
    const problem = await problemOf(source.get(0));
    expect(problem).toMatchObject({
      ...{ code: 'image-undecodable', file: join(folder, 'a.png') },
      configPath: ['data', 'calibration', 'images'],
    });
    expect(process.memoryUsage.rss() - before).toBeLessThan(100 * 2 ** 20);
  },
);

const SPARSE_BYTES = 1.5 * 2 ** 30;
const context = (labelKind: 'class' | null) => ({
  inputs: [{ name: 'x', type: 'float32', dims: [1, 3, 8, 8] } as const],
  baseDir: folder,
  allowModules: false,
  labelKind,
  configPath: ['data', 'validation'] as const,
});

it.each(['labels.csv', 'labels.jsonl', 'labels.json', 'classes.txt'])(
  '%s of more bytes than a text can have is refused before it is read',
  async (name) => {
    for (const file of ['a.png', name]) writeFileSync(join(folder, file), '');
    if (name === 'classes.txt') writeFileSync(join(folder, 'labels.csv'), 'a.png,cat\n');
    truncateSync(join(folder, name), SPARSE_BYTES);
    const labels = name === 'classes.txt' ? { labels: 'labels.csv', classes: name } : { labels: name };
    expect(await problemOf(openData({ images: folder, ...labels }, context('class')))).toMatchObject({
      ...{ code: 'labels-not-found', file: join(folder, name) },
      message: expect.stringMatching(/has \d+ bytes, more than/),
    });
  },
);

it('an image file that is larger than any image is refused before it is read', async () => {
  writeFileSync(join(folder, 'a.png'), '');
  truncateSync(join(folder, 'a.png'), SPARSE_BYTES);
  const source = await openData({ images: folder }, context(null));
  const before = process.memoryUsage.rss();
  expect(await problemOf(source.get(0))).toMatchObject({
    ...{ code: 'image-undecodable', file: join(folder, 'a.png') },
    message: expect.stringMatching(/has \d+ bytes, more than/),
  });
  expect(process.memoryUsage.rss() - before).toBeLessThan(100 * 2 ** 20);
});

it('a tokenizer of more bytes than a text can have is refused before it is read', async () => {
  writeFileSync(join(folder, 'lines.txt'), 'a\n');
  writeFileSync(join(folder, 'tokenizer.json'), '');
  truncateSync(join(folder, 'tokenizer.json'), SPARSE_BYTES);
  const section = { texts: 'lines.txt', tokenizer: 'tokenizer.json' };
  expect(await problemOf(openData(section, context(null)))).toMatchObject({
    file: join(folder, 'tokenizer.json'),
    message: expect.stringMatching(/has \d+ bytes, more than/),
  });
});
