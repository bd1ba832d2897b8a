import { describe, expect, it } from 'vitest';
import { summary } from '../../test/kit/summary.js';
import { found } from './ruleKit.js';

const takes = (dims: (number | string)[]) =>
  summary({
    nodes: [{ name: 'conv', op: 'Conv', outputs: ['y'] }],
    inputs: [{ name: 'x', type: 'float32', dims }],
  });

describe('mean and std that are not one for each channel', () => {
  it.each([
    ['images: a', 'mean: [0.1, 0.2, 0.3]', [1, 3, 32, 32], []],
    ['arrays: a', 'mean: [0.1]', [1, 3, 32, 32], []],
    ['arrays: a', 'mean: 0.1', [1, 3, 32, 32], []],
    ['arrays: a', 'mean: [0.1, 0.2]', [1, 3, 32, 32], ['normalization-doubtful [0.1, 0.2]']],
    ['arrays: a', 'mean: [0, 0, 0, 0]', [1, 4, 32, 32], []],
    ['arrays: a', 'color: gray, mean: [1, 2, 3]', [1, 3, 8, 8], []],
    ['images: a', 'mean: [0.1, 0.2]', [1, 3, 32, 32], ['conflicting-settings mean']],
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
