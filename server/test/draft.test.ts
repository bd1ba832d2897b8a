import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { encodeModel } from '@quantsmith/model/onnx';
import type { DraftData } from '@quantsmith/schemas';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { model, node, value } from '../../test/kit/models.js';
import { writeNpy } from '../../test/kit/npy.js';
import { checkConfigText, draftConfig } from '../src/index.js';

const scratch = mkdtempSync(join(tmpdir(), 'quantsmith-near-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));
let dir = '';
beforeEach(() => (dir = mkdtempSync(join(scratch, 'case-'))));

function write(path: string, data: string | Uint8Array = ''): void {
  mkdirSync(dirname(join(dir, path)), { recursive: true });
  writeFileSync(join(dir, path), data);
}

/** A model of these shapes; what it computes does not matter here. */
function writeModel(inputs: readonly (number | string)[], outputs: readonly (number | string)[]): void {
  const parts = { inputs: [value('a', inputs)], outputs: [value('b', outputs)] };
  write('m.onnx', encodeModel(model({ ...parts, nodes: [node('MatMul', ['a', 'a'], ['b'])] })));
}

/** What is found by looking alone. */
const found = async () => {
  const options = { configPath: join(dir, 'm.quant.yaml'), seconds: 0 };
  return (await draftConfig(join(dir, 'm.onnx'), options)).data;
};

const IMAGE = [1, 3, 32, 32] as const;
const files = (folder: string, names: readonly string[]) =>
  names.forEach((name) => write(`${folder}/${name}`));
const TWO = ['1.jpg', '2.jpg'] as const;

describe('data near a model', () => {
  it('class folders, with the list of classes', async () => {
    writeModel(IMAGE, [1, 3]);
    for (const set of ['data/train', 'data/val'])
      for (const name of ['cat', 'dog']) files(`${set}/${name}`, TWO);
    write('data/classes.txt', 'dog\ncat\nbird\n');
    const classes = './data/classes.txt';
    expect(await found()).toEqual({
      calibration: { images: './data/train', classFolders: true, classes },
      validation: { images: './data/val', classFolders: true, classes },
    });
  });

  it('a table beside the images', async () => {
    writeModel(IMAGE, [1, 10]);
    files('calib', ['7.jpg']);
    files('validation', TWO);
    write('validation/labels.csv', 'file,label\n1.jpg,3\n2.jpg,4\n');
    write('other.csv', 'x,y\n1,2\n');
    expect(await found()).toEqual({
      calibration: { images: './calib' },
      validation: { images: './validation', labels: ['./validation/labels.csv'] },
    });
  });

  it('YOLO folders, COCO files and masks, of one set', async () => {
    writeModel(IMAGE, [1, 84, 85]);
    files('images/val2017', TWO);
    write('labels/val2017/1.txt', '0 0.5 0.5 0.1 0.1\n');
    write('labels/val2017/2.txt');
    write('annotations/instances_val2017.json', '{"images": [{"file_name": "1.jpg"}], "annotations": []}');
    write('annotations/captions.json', '{"images": [{"file_name": "9.jpg"}]}');
    files('masks', ['1.png', '2.png']);
    const { validation } = await found();
    expect(validation!.images).toBe('./images/val2017');
    expect([...validation!.labels!].sort()).toEqual([
      './annotations/instances_val2017.json',
      './labels/val2017',
      './masks',
    ]);
    expect(validation!.labels![0]).toBe('./annotations/instances_val2017.json');
  });

  it('transcripts', async () => {
    writeModel([1, 3, 32, 'w'], ['t', 1, 30]);
    files('val/lines', TWO);
    write('val/gt.tsv', '1.jpg\thello\n2.jpg\tworld\n');
    write('dict.txt', `${Array.from({ length: 29 }, (_, index) => index).join('\n')}\n`);
    expect(await found()).toMatchObject({
      validation: { images: './val/lines', labels: ['./val/gt.tsv'] },
      alphabet: './dict.txt',
    });
  });

  it('arrays that the model takes, with their labels', async () => {
    writeModel(['n', 3], ['n', 4]);
    const rows = [1, 2].map((first) => ({ shape: [3], data: [first, 2, 3] }));
    writeNpy(join(dir, 'x_train.npy'), rows);
    writeNpy(join(dir, 'x_test.npy'), rows);
    writeNpy(
      join(dir, 'y_test.npy'),
      [1, 2].map((label) => ({ shape: [], data: [label] })),
    );
    writeNpy(join(dir, 'wide.npy'), [{ shape: [5], data: [1, 2, 3, 4, 5] }]);
    expect(await found()).toEqual({
      calibration: { arrays: './x_train.npy' },
      validation: { arrays: './x_test.npy', labels: ['./y_test.npy'] },
    });
  });

  it('an archive of several inputs, and folders of tensors', async () => {
    write(
      'm.onnx',
      encodeModel(
        model({
          inputs: [value('a', [1, 3]), value('b', [1, 3])],
          outputs: [value('c', [1, 3])],
          nodes: [node('Add', ['a', 'b'], ['c'])],
        }),
      ),
    );
    write('broken.npz', 'no archive');
    writeNpy(join(dir, 'x.npy'), [{ shape: [3], data: [1, 2, 3] }]);
    write('data/test_data_set_0/input_0.pb');
    expect(await found()).toEqual({ calibration: { tensors: './data' } });
  });

  it('texts beside a tokenizer, for a model that takes tokens', async () => {
    const tokens = ['input_ids', 'attention_mask'].map((name) => value(name, ['n', 'length'], 7));
    write(
      'm.onnx',
      encodeModel(
        model({
          inputs: tokens,
          outputs: [value('logits', ['n', 2])],
          nodes: [node('MatMul', ['input_ids', 'attention_mask'], ['logits'])],
        }),
      ),
    );
    write('train.tsv', 'good film\t1\nbad film\t0\n');
    expect(await found()).toEqual({});
    write('tokenizer.json', '{}');
    write('dev.jsonl', '{"text": "good film", "label": 1}\n');
    write('other.jsonl', '{"words": 3}\n');
    write('vocab.txt', 'good\nbad\n');
    write('empty.txt');
    expect(await found()).toMatchObject({
      calibration: { texts: './train.tsv', tokenizer: './tokenizer.json' },
      validation: { texts: './dev.jsonl', tokenizer: './tokenizer.json' },
    });
  });

  it('that were chosen, with the labels beside them', async () => {
    writeModel(IMAGE, [1, 10]);
    files('calib', TWO);
    files('val', TWO);
    write('val/labels.csv', 'file,label\n1.jpg,3\n2.jpg,4\n');
    const drafted = async (chosen: DraftData) =>
      (await draftConfig(join(dir, 'm.onnx'), { configPath: join(dir, 'm.quant.yaml'), seconds: 0, chosen }))
        .data;
    const labelled = { images: './val', labels: ['./val/labels.csv'] };
    expect(await drafted({ calibration: { images: 'calib' }, validation: { images: 'val' } })).toEqual({
      calibration: { images: 'calib' },
      validation: { ...labelled, images: 'val' },
    });
    // Labels that were chosen stay; a source that lies elsewhere is taken as it is.
    const elsewhere = { images: '/no/such/folder' };
    expect(await drafted({ validation: { images: 'val', labels: ['l.csv'] } })).toEqual({
      validation: { images: 'val', labels: ['l.csv'] },
    });
    expect(await drafted({ calibration: elsewhere })).toEqual({ calibration: elsewhere });
  });

  it('behind links, which may go in circles; nothing of it is missing where there is none', async () => {
    writeModel(IMAGE, [1, 10]);
    expect(await found()).toEqual({});
    mkdirSync(join(scratch, 'elsewhere/val'), { recursive: true });
    writeFileSync(join(scratch, 'elsewhere/val/1.jpg'), '');
    symlinkSync(join(scratch, 'elsewhere'), join(dir, 'data'));
    symlinkSync(dir, join(dir, 'again'));
    expect((await found()).validation).toEqual({ images: './data/val' });
  });

  it('and a config is valid whatever the names of models, tensors and files', async () => {
    writeModel(IMAGE, [1, 10]);
    const name = 'val/a: b # \'c\' "d"';
    files(name, TWO);
    for (const file of TWO) writeFileSync(join(dir, name, file), Buffer.from([0xff, 0xd8, 0xff, 0xe0]));
    const configPath = join(dir, 'm.quant.yaml');
    const { text } = await draftConfig(join(dir, 'm.onnx'), { configPath, seconds: 0 });
    write('m.quant.yaml', text);
    const { findings } = await checkConfigText(text, configPath);
    expect(findings.filter(({ severity }) => severity === 'error')).toEqual([]);
    // It counts no samples: there are two, and what is left out takes what there is.
    expect(text).not.toContain('subset_size');
    expect(findings.filter(({ path }) => path[0] === 'quantization')).toEqual([]);
  });

  it('of another folder, written relative to the config', async () => {
    writeModel(IMAGE, [1, 10]);
    files('sets/coco/val', TWO);
    mkdirSync(join(dir, 'configs'));
    const configPath = join(dir, 'configs/m.quant.yaml');
    const options = { configPath, dataDir: join(dir, 'sets/coco'), seconds: 0 };
    expect((await draftConfig(join(dir, 'm.onnx'), options)).data.validation).toEqual({
      images: '../sets/coco/val',
    });
  });
});
