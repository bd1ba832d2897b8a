import { describe, expect, it } from 'vitest';
import { accurateBiasCorrection, accurateSamples } from '../src/corrections/accurateBias.js';
import { prepareModel } from '../src/prepare/prepare.js';
import { placeQuantizers } from '../src/placement/place.js';
import type { QuantizerConfig } from '../src/placement/types.js';
import { writeQdq } from '../src/qdq/write.js';
import type { Quantization } from '../src/quantize/quantization.js';
import type { HostTensor } from '@quantsmith/model/arrays';
import { weightEstimator } from '../src/ranges/defaults.js';
import { quantizeWeights } from '../src/weights/quantize.js';
import { readFloats } from '@quantsmith/model/onnx';
import { oneWorker } from '../src/runtime/workers.js';
import { floats, loaded, model, node, randoms, value } from '../../test/kit/models.js';
import { runModel } from '../../test/kit/runModel.js';

const config: QuantizerConfig = {
  numBits: 3,
  mode: 'symmetric',
  signednessToForce: null,
  perChannel: false,
  narrowRange: true,
};

/** Two convolutions with a residual connection around them, weights of 3 bits. */
async function residual(): Promise<Quantization> {
  const network = model({
    nodes: [
      node('Conv', ['x', 'w1', 'b1'], ['c1'], { pads: [1, 1, 1, 1] }),
      node('Relu', ['c1'], ['r1']),
      node('Conv', ['r1', 'w2', 'b2'], ['c2'], { pads: [1, 1, 1, 1] }),
      node('Add', ['c2', 'r1'], ['y']),
    ],
    inputs: [value('x', [1, 2, 5, 5])],
    outputs: [value('y', [1, 2, 5, 5]), value('c2', [1, 2, 5, 5])],
    initializers: [
      floats('w1', [2, 2, 3, 3], randoms(36, 3)),
      floats('b1', [2], [0.5, 0]),
      floats('w2', [2, 2, 3, 3], randoms(36, 4)),
      floats('b2', [2], [-0.25, 1]),
    ],
  });
  const prepared = await prepareModel(loaded(network));
  const placement = placeQuantizers(prepared.graph, {
    runtime: 'openvino',
    targetDevice: 'CPU',
    transformer: false,
    activations: { ...config, numBits: 8, narrowRange: false },
    perChannelActivations: false,
    weights: config,
    quantizeOutputs: false,
    overflowFix: 'disable',
    squeezeExcitation: 'float',
    ignored: new Set(),
  });
  const weights = new Map(
    placement.weights.map((quantizer) => {
      const tensor = prepared.graph.initializer(quantizer.tensor)!;
      const dims = tensor.dims.map(Number);
      const estimator = weightEstimator({ min: {}, max: {} });
      return [
        quantizer.id,
        quantizeWeights(readFloats(tensor, '.'), dims, null, config, false, estimator),
      ] as const;
    }),
  );
  return {
    prepared,
    placement,
    runtime: 'openvino',
    activationConfig: config,
    activations: new Map(),
    weights,
    biases: [],
  };
}

/** Mean of each channel of [1, C, H, W] over several results. */
function channelMeans(results: readonly HostTensor[]): number[] {
  const [, channels = 0, height = 0, width = 0] = results[0]!.dims;
  const plane = height * width;
  return Array.from({ length: channels }, (_, c) => {
    const values = results.flatMap(({ data }) =>
      Array.from((data as Float32Array).subarray(c * plane, (c + 1) * plane)),
    );
    return values.reduce((sum, x) => sum + x, 0) / values.length;
  });
}

describe('accurate bias correction', () => {
  it('makes the mean output of each layer that of the float model, also beside a residual connection', async () => {
    const quantization = await residual();
    const samples = [5, 6, 7].map((seed) => ({
      name: `${seed}`,
      label: null,
      feeds: { x: { type: 'float32' as const, dims: [1, 2, 5, 5], data: randoms(50, seed) } },
    }));
    const { biases, records } = await accurateBiasCorrection(quantization, samples, {
      threshold: 1000,
      allNodes: false,
      workers: oneWorker(1),
    });
    expect(records.map(({ applied }) => applied)).toEqual([true, true]);
    const { prepared, placement, weights } = quantization;
    const written = (updates: typeof biases) =>
      writeQdq({
        model: prepared.model,
        graph: prepared.graph,
        dir: '.',
        placement: { activations: [], weights: placement.weights },
        activations: new Map(),
        weights,
        biases: updates,
        runtime: 'openvino',
      });
    const means = async (source: typeof prepared.model) =>
      channelMeans(
        await Promise.all(samples.map(async ({ feeds }) => (await runModel(source, feeds))['c2']!)),
      );
    const [float, corrected, uncorrected] = [
      await means(prepared.model),
      await means(written(biases)),
      await means(written([])),
    ];
    const error = (other: number[]) => Math.max(...float.map((x, c) => Math.abs(x - other[c]!)));
    expect(error(uncorrected)).toBeGreaterThan(0.01);
    expect(error(corrected)).toBeLessThan(1e-5);
  });
  it('uses a fifth of the samples, at least one', () => {
    expect([1, 4, 5, 300].map(accurateSamples)).toEqual([1, 1, 1, 60]);
  });
});
