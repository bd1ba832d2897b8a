import { describe, expect, it } from 'vitest';
import { completionAt, listingWanted } from '../src/features/completion.js';
import { cursorAt } from '../src/features/cursorAt.js';
import { isWantedBehind } from '../src/features/trigger.js';
import { accepted, at, completions, CONTEXT, labels } from '../../test/kit/configs.js';
import { listingsOf } from '../../test/kit/facts.js';
import { summary } from '../../test/kit/summary.js';

// What is offered first, and that nothing is out of reach.

const node = (name: string, op: string) => ({ name, op, constants: {}, outputs: [] });
const classifier = summary({
  nodes: [node('Conv_0', 'Conv'), node('Relu_1', 'Relu'), node('Conv_2', 'Conv'), node('Gemm_3', 'Gemm')],
  inputs: [{ name: 'image', type: 'float32', dims: ['n', 3, 224, 224] }],
  outputs: [{ name: 'logits', type: 'float32', dims: ['n', 1000] }],
});

const baseDir = '/folder';
const listed = (files: readonly string[]) => ({ baseDir, listings: listingsOf(baseDir, files) });
const preprocess = (key: string) => `data:\n  calibration:\n    preprocess:\n      ${key}: |`;

describe('keys come by use', () => {
  it.each([
    ['|', ['model', 'data', 'accuracy_control', 'quantization']],
    ['quantization:\n  |', ['preset', 'ignored_scope', 'target_device', 'subset_size']],
    ['data:\n  validation:\n    |', ['images', 'arrays', 'labels', 'classes', 'preprocess']],
    [preprocess('').replace(/: \|$/, '|'), ['resize', 'center_crop', 'normalize']],
  ])('%j', (marked, first) => {
    expect(labels(marked).slice(0, first.length)).toEqual(first);
  });
});

describe('values', () => {
  it.each([
    ['quantization:\n  subset_size: |', ['300: default', '100: usual']],
    ['accuracy_control:\n  max_drop: |', ['0.01: default', '0.005: usual']],
    [preprocess('scale'), ['255: usual', '127.5: usual']],
    [preprocess('mean'), ['[0.485, 0.456, 0.406]: ImageNet', '[0.48145466, 0.4578275, 0.40821073]: CLIP']],
    [preprocess('std'), ['[0.229, 0.224, 0.225]: ImageNet']],
    [
      preprocess('resize'),
      ['256: the short side, before a crop to 224', '[224, 224]: the model takes 224 × 224'],
    ],
    [preprocess('center_crop'), ['224: the model takes 224 × 224']],
    ['$schema: |', ['"urn:quantsmith:quantization-config:1": this format']],
  ])('known ones of %j', (marked, wanted) => {
    const said = completions(marked, 'yaml', { model: classifier }).map(
      ({ label, detail }) => `${label}: ${detail}`,
    );
    expect(said).toEqual(expect.arrayContaining(wanted));
  });

  it('a known value stands where the cursor was, in both notations', () => {
    const take = (marked: string, language: 'yaml' | 'json', label: string) =>
      accepted(
        at(marked, language).document,
        completions(marked, language).find((item) => item.label === label)!,
      );

    expect(take(preprocess('mean'), 'yaml', '[0.485, 0.456, 0.406]')).toMatch(
      /mean: \[0\.485, 0\.456, 0\.406\]$/,
    );
    expect(take('{"quantization": {"subset_size": |}}', 'json', '300')).toBe(
      '{"quantization": {"subset_size": 300}}',
    );
  });

  it('patterns for models whose nodes have no names', () => {
    const scope = 'quantization:\n  ignored_scope:\n    patterns: [|]';
    expect(labels(scope, 'yaml', { model: classifier })).toEqual(['Conv_.*']);
  });
});

describe('files', () => {
  const files = [
    'a.int8.onnx',
    'b.onnx',
    'models/c.onnx',
    'train/1.jpg',
    'val/1.jpg',
    'val/labels.csv',
    'x.csv',
  ];

  it('models before folders, and none that a run has written', () => {
    expect(labels('model: |', 'yaml', listed(files))).toEqual(['b.onnx', 'models', 'train', 'val']);
  });

  it('images and labels where they lie', () => {
    const context = listed(files);
    expect(labels('data: {validation: {images: |', 'yaml', context).slice(0, 2)).toEqual([
      './val',
      './train',
    ]);
    expect(labels('data: {calibration: {images: |', 'yaml', context)[0]).toBe('./train');
    const table = 'data:\n  validation:\n    images: val\n    labels: |';
    expect(labels(table, 'yaml', context)[0]).toBe('./val/labels.csv');
    const { document, position } = at(table);
    expect(listingWanted(cursorAt(document, position), baseDir)).toEqual({ folder: baseDir, near: true });
  });

  it('of large folders are filtered before they are cut, and the list says so', () => {
    const many = listed(Array.from({ length: 300 }, (_, index) => `m${String(index).padStart(3, '0')}.onnx`));
    const list = (typed: string) => {
      const { document, position } = at(`model: ${typed}|`);
      return completionAt(document, cursorAt(document, position), { ...CONTEXT, ...many });
    };

    expect(list('')).toMatchObject({ isIncomplete: true });
    expect(list('299').items.map(({ label }) => label)).toContain('m299.onnx');
  });

  it('by absolute paths', () => {
    const context = { baseDir, listings: new Map([['/', [{ name: 'srv', kind: 'folder' as const }]]]) };
    expect(labels('model: /|', 'yaml', context)).toEqual(['/srv']);
    const { document, position } = at('model: /srv/m|');
    expect(listingWanted(cursorAt(document, position), baseDir)).toEqual({ folder: '/srv', near: false });
  });
});

describe('sections that fit the model', () => {
  it('preprocess and task', () => {
    const section = 'data:\n  calibration:\n    |';
    const item = completions(section, 'yaml', { model: classifier }).find(
      ({ kind, label }) => kind === 15 && label.startsWith('preprocess'),
    )!;
    expect(accepted(at(section).document, item)).toBe(
      'data:\n  calibration:\n    preprocess:\n      resize: 256\n      center_crop: 224\n      color: rgb\n      normalize: imagenet\n      layout: nchw',
    );
    expect(labels('|', 'yaml', { model: classifier })).toContain('task: classification');
  });
});

describe('merge keys', () => {
  const above = 'data:\n  calibration: &c {arrays: a.npy}\n  validation: ';
  it('are offered where a mapping stands above, and take it, in flow style too', () => {
    expect(labels(`${above}{|}`)).toContain('<<');
    expect(labels(`${above}{<<: |}`)).toEqual(['*c']);
    expect(labels(`${above}\n    |`)).toContain('<<');
    expect(labels('data:\n  calibration:\n    |')).not.toContain('<<');
  });
  it('have in braces what the mapping around them has', () => {
    expect(labels(`${above}{<<: {|}}`)).toEqual(expect.arrayContaining(['labels', 'preprocess']));
    expect(labels('quantization:\n  <<: {preset: |}')).toEqual(expect.arrayContaining(['mixed']));
  });
});

describe('comments', () => {
  it('leave out findings by their codes', () => {
    expect(labels('# quantsmith-disable-next-line |')).toEqual(expect.arrayContaining(['unknown-node']));
    expect(labels('# quantsmith-disable-line unknown-node, |')).not.toContain('unknown-node');
    expect(labels('# quantsmith-disable-line |')).not.toContain('missing-key');
    expect(labels('# quant|')).toEqual(expect.arrayContaining(['quantsmith-disable-next-line']));
    expect(labels('// quant|\n{}', 'json')).toEqual(expect.arrayContaining(['quantsmith-disable']));
    expect(labels('# a word of quant|')).toEqual([]);
  });
});

describe('a typed character asks only where something begins', () => {
  it.each([
    ['quantization: |', ' ', true],
    ['quantization:\n  preset:|', ':', true],
    ['model: http:|', ':', false],
    ['model: a b |', ' ', false],
    ['# a comment |', ' ', false],
    ['# quantsmith-disable-line |', ' ', true],
    ['model: models/|', '/', true],
    ['quantization:\n  preset: a/|', '/', false],
    ['quantization:\n  ignored_scope:\n    names:\n      -|', '-', true],
    ['model: a-|', '-', false],
    ['model: "|"', '"', true],
    ['model: "a"|', '"', false],
    ['model: a-|', undefined, true],
  ])('%j behind %j: %s', (marked, character, isWanted) => {
    const { document, position } = at(marked);
    const cursor = cursorAt(document, position);
    expect(cursor !== null && isWantedBehind(document, cursor, character)).toBe(isWanted);
  });
});
