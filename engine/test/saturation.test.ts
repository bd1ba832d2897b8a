import { create } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type ModelProto, TensorProtoSchema, encodeModel } from '@quantsmith/model/onnx';
import { layersAtRisk, saturatingModel } from '../src/overflow/models.js';
import { observeLargestSums, observeSaturation } from '../src/saturation/observe.js';
import { isReproducible } from '../src/overflow/saturate.js';
import { kernelsOf, optimizedModel } from '../src/runtime/optimized.js';
import type { HostTensor } from '@quantsmith/model/arrays';
import { oneWorker } from '../src/runtime/workers.js';
import { emulatedHaswell, runEmulated } from './emulated.js';
import { randoms } from '../../test/kit/models.js';
import { runModel } from '../../test/kit/runModel.js';
import { layerModel, type Layer } from './quantizedLayer.js';

const PLAIN: Layer = {
  ...{ op: 'Gemm', signed: false, perChannel: false, bias: false, quantized: false, group: 1, inputs: 2 },
  ...{ outputs: 1, kernel: 1, stride: 1, pad: 0, dilation: 1, size: 1, weight: () => 127 },
};

/** Inputs that become these codes. */
const unsignedInput = (dims: readonly number[], codes: readonly number[]): HostTensor => ({
  ...{ type: 'float32', dims, data: Float32Array.from(codes, (code) => 0.02 * (code - 125)) },
});

async function predicted(layer: Layer, codes: readonly number[]) {
  const { proto, dims } = layerModel(layer);
  const optimized = await optimizedModel(encodeModel(proto));
  const { y } = await runModel(saturatingModel(optimized), { x: unsignedInput(dims, codes) });
  return Array.from(y!.data as Float32Array, (result) => Math.round(result / (0.02 * 0.01)));
}

describe('a layer as a CPU without VNNI computes it', () => {
  // The kernel takes the zero point's share (125 for each input) from the sums of products afterwards.
  it('loses what 16 bits cannot hold', async () => {
    expect(await predicted(PLAIN, [255, 255])).toEqual([32767 - 2 * 127 * 125]);
    expect(await predicted({ ...PLAIN, weight: () => -127 }, [255, 255])).toEqual([-32768 + 2 * 127 * 125]);
  });
  it('is exact where sums fit', async () => {
    expect(await predicted(PLAIN, [129, 129])).toEqual([2 * 127 * (129 - 125)]);
    expect(await predicted({ ...PLAIN, weight: (at) => (at === 0 ? 127 : -127) }, [255, 0])).toEqual([
      127 * (255 - 125) + 127 * 125,
    ]);
  });
  it('saturates pair by pair', async () => {
    expect(await predicted({ ...PLAIN, inputs: 4 }, [255, 255, 1, 1])).toEqual([
      32767 + 2 * 127 - 4 * 127 * 125,
    ]);
    // 255 and 1 in each pair: 32512 fits.
    expect(await predicted({ ...PLAIN, inputs: 4 }, [255, 1, 1, 255])).toEqual([512 * 127 - 4 * 127 * 125]);
  });
  it('leaves models alone that would not fit into memory with what is added', async () => {
    const { proto } = layerModel(PLAIN);
    const optimized = await optimizedModel(encodeModel(proto));
    // A weight of 300 MB that is only said to be there.
    const giant = create(TensorProtoSchema, { name: 'giant', dataType: 3, dims: [300_000_000n] });
    const graph = { ...optimized.graph, initializer: [...optimized.graph.initializer, giant] };
    const kernels = kernelsOf(encodeModel(proto), optimized);
    const feeds = [{ x: unsignedInput([1, 2], [255, 255]) }];
    const options = { workers: oneWorker(1), dir: '.' };
    expect((await observeSaturation(optimized, kernels, feeds, options)).size).toBe(1);
    expect((await observeSaturation({ ...optimized, graph }, kernels, feeds, options)).size).toBe(0);
  });
  it('pairs channels at each place of a convolution', async () => {
    const layer: Layer = { ...PLAIN, op: 'Conv', kernel: 2, size: 2, quantized: true, weight: () => 127 };
    const { proto, dims } = layerModel(layer);
    const optimized = await optimizedModel(encodeModel(proto));
    const feeds = [{ x: unsignedInput(dims, [...new Array<number>(4).fill(255), ...new Array<number>(12).fill(0)]) }]; // prettier-ignore
    const kernels = kernelsOf(encodeModel(proto), optimized);
    const options = { workers: oneWorker(1), dir: '.' };
    // The first image is 255 in one channel and 0 in the other, the second is 0.
    expect((await observeSaturation(optimized, kernels, feeds, options)).get('layer')).toEqual({
      fraction: 0,
      sqnrDb: null,
    });
    const both = [
      { x: unsignedInput(dims, [255, 255, 0, 0, 255, 0, 0, 0, ...new Array<number>(8).fill(0)]) },
    ];
    // Two results with four pairs each; one pair saturates.
    expect((await observeSaturation(optimized, kernels, both, options)).get('layer')!.fraction).toBe(1 / 8);
  });
  it('is that of some positions where an image has too many', async () => {
    // 64 outputs with four pairs each, at 9 and at 90,000 positions of two images, of which the first is 255 everywhere.
    const of = async (size: number) => {
      const layer: Layer = { ...PLAIN, op: 'Conv', outputs: 64, kernel: 2, size, quantized: true };
      const { proto, dims } = layerModel(layer);
      const optimized = await optimizedModel(encodeModel(proto));
      const image = [new Array<number>(2 * size ** 2).fill(255), new Array<number>(2 * size ** 2).fill(0)];
      const feeds = [{ x: unsignedInput(dims, image.flat()) }];
      const kernels = kernelsOf(encodeModel(proto), optimized);
      const options = { workers: oneWorker(1), dir: '.' };
      return (await observeSaturation(optimized, kernels, feeds, options)).get('layer')!;
    };

    const few = await of(4);
    const before = process.resourceUsage().maxRSS;
    const many = await of(301);
    expect(few.fraction).toBe(1 / 2);
    expect(many.fraction).toBeCloseTo(few.fraction, 4);
    // The runtime sums squares in 32 bits.
    expect(many.sqnrDb).toBeCloseTo(few.sqnrDb ?? 0, 0);
    // In kB; all 46 million sums at once take 675 MB.
    expect(process.resourceUsage().maxRSS - before).toBeLessThan(450_000);
  });
});

const layers = fc
  .record({
    op: fc.constantFrom<Layer['op']>('Conv', 'Conv', 'Gemm', 'MatMul'),
    signed: fc.boolean(),
    perChannel: fc.boolean(),
    bias: fc.boolean(),
    // A convolution whose result stays float is computed in float.
    quantized: fc.boolean(),
    group: fc.constantFrom(1, 1, 2, 3),
    inputs: fc.oneof(fc.integer({ min: 1, max: 19 }), fc.integer({ min: 120, max: 300 })),
    outputs: fc.integer({ min: 1, max: 35 }),
    kernel: fc.integer({ min: 1, max: 3 }),
    stride: fc.integer({ min: 1, max: 2 }),
    pad: fc.constantFrom<Layer['pad']>(0, 1, 'SAME_UPPER', 'SAME_LOWER'),
    dilation: fc.integer({ min: 1, max: 2 }),
    size: fc.integer({ min: 5, max: 8 }),
    seed: fc.nat(),
  })
  .map((drawn) => {
    const codes = randoms(drawn.inputs * drawn.outputs * drawn.group * drawn.kernel ** 2, drawn.seed);
    const oneRow = drawn.op !== 'Conv' && drawn.seed % 2 === 0;
    const { op, quantized, size } = drawn;
    // With larger strides SAME depends on the image's size; dilations the runtime does not take with it.
    const { stride, dilation } = typeof drawn.pad === 'string' ? { stride: 1, dilation: 1 } : drawn;
    const weight = (index: number) => Math.round(127 * codes[index]!);
    return {
      ...drawn,
      stride,
      dilation,
      quantized: quantized || op === 'Conv',
      size: oneRow ? 1 : size,
      weight,
    };
  });

const casesOf = (of: readonly Layer[]) =>
  of.map((layer, index) => {
    const { proto, dims } = layerModel(layer);
    const size = dims.reduce((product, dim) => product * dim, 1);
    const data = randoms(size, index).map((at) => 2.5 * at);
    const input = { name: 'x', value: { type: 'float32', dims, data } as HostTensor };
    return { layer, model: encodeModel(proto), input };
  });

describe('the largest sum of two products', () => {
  const options = { workers: oneWorker(1), dir: '.' };
  const largest = async (layer: Layer, codes: readonly number[]) => {
    const { proto, dims } = layerModel(layer);
    const bytes = encodeModel(proto);
    const optimized = await optimizedModel(bytes);
    const feeds = [{ x: unsignedInput(dims, codes) }];
    return (await observeLargestSums(optimized, kernelsOf(bytes, optimized), feeds, options)).get('layer');
  };

  it('is that of the pairs at risk, over the limit', async () => {
    // Rows of 100 · 29, 120 · 10 and −70 · −90 meet activations of 200 and 50; the last two weights are not at risk.
    const weights = [[100, 29, 127, 1], [120, 10, 127, 1], [-70, -90, 127, 1]].flat(); // prettier-ignore
    const layer: Layer = { ...PLAIN, inputs: 4, outputs: 3, weight: (at) => weights[at]! };
    expect(await largest(layer, [200, 50, 255, 0])).toBeCloseTo((120 * 200 + 10 * 50) / 32767, 6);
    expect(await largest(layer, [50, 200, 255, 0])).toBeCloseTo((70 * 50 + 90 * 200) / 32767, 6);
  });
  it('is above the limit where sums saturate, and only there', async () => {
    for (const { layer, model, input } of casesOf(fc.sample(layers, { numRuns: 150, seed: 11 }))) {
      const optimized = await optimizedModel(model);
      const kernels = kernelsOf(model, optimized);
      const feeds = [{ x: input.value }];
      const seen = (await observeSaturation(optimized, kernels, feeds, options)).get('layer');
      const reached = (await observeLargestSums(optimized, kernels, feeds, options)).get('layer');
      const saturates = (seen?.fraction ?? 0) > 0;
      if (saturates) expect({ layer, above: reached! > 1 }).toEqual({ layer, above: true });
      // Strides leave out places of the image that the largest sum is taken over.
      else if (layer.stride === 1)
        expect({ layer, above: (reached ?? 0) > 1 }).toEqual({ layer, above: false });
    }
  });
});

describe('layers whose arithmetic is not known', () => {
  const stacked = async () => {
    const { proto } = layerModel({ ...PLAIN, op: 'MatMul', quantized: true, size: 2, outputs: 3 });
    const weights = proto.graph.initializer.find(({ name }) => name === 'w_q')!;
    weights.dims = [1n, ...weights.dims];
    return optimizedModel(encodeModel(proto));
  };

  it('are at risk by their weights all the same', async () => {
    const atRisk = layersAtRisk(await stacked());
    expect(atRisk.map((layer) => [layer.node.opType, isReproducible(layer)])).toEqual([
      ['QLinearMatMul', false],
    ]);
  });
});

const DEPTHWISE = [3, 5].map((kernel): Layer => {
  const codes = randoms(32 * kernel ** 2);
  const shape = { op: 'Conv', group: 32, inputs: 1, kernel, size: 8, quantized: true } as const;
  return { ...PLAIN, ...shape, perChannel: true, weight: (index) => Math.round(127 * codes[index]!) };
});

const bytesOf = ({ data }: HostTensor) => {
  const { buffer, byteOffset, byteLength } = data as Float32Array;
  return Buffer.from(buffer as ArrayBuffer, byteOffset, byteLength);
};

const emulator = await emulatedHaswell();

describe.skipIf(emulator === null)('what is predicted and what an emulated Haswell computes', () => {
  const outputOf = async (model: ModelProto, input: HostTensor) =>
    bytesOf((await runModel(model, { x: input })).y!);

  it('are equal to the bit for layers of all kinds', async () => {
    const cases = casesOf(fc.sample(layers, { numRuns: 80, seed: 5 }));
    const there = runEmulated(emulator!, cases);
    let saturated = 0;
    for (const [index, { layer, model, input }] of cases.entries()) {
      const optimized = await optimizedModel(model);
      const prediction = await outputOf(saturatingModel(optimized), input.value);
      expect({ layer, equal: prediction.equals(there[index]!) }).toEqual({ layer, equal: true });
      const feeds = [{ x: input.value }];
      const kernels = kernelsOf(model, optimized);
      const seen = await observeSaturation(optimized, kernels, feeds, { workers: oneWorker(1), dir: '.' });
      saturated += Number((seen.get('layer')?.fraction ?? 0) > 0);
    }

    expect(saturated).toBeGreaterThan(50);
  });

  it('are equal for weights with a zero point, as other tools write them', async () => {
    const zeros = fc.tuple(layers, fc.integer({ min: -128, max: 127 }));
    const drawn = fc.sample(zeros, { numRuns: 30, seed: 3 });
    const cases = casesOf(
      // Convolutions take one zero point for all of their weights.
      drawn.map(([layer, weightZero]) => ({ ...layer, weightZero, perChannel: layer.perChannel && layer.op !== 'Conv' })), // prettier-ignore
    );
    const there = runEmulated(emulator!, cases);
    let risky = 0;
    for (const [index, { layer, model, input }] of cases.entries()) {
      const optimized = await optimizedModel(model);
      risky += layersAtRisk(optimized).length;
      const prediction = await outputOf(saturatingModel(optimized), input.value);
      expect({ layer, equal: prediction.equals(there[index]!) }).toEqual({ layer, equal: true });
    }

    expect(risky).toBeGreaterThan(20);
  });

  it('are equal for depthwise convolutions, of which none is at risk', async () => {
    const cases = casesOf(DEPTHWISE);
    const there = runEmulated(emulator!, cases);
    for (const [index, { model, input }] of cases.entries()) {
      const optimized = await optimizedModel(model);
      expect(layersAtRisk(optimized)).toEqual([]);
      expect((await outputOf(optimized, input.value)).equals(there[index]!)).toBe(true);
    }
  });
});
