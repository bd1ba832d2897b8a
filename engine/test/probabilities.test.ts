import { describe, expect, it } from 'vitest';
import type { NodeProto } from '@quantsmith/model/onnx';
import { checkGraph } from './checkGraph.js';
import { floats, ints, model, node, value } from '../../test/kit/models.js';

/** Conv → Softmax over the last axis → Conv, the scores `spread` times as far apart as the input's values. */
function network(spread: number) {
  const diagonal = (scale: number) =>
    [0, 1].flatMap((row) => [0, 1].map((column) => (row === column ? scale : 0)));
  return {
    inputs: { x: [1, 2, 4, 16] },
    model: model({
      nodes: [
        node('Conv', ['x', 'w1'], ['scores'], {}, 'first'),
        node('Softmax', ['scores'], ['p'], { axis: -1 }, 'softmax'),
        node('Conv', ['p', 'w2'], ['y'], {}, 'second'),
      ],
      inputs: [value('x', [1, 2, 4, 16])],
      outputs: [value('y', [1, 2, 4, 16])],
      initializers: [floats('w1', [2, 2, 1, 1], diagonal(spread)), floats('w2', [2, 2, 1, 1], diagonal(1))],
    }),
  };
}

const inputOf = (nodes: readonly NodeProto[], name: string) =>
  nodes.find((each) => each.name === name)!.input[0];

describe('probabilities', () => {
  it('of which one may pass the calibrated range: Softmax reads float values, and its result saturates', async () => {
    const { faults, decibels, quantized } = await checkGraph(network(0.5), 1, false);
    expect(faults).toEqual([]);
    expect(decibels).toBeGreaterThan(25);
    expect(inputOf(quantized!.graph.node, 'softmax')).toBe('scores');
  });

  it('beside a reader that gains nothing by codes: both read float values', async () => {
    const { inputs, model: plain } = network(0.5);
    const graph = plain.graph;
    const nodes = [
      graph.node[0]!,
      node('Unsqueeze', ['scores', 'axes'], ['moved'], {}, 'mover'),
      node('Softmax', ['moved'], ['five'], { axis: -1 }, 'softmax'),
      node('Squeeze', ['five', 'axes'], ['p'], {}, 'back'),
      node('Div', ['moved', 'two'], ['half'], {}, 'half'),
      graph.node[2]!,
    ];
    const shared = model({
      nodes,
      inputs: [value('x', [1, 2, 4, 16])],
      outputs: [value('y', [1, 2, 4, 16]), value('half', [1, 1, 2, 4, 16])],
      initializers: [...graph.initializer, ints('axes', [0]), floats('two', [], [2])],
    });
    const { faults, decibels, quantized } = await checkGraph({ inputs, model: shared }, 1, false);
    expect(faults).toEqual([]);
    expect(decibels).toBeGreaterThan(25);
    expect(inputOf(quantized!.graph.node, 'mover')).toBe('scores');
  });

  it('near 1: Softmax is an integer kernel, with the scale 1/256', async () => {
    const { faults, decibels, quantized } = await checkGraph(network(4), 1, false);
    expect(faults).toEqual([]);
    expect(decibels).toBeGreaterThan(25);
    const { node: nodes, initializer } = quantized!.graph;
    expect(inputOf(nodes, 'softmax')).not.toBe('scores');
    const quantize = nodes.find(({ opType, input }) => opType === 'QuantizeLinear' && input[0] === 'p')!;
    const scale = initializer.find(({ name }) => name === quantize.input[1])!;
    expect(
      scale.floatData[0] ?? new DataView(scale.rawData.buffer, scale.rawData.byteOffset).getFloat32(0, true),
    ).toBe(1 / 256);
  });
});
