import { describe, expect, it } from 'vitest';
import type { HostTensor } from '@quantsmith/model/arrays';
import { precisionByClass, type ImageDetections } from '../src/metrics/averagePrecision.js';
import { topK } from '../src/metrics/topK.js';
import { describeAnswers } from '../src/validation/answers.js';
import { fitProblems } from '../src/validation/fit.js';

const scores = (...values: number[]): Record<string, HostTensor> => ({
  y: { type: 'float32', dims: [1, values.length], data: Float32Array.from(values) },
});
const task = { type: null, output: null } as never;
const top1 = topK('top1', 1);
const state = (label: number, ...values: number[]) =>
  top1.accumulate(scores(...values), label, null, { name: 's', feeds: {}, image: null, task }) as number[];

type Parts = Parameters<typeof describeAnswers>;
const source = { get: (index: number) => Promise.resolve({ name: `#${index}`, feeds: {}, label: 0 }) };

describe('which answers changed', () => {
  it('is listed with names and margins, lost ones first, and summed up by class', async () => {
    const float = [state(0, 3, 1), state(1, 2, 1), state(0, 2, 1), state(1, 0, 5)];
    const quantized = [state(0, 1, 2), state(1, 1, 2), state(0, 2, 1), state(1, 0, 4)];
    const found = await describeAnswers(
      { source, metric: top1 } as unknown as Parts[0],
      { baseline: { states: float }, final: { states: quantized } } as unknown as Parts[1],
    );
    expect(found).toMatchObject({ changed: 2, lost: 1, gained: 1, lost_samples: [0], gained_samples: [1] });
    expect(found!.listed).toEqual([
      { name: '#0', label: 0, float: 0, quantized: 1, float_margin: 2, quantized_margin: -1 },
      { name: '#1', label: 1, float: 0, quantized: 1, float_margin: -1, quantized_margin: 1 },
    ]);
    expect(found!.classes).toEqual([
      { class: 0, count: 2, float: 1, quantized: 0.5 },
      { class: 1, count: 2, float: 0.5, quantized: 1 },
    ]);
  });
  it('is nothing where a metric has no answers', async () => {
    const metric = { name: 'mse' } as unknown as Parts[0]['metric'];
    const states = { baseline: { states: [1] }, final: { states: [2] } } as unknown as Parts[1];
    expect(await describeAnswers({ source, metric } as unknown as Parts[0], states)).toBeNull();
  });
  it('has the average precision of each class', () => {
    // Class 0: one object, found first; class 1: one object, missed; one threshold.
    const image: ImageDetections = {
      truths: [
        [0, 1],
        [1, 1],
      ],
      detections: [
        [0, 0.9, 1, 0],
        [1, 0.8, 0, 0],
      ],
    };
    expect(precisionByClass([image], 1)).toEqual([
      { class: 0, count: 1, value: expect.closeTo(1, 9) as number },
      { class: 1, count: 1, value: 0 },
    ]);
  });
});

describe('answers that fit the labels better in another way', () => {
  type Fit = Parameters<typeof fitProblems>;
  const found = (states: readonly number[][]) => {
    const images = { count: states.length, get: () => Promise.resolve({ name: '', feeds: {}, label: 0 }) };
    const validation = { source: images, metric: top1 } as unknown as Fit[0];
    const baseline = { states } as unknown as Fit[1];
    return fitProblems(validation, baseline, { model: {} } as Fit[2], {} as Fit[3]);
  };

  const answering = (label: number, answer: number) => [label === answer ? 1 : 0, 1, label, answer];

  it('are found where labels count from one', async () => {
    const states = Array.from({ length: 40 }, (_, i) => answering(i + 1, i % 3 === 0 ? i + 9 : i));
    expect(await found(states)).toMatchObject([
      {
        code: 'float-accuracy-implausible',
        configPath: ['data', 'validation', 'labels'],
        data: { shift: -1 },
      },
    ]);
  });
  it('are not seen in a model that errs, or a few samples', async () => {
    expect(await found(Array.from({ length: 40 }, (_, i) => answering(i, i % 2 === 0 ? i : i - 1)))).toEqual(
      [],
    );
    expect(await found(Array.from({ length: 8 }, (_, i) => answering(i + 1, i)))).toEqual([]);
  });
});
