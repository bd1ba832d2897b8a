import { expect, it } from 'vitest';
import { findAll } from '../src/rules/all.js';
import { config } from '../../test/kit/configs.js';
import { summary } from '../../test/kit/summary.js';
import { fixed, found, HEAD, NOTHING, scope } from './ruleKit.js';

const model = summary({
  nodes: [{ name: 'conv', op: 'Conv', outputs: ['y'] }],
  inputs: [{ name: 'x', type: 'float32', dims: [1, 3, 8, 8] }],
});
const messages = (text: string) =>
  findAll(config(text), { ...NOTHING, model }).findings.map(({ message }) => message);

it.each([
  ['an undefined anchor', 'model: m.onnx\ndata: {calibration: *cifar}\n', ['unknown-anchor *cifar']],
  [
    'an undefined anchor of a merge',
    'model: m.onnx\ndata:\n  calibration: {arrays: a.npy}\n  validation: {<<: *cifar}\n',
    ['unknown-anchor *cifar'],
  ],
  [
    'a section under the name of another tool',
    'model: m.onnx\ndataset: {images: a}\n',
    ['unknown-key dataset'],
  ],
])('%s is told once', (_, text, expected) => expect(found(text)).toEqual(expected));

it.each([
  [scope('types: [Convolution]'), 'The model has no operator of type "Convolution". Did you mean "Conv"?'],
  [
    `${HEAD}quantization: {overrides: [{types: [Conv], bits: 4}]}\n`,
    'Unknown key "bits" in "quantization.overrides[0]". Here it is "quantization.overrides[0].num_bits".',
  ],
])('%j: %s', (text, message) => expect(messages(text)).toContain(message));

it.each<[string, string, string]>([
  [
    'model: m.onnx\ndata:\n  calibration:\n    images: a\n    preprocess:\n      resize: (8, 8)\n',
    'wrong-type',
    'model: m.onnx\ndata:\n  calibration:\n    images: a\n    preprocess:\n      resize: [8, 8]\n',
  ],
  [
    'model: m.onnx\ndata:\n  calibration:\n\tarrays: a.npy\n',
    'syntax',
    'model: m.onnx\ndata:\n  calibration:\n    arrays: a.npy\n',
  ],
  [
    'model: m.onnx\ndata:\n\tcalibration:\n\t\tarrays: a.npy\n',
    'syntax',
    'model: m.onnx\ndata:\n  calibration:\n    arrays: a.npy\n',
  ],
])('%j: %s', (text, code, expected) => expect(fixed(text, code)).toBe(expected));

it('names the tokenizer that lies beside the texts', () => {
  const text = 'model: m.onnx\ndata: {calibration: {texts: nlp/a.tsv}}\n';
  expect(fixed(text, 'tokenizer-missing', {}, /Name/)).toBe(
    text.replace('a.tsv', 'a.tsv, tokenizer: nlp/tokenizer.json'),
  );
});

it('moves a section to its place as a whole, and leaves one with comments', () => {
  const text = `${HEAD}backend_params: {threads: 4}\n`;
  expect(fixed(text, 'unknown-key', {}, /Move/)).toBe(
    `${HEAD}quantization:\n  advanced_parameters:\n    backend_params:\n      threads: 4\n`,
  );
});

it('offers settings of a matrix that differ in their last step alone', () => {
  const [found] = findAll(
    config(`${HEAD}matrix: {quantization.presets: [mixed, performance]}\n`),
    NOTHING,
  ).findings;
  expect(found?.data?.suggestions).toEqual(['quantization.preset']);
});

it('gives a key of another tool its name beside it', () => {
  const text = `${HEAD}quantization: {overrides: [{types: [Conv], bits: 4}]}\n`;
  expect(fixed(text, 'unknown-key', {}, /Move/)).toBe(text.replace('bits', 'num_bits'));
});

it('never moves a value to a key of the opposite meaning', () => {
  const text = `${HEAD}quantization: {per_tensor: true}\n`;
  expect(messages(text)[0]).toContain('Here it is the opposite: "per_channel"');
  expect(fixed(text, 'unknown-key', {}, /./)).toBe(HEAD);
});
