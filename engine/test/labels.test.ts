import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { encode } from 'fast-png';
import sharp from 'sharp';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { resolveConfig, type LabelKind, type TensorSignature } from '@quantsmith/schemas';
import type { LabelArray } from '../src/data/labels/label.js';
import { openData } from '../src/data/source.js';
import type { DataSection } from '../src/data/types.js';

const scratch = mkdtempSync(join(tmpdir(), 'quantsmith-labels-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));
let dir = '';
beforeEach(() => (dir = mkdtempSync(join(scratch, 'case-'))));

const INPUT: TensorSignature = { name: 'x', type: 'float32', dims: [1, 3, 'h', 'w'] };
const open = (section: Partial<DataSection>, labelKind: LabelKind | null = null) =>
  openData(
    { images: 'images', ...section },
    { inputs: [INPUT], baseDir: dir, allowModules: false, configPath: ['data', 'validation'], labelKind },
  );

function write(path: string, data: string | Uint8Array): void {
  mkdirSync(dirname(join(dir, path)), { recursive: true });
  writeFileSync(join(dir, path), data);
}

async function image(name: string, width = 40, height = 20): Promise<void> {
  const png = await sharp({ create: { width, height, channels: 3, background: '#ff0000' } })
    .png()
    .toBuffer();
  write(`images/${name}`, png);
}

const labelsOf = async (section: Partial<DataSection>, kind: LabelKind | null = null) => {
  const source = await open(section, kind);
  const samples = await Promise.all(Array.from({ length: source.count }, (_, i) => source.get(i)));
  return samples.map(({ label }) => label);
};

describe('labels', () => {
  it('are YOLO boxes and outlines, in pixels of the original image', async () => {
    await image('a.png');
    await image('b.png');
    await image('c.png');
    write('labels/a.txt', '3 0.5 0.5 0.25 0.5\n');
    write('labels/b.txt', '1 0.25 0.5 0.5 0.5 0.5 1 0.25 1\n');
    const labels = await labelsOf({ labels: 'labels', preprocess: { letterbox: { size: 80 } } }, 'boxes');
    expect(labels).toEqual([
      [{ box: [15, 5, 10, 10], class: 3, crowd: false, area: 100 }],
      [{ box: [10, 10, 10, 10], class: 1, crowd: false, area: 100 }],
      [],
    ]);
  });
  it('that are no YOLO lines are named', async () => {
    await image('a.png');
    write('labels/a.txt', '3 0.5 0.5 0.25\n');
    await expect(labelsOf({ labels: 'labels' })).rejects.toThrow(
      /a\.txt, line 1: "3 0\.5 0\.5 0\.25" is neither/,
    );
  });
  it("are COCO's instances: categories in order or by name, crowds, images scaled since", async () => {
    await image('a.png');
    const coco = {
      images: [{ id: 7, file_name: 'a.png', width: 80, height: 40 }],
      annotations: [{ image_id: 7, category_id: 90, bbox: [8, 4, 20, 10], area: 100, iscrowd: 1 }],
      categories: [
        { id: 90, name: 'dog' },
        { id: 2, name: 'cat' },
      ],
    };
    write('instances.json', JSON.stringify(coco));
    const box = { box: [4, 2, 10, 5], crowd: true, area: 25 };
    expect(await labelsOf({ labels: 'instances.json' })).toEqual([[{ ...box, class: 1 }]]);
    write('classes.txt', 'dog\ncat\n');
    expect(await labelsOf({ labels: 'instances.json', classes: 'classes.txt' })).toEqual([
      [{ ...box, class: 0 }],
    ]);
    write('instances.json', '{}');
    await expect(labelsOf({ labels: 'instances.json' })).rejects.toThrow(/not a COCO file/);
  });
  it.each<[string, string, Record<string, string>]>([
    ['a table', 'labels.csv', { 'labels.csv': 'a.png,1\na.png,2\n' }],
    ['tabs', 'labels.tsv', { 'labels.tsv': 'a.png\t1\na.png\t2\n' }],
    [
      'lines of JSON',
      'labels.jsonl',
      { 'labels.jsonl': '{"file":"a.png","label":1}\n{"file":"a.png","label":2}\n' },
    ],
    [
      'COCO',
      'labels.json',
      {
        'labels.json': JSON.stringify({
          images: [
            { id: 1, file_name: 'a.png' },
            { id: 1, file_name: 'b.png' },
          ],
          annotations: [],
          categories: [],
        }),
      },
    ],
  ])('that contradict each other are an error: %s', async (_, labels, files) => {
    await image('a.png');
    for (const [name, text] of Object.entries(files)) write(name, text);
    await expect(labelsOf({ labels })).rejects.toMatchObject({ problem: { code: 'labels-conflict' } });
  });
  it('may be said twice', async () => {
    await image('a.png');
    write('labels.csv', 'a.png,1\na.png,1\n');
    expect(await labelsOf({ labels: 'labels.csv' })).toEqual([1]);
  });
  it('are refused where one image lies in two class folders, not where only the names are equal', async () => {
    await image('0/a.png');
    await image('1/a.png', 41);
    expect(await labelsOf({})).toEqual([0, 1]);
    await image('1/a.png');
    await expect(labelsOf({})).rejects.toThrow(
      /"0\/a\.png" and "1\/a\.png" are the same in two class folders/,
    );
  });
  it.each([
    ['an image', { images: [null], annotations: [], categories: [] }],
    ['an annotation', { images: [], annotations: [{ image_id: 1 }], categories: [] }],
    ['a category', { images: [], annotations: [], categories: [[]] }],
  ])('of COCO that lack something are named: %s', async (_, coco) => {
    await image('a.png');
    write('labels.json', JSON.stringify(coco));
    await expect(labelsOf({ labels: 'labels.json' })).rejects.toThrow(
      /(images|annotations|categories)\[0\] needs/,
    );
  });
  it('of classes beyond the list are named', async () => {
    await image('a.png');
    write('classes.txt', 'cat\n');
    write('labels/a.txt', '3 0.5 0.5 0.25 0.5\n');
    await expect(labelsOf({ labels: 'labels', classes: 'classes.txt' })).rejects.toMatchObject({
      problem: { code: 'label-out-of-range' },
    });
  });
  it('are class masks', async () => {
    await image('a.png', 2, 1);
    write('masks/a.png', encode({ width: 2, height: 1, channels: 1, data: Uint8Array.from([3, 255]) }));
    const [mask] = (await labelsOf({ labels: 'masks' }, 'mask')) as LabelArray[];
    expect([mask!.dims, Array.from(mask!.data as Uint8Array)]).toEqual([
      [1, 2],
      [3, 255],
    ]);
  });
  it('are texts, scores and names', async () => {
    await image('a.png');
    await image('b.png');
    write('t.tsv', 'file\ttext\nb.png\t12\na.png\thello there\n');
    expect(await labelsOf({ labels: 't.tsv' }, 'text')).toEqual(['hello there', '12']);
    write('s.jsonl', '{"label": 0.5}\n{"tokens": [1, -100]}\n');
    expect(await labelsOf({ labels: 's.jsonl' })).toEqual([
      0.5,
      { dims: [2], data: Int32Array.from([1, -100]) },
    ]);
    write('classes.txt', 'dog\ncat\n');
    write('l.csv', 'file,label\na.png,cat\nb.png,dog\n');
    expect(await labelsOf({ labels: 'l.csv', classes: 'classes.txt' }, 'class')).toEqual([1, 0]);
  });
  it("are ImageNet's classes by their identifiers, where the model has more classes than there are folders", async () => {
    await image('n01440764/a.png');
    await image('n15075141/b.png');
    await image('n01443537/c.png');
    expect(await labelsOf({}, 'class')).toEqual([0, 1, 999]);
    const counted = async (modelClasses: number) => {
      const context = { inputs: [INPUT], baseDir: dir, allowModules: false, modelClasses };
      const configPath = ['data', 'validation'] as const;
      return (await openData({ images: 'images' }, { ...context, configPath })).classes;
    };

    expect([await counted(1000), await counted(3)]).toEqual([1000, 3]);
  });
  it('are class folders in the order of the list', async () => {
    await image('cat/a.png');
    await image('dog/b.png');
    write('classes.txt', 'dog\nbird\ncat\n');
    expect(await labelsOf({ classes: 'classes.txt' }, 'class')).toEqual([2, 0]);
    expect((await open({ classes: 'classes.txt' })).classes).toBe(3);
    write('classes.txt', 'dog\n');
    await expect(labelsOf({ classes: 'classes.txt' })).rejects.toThrow(/folder "cat" is not in the list/);
  });
});

describe('images', () => {
  it('are letterboxed in the middle or in the corner, small ones enlarged or not', async () => {
    await image('a.png');
    const placed = async (letterbox: object) => {
      const { image: place, feeds } = await (
        await open({ preprocess: { letterbox: { size: 80, ...letterbox } } })
      ).get(0);
      const { scaleX, offsetX, offsetY, inputWidth } = place!;
      const red = feeds['x']!.data as Float32Array;
      return [scaleX, offsetX, offsetY, inputWidth, red[0], red[40 * 80 + 40]];
    };

    expect(await placed({})).toEqual([2, 0, 20, 80, 114, 255]);
    expect(await placed({ anchor: 'top_left', pad: 7 })).toEqual([2, 0, 0, 80, 255, 7]);
    expect(await placed({ upscale: false })).toEqual([1, 20, 30, 80, 114, 255]);
  });
  it('are turned where it is asked for', async () => {
    const turned = sharp({ create: { width: 40, height: 20, channels: 3, background: '#ff0000' } });
    write('images/a.jpg', await turned.withMetadata({ orientation: 6 }).jpeg().toBuffer());
    const dims = async (orient: boolean) =>
      (await (await open({ preprocess: { orient } })).get(0)).feeds['x']!.dims;
    expect([await dims(false), await dims(true)]).toEqual([
      [1, 3, 20, 40],
      [1, 3, 40, 20],
    ]);
  });
  it('are normalized by name, in the order of their colours', async () => {
    await image('a.png', 1, 1);
    const first = async (preprocess: NonNullable<DataSection['preprocess']>) =>
      Array.from((await (await open({ preprocess })).get(0)).feeds['x']!.data as Float32Array);
    expect(await first({ normalize: 'yolo' })).toEqual([1, 0, 0]);
    expect(await first({ normalize: 'inception' })).toEqual([1, -1, -1]);
    const [, , red] = await first({ normalize: 'imagenet', color: 'bgr' });
    expect(red).toBeCloseTo((1 - 0.485) / 0.229, 5);

    // What a config leaves out is filled in before a run: that must not count as said.
    for (const normalize of ['imagenet', 'yolo', 'inception', 'clip', 'none'] as const) {
      const calibration = { images: 'x', preprocess: { normalize } };
      const { data } = resolveConfig({ model: 'm.onnx', data: { calibration } });
      expect(await first(data.calibration.preprocess!)).toEqual(await first({ normalize }));
    }
  });
});
