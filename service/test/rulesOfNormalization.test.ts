import { describe, expect, it } from 'vitest';
import { summary } from '../../test/kit/summary.js';
import { NO_FACTS } from '../src/facts/facts.js';
import { fixed, found, HEAD } from './ruleKit.js';

const takes = (dims: (number | string)[]) =>
  summary({
    nodes: [{ name: 'conv', op: 'Conv', outputs: ['y'] }],
    inputs: [{ name: 'x', type: 'float32', dims }],
  });

describe('mean and std that are not one for each channel', () => {
  it.each([
    ['images: a', 'mean: [1, 2, 3]', [1, 3, 32, 32], []],
    ['arrays: a', 'mean: [0.1]', [1, 3, 32, 32], []],
    ['arrays: a', 'mean: 0.1', [1, 3, 32, 32], []],
    ['arrays: a', 'mean: [0.1, 0.2]', [1, 3, 32, 32], ['normalization-doubtful [0.1, 0.2]']],
    ['arrays: a', 'mean: [0, 0, 0, 0]', [1, 4, 32, 32], []],
    ['arrays: a', 'color: gray, mean: [1, 2, 3]', [1, 3, 8, 8], []],
    ['images: a', 'mean: [1, 2]', [1, 3, 32, 32], ['conflicting-settings mean']],
    ['images: a', 'color: gray, std: [1, 2, 3]', [1, 1, 8, 8], ['conflicting-settings std']],
    ['arrays: a', 'std: [1, 2, 3]', [1, 1, 8, 8], ['normalization-doubtful [1, 2, 3]']],
    ['arrays: a', 'std: [1, 2, 3]', [1, 8, 8, 3], []],
    ['arrays: a', 'std: [1, 2, 3]', [1, 224, 224, 3], []],
    ['arrays: a', 'layout: nhwc, std: [1, 2, 3]', [1, 8, 8, 3], []],
    ['arrays: a', 'std: [1, 2, 3]', ['batch', 64], []],
  ])('%s with %s, the model takes %j', (data, preprocess, dims, expected) => {
    const text = `model: m.onnx\ndata: {calibration: {${data}, preprocess: {${preprocess}}}}\n`;
    const ofLists = found(text, { model: takes(dims) }).filter((each) =>
      /^(normalization-doubtful|conflicting-settings) /.test(each),
    );
    expect(ofLists).toEqual(expected);
  });
});

describe('mean and std of fractions, and nothing that makes fractions of bytes', () => {
  const section = (source: string, preprocess: string) =>
    `model: m.onnx\ndata: {calibration: {${source}, preprocess: {${preprocess}}}}\n`;
  const bytes = {
    ...NO_FACTS,
    calibration: { ...NO_FACTS.calibration, array: { shape: [9, 8, 8, 3], type: 'uint8' } },
  };

  it.each([
    ['images: a', 'mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225]', ['[0.485, 0.456, 0.406]']],
    ['images: a', 'mean: 0.5', ['0.5']],
    ['images: a', 'scale: 1, std: 0.5', ['0.5']],
    ['images: a', 'scale: 255, mean: 0.5, std: 0.5', []],
    ['images: a', 'normalize: yolo, mean: 0.5', []],
    ['images: a', 'mean: [0, 0, 0], std: [1, 1, 1]', []],
    ['images: a', 'mean: 127.5, std: 127.5', []],
    ['arrays: a.npy', 'mean: 0.13, std: 0.3', ['0.13']],
  ])('%s with %s', (source, preprocess, marked) => {
    const doubtful = found(section(source, preprocess), { facts: bytes }).filter((each) =>
      each.startsWith('norm'),
    );
    expect(doubtful).toEqual(marked.map((text) => `normalization-doubtful ${text}`));
  });

  it('is mended by scale', () => {
    const mended = section('images: a', 'mean: 0.5, std: 0.5, scale: 255');
    expect(fixed(section('images: a', 'mean: 0.5, std: 0.5'), 'normalization-doubtful')).toBe(mended);
  });
});

describe('a transformer without attention', () => {
  it.each([
    ['Gemm', ['model-type-unfit transformer']],
    ['MatMul', []],
  ])('is doubted but for products that SmoothQuant could be for: %s', (op, expected) => {
    const model = summary({
      nodes: [
        { name: 'conv', op: 'Conv', outputs: ['c'] },
        { name: 'head', op, inputs: ['c', 'w'], outputs: ['y'], constants: { 1: [4, 2] } },
      ],
    });
    const doubts = found(`${HEAD}quantization: {model_type: transformer}\n`, { model });
    expect(doubts.filter((each) => each.startsWith('model-type'))).toEqual(expected);
  });
});
