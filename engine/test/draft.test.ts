import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { afterAll, describe, expect, it } from 'vitest';
import { encodeModel } from '@quantsmith/model/onnx';
import type { DraftData, DraftSource } from '@quantsmith/schemas';
import { floats, ints, model, node, value } from '../../test/kit/models.js';
import { npyBytes, npyHeader } from '../../test/kit/npy.js';
import { DATA, hasData } from '../../test/kit/realModels.js';
import { draftOfModel } from '../src/draft/draft.js';

const dir = mkdtempSync(join(tmpdir(), 'quantsmith-draft-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

/**
 * Tells red, green, blue and dark images apart, as a model that was trained with bytes in the order blue, green, red: a
 * brightness below 100 of the brightest channel is dark.
 */
const NAME = join(dir, 'colours.onnx');
writeFileSync(
  NAME,
  encodeModel(
    model({
      inputs: [value('in', [1, 3, 8, 8])],
      outputs: [value('out', [1, 4])],
      nodes: [
        node('GlobalAveragePool', ['in'], ['mean']),
        node('Reshape', ['mean', 'shape'], ['flat']),
        node('Gemm', ['flat', 'w', 'b'], ['out']),
      ],
      // Columns: red (the last channel), green, blue, and dark.
      initializers: [
        ints('shape', [1, 3]),
        floats('w', [3, 4], [0, 0, 1, 0, 0, 1, 0, 0, 1, 0, 0, 0]),
        floats('b', [4], [0, 0, 0, 100]),
      ],
    }),
  ),
);

const COLOURS = { a_red: '#e01010', b_green: '#10e010', c_blue: '#1010e0', d_dark: '#200810' };

async function colours(folder: string, count: number): Promise<void> {
  for (const [name, background] of Object.entries(COLOURS)) {
    mkdirSync(join(dir, folder, name), { recursive: true });
    for (let index = 0; index < count; index++)
      await sharp({ create: { width: 20, height: 12, channels: 3, background } })
        .png()
        .toFile(join(dir, folder, name, `${index}.png`));
  }
}

const draft = (data: DraftData, seconds = 60, modelPath = NAME) =>
  draftOfModel({ kind: 'draft', modelPath, baseDir: dir, data, seconds }, () => undefined);

describe('a draft of a config', () => {
  it('has the preprocessing that the float model does best with, and its figure', async () => {
    await colours('val', 4);
    const found = await draft({ validation: { images: 'val', classFolders: true } });
    expect(found).toMatchObject({ task: { type: 'classification' }, metric: 'top1', hasLabels: true });
    expect(found.preprocess).toMatchObject({ color: 'bgr', layout: 'nchw', resize: [8, 8] });
    expect(found.preprocess).not.toHaveProperty('normalize');
    expect(found.tried[0]).toMatchObject({ value: 1, samples: 16 });
    expect(found.tried.length).toBeGreaterThan(5);
    expect(found.remarks).toEqual([]);
  });

  it('says so where there are no labels, or no data', async () => {
    await colours('plain', 1);
    const bare = await draft({ calibration: { images: 'plain/a_red' } });
    expect(bare).toMatchObject({ hasLabels: false, tried: [], metric: 'cosine' });
    expect(bare.remarks.join()).toMatch(/No preprocessing was tried: there are no labels/);
    expect((await draft({})).remarks.join()).toMatch(/No data found nearby/);
  });

  it('takes no labels that do not fit, and says why', async () => {
    await colours('some', 1);
    writeFileSync(join(dir, 'wrong.csv'), 'file,label\n0.png,7\n');
    const source = { images: 'some/a_red', labels: ['wrong.csv'] };
    const found = await draft({ validation: source });
    expect(found).toMatchObject({ hasLabels: false, labels: null });
    expect(found.remarks.join()).toMatch(/has the label 7, but the model has only 4 classes/);
  });

  it('is what shapes tell where the model does not run, or there is no time', async () => {
    await colours('late', 2);
    const late = await draft({ validation: { images: 'late', classFolders: true } }, 0);
    expect(late).toMatchObject({ tried: [], task: { type: 'classification' } });
    expect(late.remarks.join()).toMatch(/no time/);
    const broken = join(dir, 'broken.onnx');
    const nodes = [node('NoSuchOperator', ['in'], ['out'])];
    const [inputs, outputs] = [[value('in', [1, 3, 8, 8])], [value('out', [1, 4])]];
    writeFileSync(broken, encodeModel(model({ inputs, outputs, nodes })));
    const refused = await draft({ validation: { images: 'late' } }, 60, broken);
    expect(refused.remarks.join()).toMatch(/operator that the runtime does not have/);
    expect(refused.preprocess).toMatchObject({ resize: [8, 8] });
  });
});

describe('samples that are not photographs', () => {
  const example = (name: string) => fileURLToPath(new URL(`../../examples/${name}`, import.meta.url));
  const draftOf = (name: string, modelName: string, validation: DraftSource) =>
    draftOfModel(
      {
        ...{ kind: 'draft', modelPath: example(`${name}/${modelName}`), baseDir: example(name) },
        ...{ data: { validation }, seconds: 60 },
      },
      () => undefined,
    );

  it('arrays of 16 steps are divided by 16', async () => {
    const labels = ['data/validation-labels.npy'];
    const found = await draftOf('digits', 'digits.onnx', { arrays: 'data/validation.npy', labels });
    expect(found).toMatchObject({ metric: 'top1', preprocess: { scale: 16 }, hasLabels: true });
    expect(found.tried[0]).toMatchObject({ samples: 600 });
    expect(found.tried[0]!.value).toBeCloseTo(0.983, 3);
    // What bytes would have been.
    expect(found.tried.map(({ text }) => text)).toEqual(
      expect.arrayContaining(['yolo, gray', '0…255, gray']),
    );
  });

  it.each([
    [1, [0, 1]],
    [100, [0, 20, 100]],
    [255, [0, 128, 255]],
    [60_000, [0, 30_000, 60_000]],
  ])('arrays up to %i: what the model was trained with wins', async (peak, levels) => {
    // It answers 1 where a pixel in [0, 1] is brighter than a third on the average.
    const nodes = [
      node('GlobalAveragePool', ['in'], ['mean']),
      node('Reshape', ['mean', 'shape'], ['flat']),
      node('Gemm', ['flat', 'w', 'b'], ['out']),
    ];
    const isWide = peak > 255;
    const initializers = [
      ints('shape', [1, 1]),
      floats('w', [1, 2], [0, isWide ? 1 / peak : 1]),
      floats('b', [2], [0, -1 / 3]),
    ];
    const parts = { inputs: [value('in', [1, 1, 4, 4])], outputs: [value('out', [1, 2])] };
    const path = join(dir, `levels${peak}.onnx`);
    writeFileSync(path, encodeModel(model({ ...parts, nodes, initializers })));
    const rows = [...levels, ...levels, ...levels];
    const data = Uint16Array.from(rows.flatMap((level) => new Array<number>(16).fill(level)));
    const bytes = isWide ? Float32Array.from(data) : Uint8Array.from(data);
    const header = npyHeader(isWide ? '<f4' : '|u1', isWide ? [rows.length, 1, 4, 4] : [rows.length, 4, 4]);
    writeFileSync(join(dir, `levels${peak}.npy`), npyBytes(header, Buffer.from(bytes.buffer)));
    const right = Uint8Array.from(rows, (level) => Number(level / peak > 1 / 3));
    writeFileSync(
      join(dir, `right${peak}.npy`),
      npyBytes(npyHeader('|u1', [rows.length]), Buffer.from(right)),
    );
    const validation = { arrays: `levels${peak}.npy`, labels: [`right${peak}.npy`] };
    const found = await draft({ validation }, 60, path);
    expect(found).toMatchObject({ hasLabels: true, metric: 'top1' });
    expect(found.tried[0]).toMatchObject({ value: 1, samples: rows.length });
    // Floats are what the model takes; nothing is done to them.
    if (isWide) expect(found.preprocess).toBeNull();
    else expect(found.preprocess).toMatchObject(peak === 255 ? { normalize: 'yolo' } : { scale: peak });
  });

  it('lines of text are read without an error, or the labels are those of another model', async () => {
    // A column of pixels is "a" where it is redder than green, "b" where it is the other way round, else nothing.
    const weights = [0, 1, 2].flatMap((channel) =>
      Array.from({ length: 21 }, (_, i) => (i === 1 || i === 2 ? [1, -1, 0][channel]! * (3 - 2 * i) : 0)),
    );
    const nodes = [
      node('ReduceMean', ['in'], ['columns'], { axes: [2], keepdims: 0 }),
      node('Transpose', ['columns'], ['steps'], { perm: [0, 2, 1] }),
      node('MatMul', ['steps', 'w'], ['out']),
    ];
    const parts = { inputs: [value('in', [1, 3, 32, 'w'])], outputs: [value('out', [1, 'w', 21])] };
    const path = join(dir, 'lines.onnx');
    writeFileSync(
      path,
      encodeModel(model({ ...parts, nodes, initializers: [floats('w', [3, 21], weights)] })),
    );
    mkdirSync(join(dir, 'lines'), { recursive: true });
    const half = (background: string) =>
      ({ create: { width: 60, height: 32, channels: 3, background } }) as const;
    const image = sharp({ create: { width: 120, height: 32, channels: 3, background: '#10e010' } });
    const overlay = await sharp(half('#e01010')).png().toBuffer();
    await image
      .composite([{ input: overlay, left: 0, top: 0 }])
      .png()
      .toFile(join(dir, 'lines/0.png'));
    writeFileSync(
      join(dir, 'letters.txt'),
      Array.from({ length: 20 }, (_, i) => String.fromCharCode(97 + i)).join('\n'),
    );
    const read = async (text: string) => {
      writeFileSync(join(dir, 'lines.tsv'), `0.png\t${text}\n`);
      const validation = { images: 'lines', labels: ['lines.tsv'] };
      return draft({ validation, alphabet: 'letters.txt' }, 60, path);
    };

    const right = await read('ab');
    expect(right).toMatchObject({
      task: { type: 'ctc' },
      metric: 'cer',
      hasLabels: true,
      labels: 'lines.tsv',
    });
    expect(right.tried[0]).toMatchObject({ value: 0, samples: 1 });
    const wrong = await read('ts');
    expect(wrong).toMatchObject({ metric: 'cosine', hasLabels: false, labels: null });
    expect(wrong.remarks.join()).toMatch(/cer stays at 100\.00 % .* the labels do not fit it/);
  });

  it('as many maps as channels are classes where masks lie beside the images', async () => {
    const found = await draftOf('segmentation', 'shapes.onnx', { images: 'validation', labels: ['masks'] });
    expect(found).toMatchObject({ task: { type: 'segmentation' }, metric: 'miou', labels: 'masks' });
    expect(found.tried[0]!.value).toBeGreaterThan(0.82);
  });

  it('texts and sounds are measured as they are', async () => {
    const texts = { texts: 'validation.tsv', tokenizer: 'tokenizer.json' };
    const found = await draftOf('text', 'reviews.onnx', texts);
    expect(found).toMatchObject({ metric: 'top1', preprocess: null, hasLabels: true });
    expect(found.tried[0]).toMatchObject({ value: 0.875, samples: 200 });
    const sounds = await draftOf('audio', 'sweeps.onnx', { audio: 'sounds/validation', classFolders: true });
    expect(sounds).toMatchObject({ preprocess: null });
  });
});

describe.skipIf(!hasData)('on real models (needs shared/data)', () => {
  it('tells YOLOX from YOLOv5 by whose boxes lie on the images', async () => {
    const images = join(DATA, 'datasets/coco/validation/images');
    const path = join(DATA, 'models/detection/yolox_nano.onnx');
    const found = await draft({ calibration: { images } }, 60, path);
    expect(found.task).toEqual({ type: 'detection', decode: 'yolox' });
    expect(found.reasons.join()).toMatch(/fit yolox and yolov5; .* yolox: (9\d|100) %, yolov5: [0-3]?\d %/);
  });
});
