import { describe, expect, it } from 'vitest';
import { accepted, at, completions, labels } from '../../test/kit/configs.js';
import { listingsOf } from '../../test/kit/facts.js';
import { summary } from '../../test/kit/summary.js';

// The first suggestion is what a person most probably wants there.

const float = (name: string, dims: (number | string)[]) => ({ name, type: 'float32', dims });
const nodes = [{ name: 'conv', op: 'Conv', outputs: ['y'] }];
const classifier = summary({
  nodes,
  inputs: [float('x', ['n', 3, 32, 32])],
  outputs: [float('y', ['n', 10])],
});
const streaming = summary({
  nodes,
  inputs: [
    float('x', [1, 257, 1, 2]),
    float('h_in', [1, 16]),
    { name: 'sr', type: 'int64', dims: [] },
    float('c:0', [1, 8]),
  ],
  outputs: [float('y', [1, 257, 1, 2]), float('c_out', [1, 8]), float('h_out', [1, 16])],
});
const HEAD = 'model: m.onnx\ndata:\n  calibration: ';
const BOTH = `${HEAD}{arrays: a.npy}\n  validation: {arrays: b.npy`;

describe('values', () => {
  it.each([
    ['the default', 'quantization:\n  subset_size: |', '300'],
    ['the default', 'accuracy_control:\n  max_drop: |', '0.01'],
    ['a whole byte or less', 'quantization:\n  overrides:\n    - types: [Conv]\n      num_bits: |', '4'],
    ['what a list does not have yet', 'matrix:\n  quantization.preset: [performance, |]', 'mixed'],
    ['a metric without labels', `${BOTH}}\naccuracy_control: {metric: |}`, 'agreement'],
    ['a metric of the model', `${BOTH}, labels: l.npy}\naccuracy_control: {metric: |}`, 'top1'],
    ['the task of the model', 'task: {type: |}', 'classification'],
  ])('%s: %j', (_, marked, first) => {
    expect(labels(marked, 'yaml', { model: classifier })[0]).toBe(first);
  });

  it('outputs that fit a state', () => {
    const marked = `${HEAD}{audio: a, states: {h_in: |}}`;
    expect(labels(marked, 'yaml', { model: streaming })[0]).toBe('h_out');
  });

  it('anchors of another key, for who has written the asterisk', () => {
    const above = `${HEAD}\n    preprocess: &p\n      center_crop: &size 224\n      resize: `;
    expect(labels(`${above}|`)).not.toContain('*size');
    expect(labels(`${above}*|`)).toContain('*size');
    const item = completions(`${above}*|`).find(({ label }) => label === '*size');
    expect(accepted(at(`${above}*|`).document, item!)).toBe(`${above}*size`);
  });
});

describe('keys', () => {
  const model = streaming;
  it('of a section are those that its source reads, its own first', () => {
    const audio = labels(`${HEAD}\n    audio: a\n    |`, 'yaml', { model });
    expect(audio[0]).toBe('sample_rate');
    expect(audio).not.toContain('preprocess');
    expect(audio).not.toContain('tokenizer');
    expect(labels(`${HEAD}\n    texts: a\n    |`)[0]).toBe('tokenizer');
    expect(labels(`${HEAD}\n    images: a\n    |`)).toEqual(['preprocess', 'limit']);
    expect(labels(`${HEAD}\n    arrays: a\n    |`)[0]).toBe('preprocess');
  });

  it('audio comes first for a model with states', () => {
    expect(labels(`${HEAD}\n    |`, 'yaml', { model })[0]).toBe('audio');
    expect(labels(`${HEAD}\n    |`, 'yaml', { model: classifier })[0]).toBe('images');
  });

  it('of states and constants are inputs of the model', () => {
    const states = `${HEAD}\n    audio: a\n    states:\n      |`;
    expect(labels(states, 'yaml', { model })).toEqual(['h_in', 'c:0']);
    const [, quoted] = completions(states, 'yaml', { model });
    expect(accepted(at(states).document, quoted!)).toMatch(/states:\n {6}c:0: $|"c:0": $/);
    expect(labels(`${HEAD}{audio: a, constants: {|}}`, 'yaml', { model })).toEqual(['sr']);
    expect(labels(`${HEAD}{audio: a, states: {h_in: h_out, |}}`, 'yaml', { model })).toEqual(['c:0']);
  });
});

describe('files', () => {
  const baseDir = '/folder';
  const files = [
    ...[
      'out/x.txt',
      'nets/b.onnx',
      'cifar/flat.npy',
      'cifar/test_x.npy',
      'cifar/test_y.npy',
      'cifar/train_y.npy',
    ],
    ...[
      'a.quant.json',
      'a.int8.onnx.report.json',
      'nlp/dev.tsv',
      'nlp/train.tsv',
      'nlp/tokenizer.json',
      'nlp/config.json',
      'png/train/1.png',
      'png/test/cat/1.png',
    ],
  ];
  const context = { baseDir, listings: listingsOf(baseDir, files) };
  const section = (rest: string) => `data:\n  validation: {${rest}}\n`;

  it.each([
    ['folders with models', 'model: |', 'nets'],
    ['folders with arrays', 'data: {calibration: {arrays: |}}', 'cifar'],
    ['the folder of the samples', section('arrays: cifar/test_x.npy, labels: |'), 'cifar'],
    ['labels', section('arrays: cifar/test_x.npy, labels: cifar/|'), 'cifar/test_y.npy'],
    ['the folder of the texts', section('texts: nlp/dev.tsv, tokenizer: |'), 'nlp'],
    ['a tokenizer', section('texts: nlp/dev.tsv, tokenizer: nlp/|'), 'nlp/tokenizer.json'],
    ['folders of classes', section('images: png/|'), 'png/test'],
    ['texts to calibrate on', 'data: {calibration: {texts: nlp/|}}', 'nlp/train.tsv'],
    ['texts to validate on', section('texts: nlp/|'), 'nlp/dev.tsv'],
  ])('%s', (_, marked, first) => expect(labels(marked, 'yaml', context)[0]).toBe(first));

  it('no config, report or sample is offered as labels', () => {
    const offered = labels(section('arrays: cifar/test_x.npy, labels: |'), 'yaml', context);
    expect(offered.filter((label) => label.endsWith('.json'))).toEqual([]);
    expect(labels(section('arrays: cifar/test_x.npy, labels: cifar/|'), 'yaml', context)).not.toContain(
      'cifar/test_x.npy',
    );
  });
});
