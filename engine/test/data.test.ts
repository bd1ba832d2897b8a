import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { arrayValues } from '@quantsmith/model/arrays';
import { openData, readAhead } from '../src/data/source.js';
import type { DataSection } from '../src/data/types.js';
import { centerCrop } from '../src/data/decodeImage.js';
import type { TensorSignature } from '@quantsmith/schemas';
import { writeNpy } from '../../test/kit/npy.js';

const scratch = mkdtempSync(join(tmpdir(), 'quantsmith-data-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));
let dir = '';
beforeEach(() => (dir = mkdtempSync(join(scratch, 'case-'))));

const INPUT: TensorSignature = { name: 'x', type: 'float32', dims: ['batch', 3, 2, 2] };
const open = (
  section: DataSection,
  inputs: readonly TensorSignature[] = [INPUT],
  place: 'calibration' | 'validation' = 'validation',
) =>
  openData(section, {
    inputs,
    baseDir: dir,
    allowModules: false,
    configPath: ['data', place],
    labelKind: 'class',
  });

/** A 2×2 PNG with the given pixels, red, green, blue. */
async function png(name: string, pixels: readonly number[], size = 2): Promise<void> {
  mkdirSync(join(dir, name, '..'), { recursive: true });
  const data = Buffer.from(pixels);
  await sharp(data, { raw: { width: size, height: data.length / 3 / size, channels: 3 } })
    .png()
    .toFile(join(dir, name));
}

const PIXELS = [255, 0, 0, 0, 255, 0, 0, 0, 255, 255, 255, 255];

describe('images', () => {
  it('become normalised planes', async () => {
    await png('a.png', PIXELS);
    const source = await open({
      images: '.',
      preprocess: { scale: 255, mean: [0.5, 0, 0], std: [0.5, 1, 1] },
    });
    const { feeds } = await source.get(0);
    expect(feeds['x']!.dims).toEqual([1, 3, 2, 2]);
    expect(Array.from(feeds['x']!.data as Float32Array)).toEqual([1, -1, -1, 1, 0, 1, 0, 1, 0, 0, 1, 1]);
  });
  it('take BGR and channels last', async () => {
    await png('a.png', PIXELS);
    const nhwc: TensorSignature = { name: 'x', type: 'float32', dims: [1, 2, 2, 3] };
    const source = await open({ images: '.', preprocess: { color: 'bgr', layout: 'nhwc' } }, [nhwc]);
    const { feeds } = await source.get(0);
    expect(Array.from(feeds['x']!.data as Float32Array).slice(0, 6)).toEqual([0, 0, 255, 0, 255, 0]);
  });
  it('are cut in the middle, positions rounded half to even', () => {
    const data = Uint8Array.from({ length: 25 }, (_, i) => i);
    const cut = centerCrop({ data, width: 5, height: 5, channels: 1 }, 2);
    // (5 − 2) / 2 = 1.5 → 2
    expect(Array.from(cut.data)).toEqual([12, 13, 17, 18]);
  });
  it('are not made larger than the memory by what the config asks for', async () => {
    await png('a.png', PIXELS);
    for (const preprocess of [
      { center_crop: 4096 },
      { resize: 1e9 },
      { letterbox: { size: 1e6 } },
      { resize: [1, 1e9] },
    ] as const) {
      const any: TensorSignature = { name: 'x', type: 'float32', dims: [1, 3, 'height', 'width'] };
      const source = await open({ images: '.', preprocess } as DataSection, [any]);
      await expect(source.get(0), JSON.stringify(preprocess)).rejects.toMatchObject({
        problem: { code: 'image-too-large', file: join(dir, 'a.png') },
      });
    }
  });
  it('may be as large as the model states', async () => {
    await png('a.png', PIXELS);
    const large: TensorSignature = { name: 'x', type: 'uint8', dims: [1, 3, 4096, 4096] };
    const source = await open({ images: '.', preprocess: { center_crop: 4096 } }, [large]);
    expect((await source.get(0)).feeds['x']!.dims).toEqual([1, 3, 4096, 4096]);
  });
  it('are found through links, each folder once, under its own name', async () => {
    const elsewhere = mkdtempSync(join(scratch, 'elsewhere-'));
    await png('b/1.png', PIXELS);
    await sharp(join(dir, 'b/1.png')).toFile(join(elsewhere, '2.png'));
    symlinkSync(join(elsewhere, '2.png'), join(dir, 'b/linked.png'));
    symlinkSync(elsewhere, join(dir, 'c'));
    symlinkSync('b', join(dir, 'a'));
    symlinkSync('..', join(dir, 'b/up'));
    symlinkSync('nothing', join(dir, 'b/broken.png'));
    const source = await open({ images: '.' });
    const samples = [];
    for await (const { name, label } of readAhead(source, [0, 1, 2])) samples.push([name, label]);
    expect(source.count).toBe(3);
    expect(samples).toEqual([
      ['b/1.png', 0],
      ['b/linked.png', 0],
      ['c/2.png', 1],
    ]);
  });
  it('come in the byte order of their paths, labelled by folders or file', async () => {
    for (const name of ['b/1.png', 'a/2.png', 'a/10.png']) await png(name, PIXELS);
    const folders = await open({ images: '.' });
    const samples = [];
    for await (const sample of readAhead(folders, [0, 1, 2])) samples.push([sample.name, sample.label]);
    expect(samples).toEqual([
      ['a/10.png', 0],
      ['a/2.png', 0],
      ['b/1.png', 1],
    ]);
    writeFileSync(join(dir, 'labels.csv'), '\uFEFFfile,label\r\n"b/1.png",7\r\n2.png,5\r\n10.png,6\r\n');
    const labelled = await open({ images: '.', labels: 'labels.csv' });
    expect((await labelled.get(0)).label).toBe(6);
    expect((await labelled.get(2)).label).toBe(7);
  });
  it('name what is wrong with labels, with the line', async () => {
    await png('a.png', PIXELS);
    const fails = async (csv: string) => {
      writeFileSync(join(dir, 'labels.csv'), csv);
      return open({ images: '.', labels: 'labels.csv' }).then(
        () => 'nothing',
        (error: unknown) => (error as Error).message,
      );
    };

    expect(await fails('a.png,1\nb.png,2\n')).toMatch(/labels\.csv, line 2: "b\.png" is not an image/);
    expect(await fails('a.png 3\n')).toMatch(/line 1: file and label .* comma, not by a space/);
    expect(await fails('file;label\na.png;3\n')).toMatch(/comma, not by a semicolon/);
    expect(await fails('3\n4\n')).toMatch(/Labels alone, .* belong into a \.tsv/);
    expect(await fails('file,label\na.png,dog\n')).toMatch(/line 2: "dog" is not a class number/);
    expect(await fails('file,label\n')).toMatch(/no label for "a\.png"/);
  });
  it('refuse an image that does not decode and a size that does not fit', async () => {
    writeFileSync(join(dir, 'bad.jpg'), 'no image');
    await expect((await open({ images: '.' })).get(0)).rejects.toThrow(/bad\.jpg cannot be decoded/);
    rmSync(join(dir, 'bad.jpg'));
    await png('wide.png', [...PIXELS, ...PIXELS], 4);
    await expect((await open({ images: '.' })).get(0)).rejects.toThrow(
      /"wide\.png" gives float32 \[1, 3, 2, 4\].*expects float32 \[batch, 3, 2, 2\]/,
    );
  });
});

describe('arrays', () => {
  const vector: TensorSignature = { name: 'v', type: 'float32', dims: ['n', 3] };
  it('are read row by row, with a batch axis added', async () => {
    writeNpy(join(dir, 'a.npy'), [
      { shape: [3], data: [1, 2, 3] },
      { shape: [3], data: [4, 5, 6] },
    ]);
    const source = await open({ arrays: 'a.npy' }, [vector]);
    expect(source.count).toBe(2);
    const { feeds } = await source.get(1);
    expect(feeds['v']).toEqual({ type: 'float32', dims: [1, 3], data: Float32Array.of(4, 5, 6) });
  });
  it('copies the values of an array only where others share their memory', () => {
    const own = new Uint8Array(new Float32Array([1, 2]).buffer);
    expect(arrayValues('float32', own)).toEqual(Float32Array.of(1, 2));
    expect((arrayValues('float32', own) as Float32Array).buffer).toBe(own.buffer);
    const shared = Buffer.concat([Buffer.of(0), own]).subarray(1);
    const copied = arrayValues('float32', shared) as Float32Array;
    expect(copied).toEqual(Float32Array.of(1, 2));
    shared[0] = 1;
    expect(copied).toEqual(Float32Array.of(1, 2));
  });
  it('refuse values that are not finite, naming the sample', async () => {
    writeNpy(join(dir, 'a.npy'), [{ shape: [3], data: [1, Number.NaN, 3] }]);
    await expect((await open({ arrays: 'a.npy' }, [vector])).get(0)).rejects.toThrow(
      /"#0" contains a non-finite value/,
    );
  });
  it('may hold no values, like the cache of a decoder at its first step, where the model takes that', async () => {
    const cache: TensorSignature = { name: 'past', type: 'float32', dims: [1, 'past', 4] };
    writeNpy(join(dir, 'a.npy'), [
      { shape: [0, 4], data: [] },
      { shape: [0, 4], data: [] },
    ]);
    const source = await open({ arrays: 'a.npy' }, [cache]);
    expect(source.count).toBe(2);
    expect((await source.get(1)).feeds['past']).toMatchObject({ dims: [1, 0, 4] });
    await expect(open({ arrays: 'a.npy' }, [vector]).then((wrong) => wrong.get(0))).rejects.toThrow(
      /float32 \[batch, 3\]|expects float32/,
    );
  });
  it('refuse a header that promises more than the file has', async () => {
    writeNpy(join(dir, 'a.npy'), [{ shape: [3], data: [1, 2, 3] }]);
    const { readFileSync } = await import('node:fs');
    const lying = readFileSync(join(dir, 'a.npy')).toString('latin1').replace('(1, 3,)', '(9, 3,)');
    writeFileSync(join(dir, 'a.npy'), lying, 'latin1');
    await expect(open({ arrays: 'a.npy' }, [vector])).rejects.toThrow(/needs more bytes than the file has/);
    writeFileSync(join(dir, 'a.npy'), 'text');
    await expect(open({ arrays: 'a.npy' }, [vector])).rejects.toThrow(
      /does not begin like a file that numpy\.save writes/,
    );
  });
  it('refuse to convert fractions to integers', async () => {
    writeNpy(join(dir, 'a.npy'), [{ shape: [3], data: [1, 2.5, 3] }]);
    const ids: TensorSignature = { name: 'ids', type: 'int64', dims: [1, 3] };
    await expect((await open({ arrays: 'a.npy' }, [ids])).get(0)).rejects.toThrow(
      /fractional, but the model expects int64/,
    );
  });
});

describe('sections', () => {
  it('need exactly one source', async () => {
    await expect(open({})).rejects.toThrow(/names no source/);
    await expect(open({ images: '.', arrays: 'a.npy' })).rejects.toThrow(/names images and arrays/);
  });
  it('do not run a loader without permission', async () => {
    writeFileSync(join(dir, 'loader.mjs'), 'export default [];');
    await expect(open({ loader: 'loader.mjs' })).rejects.toThrow(/modules are allowed/);
  });
  it('have a fingerprint that changes with contents and preprocessing', async () => {
    await png('a.png', PIXELS);
    const first = await (await open({ images: '.' })).fingerprint();
    expect(await (await open({ images: '.' })).fingerprint()).toBe(first);
    expect(await (await open({ images: '.', preprocess: { scale: 2 } })).fingerprint()).not.toBe(first);
    await png('a.png', [...PIXELS].reverse());
    expect(await (await open({ images: '.' })).fingerprint()).not.toBe(first);
  });
});
