import { indexGraph, type TensorType } from '@quantsmith/model/graph';
import { makeNode } from '@quantsmith/model/onnx';
import { describe, expect, it } from 'vitest';
import { model, value } from '../../test/kit/models.js';
import type { ActivationQuantizer } from '../src/placement/types.js';
import type { Range } from '../src/ranges/parameters.js';
import { widenFewValues } from '../src/statistics/fewValues.js';

const SAMPLES = 16;

/** x → Relu → r → a 2×2 average → a → Reshape → y. */
function graphOf(averaged: readonly (number | string)[]) {
  const nodes = [
    makeNode('Relu', ['x'], ['r'], {}, { name: 'relu' }),
    makeNode('AveragePool', ['r'], ['a'], { kernel_shape: [2, 2] }, { name: 'pool' }),
    makeNode('Flatten', ['a'], ['y'], {}, { name: 'flat' }),
  ];
  const types = new Map<string, TensorType>(
    ['a', 'y'].map((name) => [name, { elemType: 1, dims: averaged }] as const),
  );

  return indexGraph(
    model({ nodes, inputs: [value('x', [1, 4, 8, 8])], outputs: [value('y', [1, 64])] }),
    types,
  );
}

const quantizerOf = (tensor: string, axis: number | null = null): ActivationQuantizer => ({
  ...{ id: tensor, tensor, targets: [], axis, unified: null, atOutput: false },
  config: { numBits: 8, mode: 'asymmetric', signednessToForce: null, perChannel: false, narrowRange: false },
});

const rangeOf = (min: number, max: number): Range => ({
  min: Float32Array.of(min),
  max: Float32Array.of(max),
});

function widened(
  dims: readonly (number | string)[],
  source: Range,
  range: Range,
  axis: number | null = null,
) {
  const ranges = new Map([
    ['r', source],
    ['y', range],
  ]);
  const { min, max } = widenFewValues(
    graphOf(dims),
    [quantizerOf('y', axis), quantizerOf('r')],
    ranges,
    SAMPLES,
  ).get('y')!;

  return [min[0], max[0]];
}

describe('the range of an average', () => {
  it('of few values is widened as far as what is averaged reaches', () => {
    expect(widened([1, 64], rangeOf(0, 5), rangeOf(1, 4))).toEqual([0, 5]);
  });

  it('is widened by half its width on each side at most', () => {
    expect(widened([1, 64], rangeOf(-100, 100), rangeOf(1, 3))).toEqual([0, 4]);
  });

  it('never becomes narrower', () => {
    expect(widened([1, 64], rangeOf(0, 3), rangeOf(-1, 4))).toEqual([-1, 4]);
  });

  it('of many values, of an unknown number, or for each channel stays', () => {
    expect(widened([1, 4096], rangeOf(0, 5), rangeOf(1, 4))).toEqual([1, 4]);
    expect(widened([1, 'width'], rangeOf(0, 5), rangeOf(1, 4))).toEqual([1, 4]);
    expect(widened([1, 64], rangeOf(0, 5), rangeOf(1, 4), 1)).toEqual([1, 4]);
  });

  it('counts a free first dimension as one', () => {
    expect(widened(['batch', 64], rangeOf(0, 5), rangeOf(1, 4))).toEqual([0, 5]);
  });
});

describe('the range of a Softmax', () => {
  const probabilities = (length: number, range: Range) => {
    const nodes = [
      makeNode('Softmax', ['x'], ['s'], {}, { name: 'softmax' }),
      makeNode('Flatten', ['s'], ['y'], {}, { name: 'flat' }),
    ];
    const types = new Map<string, TensorType>([['y', { elemType: 1, dims: [1, length] }]]);
    const graph = indexGraph(model({ nodes, inputs: [value('x')], outputs: [value('y')] }), types);
    const ranges = widenFewValues(graph, [quantizerOf('y')], new Map([['y', range]]), SAMPLES);
    const { min, max } = ranges.get('y')!;
    return [min[0], max[0]];
  };

  it('of few values is widened towards one, by half its width at most', () => {
    expect(probabilities(64, rangeOf(0, 0.5))).toEqual([0, 0.75]);
    expect(probabilities(64, rangeOf(0, 0.875))).toEqual([0, 1]);
  });

  it('of many values stays', () => {
    expect(probabilities(4096, rangeOf(0, 0.5))).toEqual([0, 0.5]);
  });
});
