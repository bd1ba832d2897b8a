import { describe, expect, it } from 'vitest';
import type { QuantizationConfig } from '@quantsmith/schemas';
import { type ModelProto, type NodeProto, readFloats } from '@quantsmith/model/onnx';
import { floats, model, node, value } from '../../test/kit/models.js';
import { runModel } from '../../test/kit/runModel.js';
import { quantizeTiny, type Written } from './tiny.js';

/** x → Conv (1×1) → Relu → Conv (1×1) → y, with weights that are easily computed with. */
const CHAIN = model({
  nodes: [
    node('Conv', ['x', 'w1', 'b1'], ['a'], {}, 'first'),
    node('Relu', ['a'], ['r'], {}, 'relu'),
    node('Conv', ['r', 'w2', 'b2'], ['y'], {}, 'second'),
  ],
  inputs: [value('x', [1, 2, 1, 2])],
  outputs: [value('y', [1, 1, 1, 2])],
  initializers: [
    floats('w1', [2, 2, 1, 1], [1, -0.5, 0.25, 2]),
    floats('b1', [2], [0.1, -0.2]),
    floats('w2', [1, 2, 1, 1], [0.5, -1]),
    floats('b2', [1], [0.3]),
  ],
});
// Minima −1 and −5, maxima 3 and 2, largest magnitudes 3 and 5; sorted magnitudes 0.5 1 2 3 and 0 1 2 5.
const SAMPLES = [
  { shape: [2, 1, 2], data: [-1, 0.5, 3, 2] },
  { shape: [2, 1, 2], data: [-5, 1, 2, 0] },
];
/** A product, an element-wise operator, a product. */
const PRODUCTS = model({
  nodes: [
    node('MatMul', ['x', 'w1'], ['m'], {}, 'first'),
    node('Mul', ['m', 'm'], ['s'], {}, 'square'),
    node('MatMul', ['s', 'w2'], ['y'], {}, 'second'),
  ],
  inputs: [value('x', [1, 2, 2])],
  outputs: [value('y', [1, 2, 1])],
  initializers: [floats('w1', [2, 2], [1, 0.5, 0.25, -1]), floats('w2', [2, 1], [0.5, -1])],
});
const ROWS_OF_X = [{ shape: [2, 2], data: [1, -4, 0.5, 2] }];
/** Two convolutions without anything between, and without biases. */
const PAIR = model({
  nodes: [node('Conv', ['x', 'w1'], ['a'], {}, 'first'), node('Conv', ['a', 'w2'], ['y'], {}, 'second')],
  inputs: [value('x', [1, 2, 1, 2])],
  outputs: [value('y', [1, 1, 1, 2])],
  initializers: [floats('w1', [2, 2, 1, 1], [1, 0, 0, 4]), floats('w2', [1, 2, 1, 1], [0.5, -1])],
});
const INT8 = 3;
const UINT8 = 2;
const UINT16 = 4;
const INT16 = 5;

type Quantization = NonNullable<QuantizationConfig['quantization']>;
type Advanced = NonNullable<Quantization['advanced_parameters']>;
const advanced = (parameters: Advanced): Quantization => ({ advanced_parameters: parameters });
const activations = (params: NonNullable<Advanced['activations_quantization_params']>) =>
  advanced({ activations_quantization_params: params });
/** Without the overflow fix, which would halve the first layer's range. */
const weights = (params: NonNullable<Advanced['weights_quantization_params']>) =>
  advanced({ overflow_fix: 'disable', weights_quantization_params: params });
type Side = NonNullable<Exclude<NonNullable<Advanced['activations_range_estimator_params']>, string>['max']>;
const upper = (max: Side) => advanced({ activations_range_estimator_params: { max } });
const lower = (min: Side): Quantization => ({
  preset: 'mixed',
  ...advanced({ activations_range_estimator_params: { min } }),
});

const x = (written: Written) => written.activation('x')!;
const codes = (name: string) => (written: Written) => written.constant(name, 1).codes;
const biasOf = (name: string) => (written: Written) => written.constant(name, 2).values[0]!;
const kinds = (written: Written) => written.nodes.map(({ opType }) => opType);
/** Half of an asymmetric range shows in its borders: codes 0 and 255 decoded. */
const borders = ({ scale: [s = 0], zeroPoint: [z = 0] }: { scale: number[]; zeroPoint: number[] }) => [
  -z * s,
  (255 - z) * s,
];
/** The upper border of a symmetric range. */
const high = (written: Written) => 127 * x(written).scale[0]!;
const low = (written: Written) => borders(x(written))[0]!;

interface Row {
  readonly key: string;
  readonly setting: Quantization;
  readonly effect: string;
  readonly read: (written: Written) => unknown;
  readonly expected: unknown;
  readonly digits?: number;
  /** CHAIN with SAMPLES unless said otherwise. */
  readonly on?: { readonly model: ModelProto; readonly samples: Samples };
}
type Samples = Parameters<typeof quantizeTiny>[1];
const products = { model: PRODUCTS, samples: ROWS_OF_X };
const pair = { model: PAIR, samples: SAMPLES };
const transformer = (setting: Quantization = {}): Quantization => ({ model_type: 'transformer', ...setting });
const smoothing = (w: Written) =>
  Array.from(
    readFloats(
      w.model.graph.initializer.find((t) => t.name === 'x_smooth_quant_scale')!,
      '.',
    ),
  );

const ROWS: readonly Row[] = [
  // What is there without any setting.
  {
    key: '(defaults)',
    setting: {},
    effect: 'x symmetric: 127·s is the mean of 3 and 5',
    read: high,
    expected: 4,
  },
  { key: '(defaults)', setting: {}, effect: 'first layer in half range, second in full', read: (w) => [codes('first')(w), codes('second')(w)], expected: [[64, -32, 8, 64], [64, -127]] }, // prettier-ignore
  { key: 'preset', setting: { preset: 'mixed' }, effect: 'x from mean minimum −3 to mean maximum 2.5', read: (w) => borders(x(w)), expected: [-3, 2.5036] }, // prettier-ignore
  { key: 'preset', setting: { preset: 'mixed' }, effect: 'weights stay symmetric', read: codes('second'), expected: [64, -127] }, // prettier-ignore
  { key: 'subset_size', setting: { subset_size: 1 }, effect: 'only the first sample counts', read: high, expected: 3 }, // prettier-ignore
  { key: 'ignored_scope.names', setting: { ignored_scope: { names: ['second'] } }, effect: 'its weight stays float', read: (w) => w.constant('second', 1), expected: { scale: [], zeroPoint: [], type: 1, codes: [], values: [0.5, -1] } }, // prettier-ignore
  { key: 'ignored_scope.patterns', setting: { ignored_scope: { patterns: ['sec.*'] } }, effect: 'the same by a pattern', read: codes('second'), expected: [] }, // prettier-ignore
  { key: 'ignored_scope.subgraphs', setting: { ignored_scope: { subgraphs: [{ inputs: ['relu'], outputs: ['second'] }] } }, effect: 'the same by its ends', read: codes('second'), expected: [] }, // prettier-ignore
  { key: 'overflow_fix', setting: advanced({ overflow_fix: 'disable' }), effect: 'disable: all codes to 127', read: codes('first'), expected: [127, -64, 16, 127] }, // prettier-ignore
  { key: 'overflow_fix', setting: advanced({ overflow_fix: 'enable' }), effect: 'enable: all codes to 64', read: codes('second'), expected: [32, -64] }, // prettier-ignore
  { key: 'overflow_fix', setting: advanced({ overflow_fix: 'first_layer' }), effect: 'first_layer: the second is not touched', read: codes('second'), expected: [64, -127] }, // prettier-ignore
  { key: 'overflow_fix', setting: advanced({ overflow_fix: 'enable', weights_quantization_params: { num_bits: 4 } }), effect: 'enable: 4-bit codes, which cannot overflow, keep their range', read: codes('second'), expected: [3, -7] }, // prettier-ignore
  { key: 'quantize_outputs', setting: advanced({ quantize_outputs: true, backend_params: { runtime: 'openvino' } }), effect: 'y has a quantizer', read: (w) => kinds(w).slice(-3), expected: ['Conv', 'QuantizeLinear', 'DequantizeLinear'] }, // prettier-ignore
  { key: 'quantize_outputs', setting: advanced({ quantize_outputs: false, backend_params: { runtime: 'openvino' } }), effect: 'y has none', read: (w) => kinds(w).at(-1), expected: 'Conv' }, // prettier-ignore
  { key: 'inplace_statistics', setting: advanced({ inplace_statistics: false }), effect: 'the same ranges, computed outside of the graph', read: high, expected: 4 }, // prettier-ignore
  { key: 'disable_bias_correction', setting: advanced({ disable_bias_correction: true }), effect: 'b2 is 0.3 but for its step of 0.000125', read: biasOf('second'), expected: 0.3, digits: 3 }, // prettier-ignore
  // Weights 0.5, −1 are stored as 64/127, −1: the error 0.5/127 times the mean 1.575 of r's first channel comes off.
  { key: 'disable_bias_correction', setting: {}, effect: 'b2 takes back what the rounded weights add', read: biasOf('second'), expected: 0.3 - (0.5 / 127) * 0.275, digits: 4 }, // prettier-ignore
  { key: 'bias_correction_params.threshold', setting: advanced({ bias_correction_params: { threshold: 0.001 } }), effect: 'a shift above 0.001 times the bias is refused', read: biasOf('second'), expected: 0.3, digits: 3 }, // prettier-ignore
  { key: 'activations…num_bits', setting: activations({ num_bits: 4 }), effect: '15 steps: 4 is code 7', read: (w) => 7 * x(w).scale[0]!, expected: 4 }, // prettier-ignore
  { key: 'activations…num_bits', setting: activations({ num_bits: 16 }), effect: 'int16: 4 is code 32767', read: (w) => [32767 * x(w).scale[0]!, x(w).type], expected: [4, INT16] }, // prettier-ignore
  { key: 'activations…num_bits', setting: activations({ num_bits: 16 }), effect: 'uint16 behind the Relu', read: (w) => w.activation('r')!.type, expected: UINT16 }, // prettier-ignore
  { key: 'activations…mode', setting: activations({ mode: 'asymmetric' }), effect: 'x from −3 to 2.5', read: (w) => borders(x(w)), expected: [-3, 2.5036] }, // prettier-ignore
  { key: 'activations…signedness_to_force', setting: activations({ signedness_to_force: true }), effect: 'r, never negative, still uses half of its codes', read: (w) => 127 * w.activation('r')!.scale[0]!, expected: 4.05 }, // prettier-ignore
  { key: 'activations…signedness_to_force', setting: activations({ signedness_to_force: false }), effect: 'x is cut at 0: 255 codes for 0 … 4', read: (w) => [255 * x(w).scale[0]!, x(w).zeroPoint[0]], expected: [4, 0] }, // prettier-ignore
  { key: 'activations…per_channel', setting: advanced({ activations_quantization_params: { per_channel: true }, backend_params: { runtime: 'openvino' } }), effect: 'a scale for each channel of x: largest magnitudes 1, 5 and 3, 2', read: (w) => x(w).scale.map((s) => 127 * s), expected: [5, 3] }, // prettier-ignore
  { key: 'activations…narrow_range', setting: activations({ narrow_range: true }), effect: 'r: 4.05 over 254 steps', read: (w) => 254 * w.activation('r')!.scale[0]!, expected: 4.05 }, // prettier-ignore
  { key: 'weights…num_bits', setting: weights({ num_bits: 4 }), effect: '−7 … 7; 3.4999 rounds to 3', read: codes('second'), expected: [3, -7] }, // prettier-ignore
  { key: 'weights…num_bits', setting: weights({ num_bits: 2 }), effect: '−1 … 1', read: codes('second'), expected: [0, -1] }, // prettier-ignore
  { key: 'weights…num_bits', setting: weights({ num_bits: 16 }), effect: '−32767 … 32767', read: codes('second'), expected: [16384, -32767] }, // prettier-ignore
  { key: 'weights…mode', setting: weights({ mode: 'asymmetric', narrow_range: false }), effect: 'from −1 to 0.5 in 255 steps', read: (w) => 255 * w.constant('second', 1).scale[0]!, expected: 1.5 }, // prettier-ignore
  { key: 'weights…per_channel', setting: weights({ per_channel: false }), effect: 'one scale, 2/127: the filter with 1 and −0.5 gets 64 and −32', read: codes('first'), expected: [64, -32, 16, 127] }, // prettier-ignore
  { key: 'weights…narrow_range', setting: weights({ narrow_range: false }), effect: '1 and 2 are code 127 of −128 … 127', read: (w) => w.constant('first', 1).scale.map((s) => s * 127), expected: [1, 2] }, // prettier-ignore
  { key: 'weights…signedness_to_force', setting: weights({ signedness_to_force: true }), effect: 'signed codes', read: (w) => w.constant('second', 1).type, expected: INT8 }, // prettier-ignore
  { key: 'activations…estimator max.aggregator_type', setting: upper({ aggregator_type: 'max' }), effect: 'the largest of 3 and 5', read: high, expected: 5 }, // prettier-ignore
  { key: 'activations…estimator max.aggregator_type', setting: upper({ aggregator_type: 'min' }), effect: 'the smallest', read: high, expected: 3 }, // prettier-ignore
  { key: 'activations…estimator max.aggregator_type', setting: upper({ aggregator_type: 'median' }), effect: 'the median', read: high, expected: 4 }, // prettier-ignore
  { key: 'activations…estimator max.statistics_type', setting: upper({ statistics_type: 'mean', aggregator_type: 'max' }), effect: 'the larger mean: 4.5/4', read: high, expected: 1.125 }, // prettier-ignore
  { key: 'activations…estimator max.statistics_type', setting: upper({ statistics_type: 'abs_quantile', quantile_outlier_prob: 0.5 }), effect: 'medians of the magnitudes: 1.5 and 1.5', read: high, expected: 1.5 }, // prettier-ignore
  { key: 'activations…estimator max.clipping_value', setting: upper({ clipping_value: 2 }), effect: 'cut at 2 before the largest is taken', read: high, expected: 2 }, // prettier-ignore
  { key: 'activations…estimator min.aggregator_type', setting: lower({ aggregator_type: 'min' }), effect: 'the smallest of −1 and −5', read: low, expected: -5, digits: 1 }, // prettier-ignore
  { key: 'activations…estimator min.statistics_type', setting: lower({ statistics_type: 'quantile', quantile_outlier_prob: 0.5 }), effect: 'medians 1.25 and 0.5: never negative', read: (w) => borders(x(w)), expected: [0, 2.5] }, // prettier-ignore
  { key: 'activations…estimator min.clipping_value', setting: lower({ clipping_value: -2 }), effect: 'cut at −2: mean of −1 and −2', read: low, expected: -1.5, digits: 1 }, // prettier-ignore
  { key: 'activations…estimator (named)', setting: advanced({ activations_range_estimator_params: 'minmax' }), effect: 'minmax: the largest magnitude of all samples', read: high, expected: 5 }, // prettier-ignore
  { key: 'weights…estimator max.statistics_type', setting: advanced({ overflow_fix: 'disable', weights_range_estimator_params: { max: { statistics_type: 'abs_quantile', quantile_outlier_prob: 0.5 } } }), effect: 'the median magnitude 0.75 is code 127', read: (w) => 127 * w.constant('second', 1).scale[0]!, expected: 0.75 }, // prettier-ignore
  { key: 'activations…estimator max.aggregator_type', setting: upper({ aggregator_type: 'mean_no_outliers', quantile_outlier_prob: 0.4 }), effect: 'of two samples nothing is an outlier', read: high, expected: 4 }, // prettier-ignore
  { key: 'target_device', setting: transformer({ target_device: 'CPU_SPR' }), on: products, effect: 'there Mul of a transformer is quantized', read: (w) => w.activation('m') !== undefined, expected: true }, // prettier-ignore
  { key: 'target_device', setting: transformer({ target_device: 'CPU' }), on: products, effect: 'elsewhere it stays float', read: (w) => w.activation('m') !== undefined, expected: false }, // prettier-ignore
  { key: 'model_type', setting: {}, on: products, effect: 'without it Mul is quantized', read: (w) => w.activation('m') !== undefined, expected: true }, // prettier-ignore
  // Largest magnitudes of x 1 and 4, of the weight's rows 1 and 1: s = 1 and 4^0.95; the lower one is cut to the 0.1-quantile.
  { key: 'model_type', setting: transformer(), on: products, effect: 'x is divided by SmoothQuant’s 1.273 and 3.732', read: smoothing, expected: [1 / 1.2732, 1 / 3.7321] }, // prettier-ignore
  { key: 'smooth_quant_alphas.matmul', setting: transformer(advanced({ smooth_quant_alphas: { matmul: 0.5 } })), on: products, effect: 'by 1.1 and 2 at half the strength', read: smoothing, expected: [1 / 1.1, 1 / 2] }, // prettier-ignore
  { key: 'smooth_quant_alphas.matmul', setting: transformer(advanced({ smooth_quant_alphas: { matmul: -1 } })), on: products, effect: 'by nothing when it is negative', read: (w) => w.nodes.some((n) => n.output[0] === 'x_smooth_quant'), expected: false }, // prettier-ignore
  // Magnitudes of x's channels 5 and 3, of w1's input channels 1 and 2: s = √5 and √1.5, the lower one cut to 1.3259.
  { key: 'smooth_quant_alphas.convolution', setting: transformer(advanced({ smooth_quant_alphas: { convolution: 0.5 } })), effect: 'x of the convolution is divided by 2.236 and 1.326', read: (w) => { const t = w.model.graph.initializer.find((c) => c.name === 'x_conv_smooth_quant_scale')!; return Array.from(readFloats(t, '.')); }, expected: [1 / 2.236, 1 / 1.3259] }, // prettier-ignore
  // Channel ranges −3 … 0.75 and 4 … 10: 3.75 and 6, in the median 4.875.
  { key: 'disable_channel_alignment', setting: advanced({ overflow_fix: 'disable', disable_channel_alignment: false }), on: pair, effect: 'filters are divided by 3.75/4.875 and 6/4.875', read: (w) => w.constant('first', 1).scale.map((s) => 127 * s), expected: [1.3, 3.25], digits: 2 }, // prettier-ignore
  { key: 'disable_channel_alignment', setting: advanced({ overflow_fix: 'disable' }), on: pair, effect: 'filters stay 1 and 4', read: (w) => w.constant('first', 1).scale.map((s) => 127 * s), expected: [1, 4] }, // prettier-ignore
  { key: 'bias_correction_params.apply_for_all_nodes', setting: advanced({ bias_correction_params: { apply_for_all_nodes: false } }), on: pair, effect: 'a layer without a bias is left alone', read: (w) => w.nodes.find((n) => n.name === 'second')!.input.length, expected: 2 }, // prettier-ignore
  // a's first channel is −1.125 in the mean, and its weight grew by 0.5/127.
  { key: 'bias_correction_params.apply_for_all_nodes', setting: advanced({ bias_correction_params: { apply_for_all_nodes: true } }), on: pair, effect: 'a layer without a bias gets one', read: biasOf('second'), expected: (1.125 * 0.5) / 127, digits: 3 }, // prettier-ignore
  // On the one sample that it takes, r's first channel is 0: there is nothing to take back.
  { key: 'fast_bias_correction', setting: { fast_bias_correction: false }, effect: 'the accurate correction leaves b2 at 0.3', read: biasOf('second'), expected: 0.3, digits: 3 }, // prettier-ignore
  { key: 'ignored_scope.types', setting: { ignored_scope: { types: ['Mul'] } }, on: products, effect: 'every operator of that type stays float', read: (w) => w.activation('m') !== undefined, expected: false }, // prettier-ignore
  { key: 'ignored_scope.validate', setting: { ignored_scope: { names: ['nothing'], validate: false } }, effect: 'a name that matches nothing is only a warning', read: (w) => w.report.warnings.filter(({ code }) => code === 'ignored-scope-unmatched').length, expected: 1 }, // prettier-ignore
  { key: 'backend_params.runtime', setting: advanced({ backend_params: { runtime: 'openvino' } }), effect: 'signed activations are int8 around 0', read: (w) => [x(w).type, x(w).zeroPoint[0]], expected: [INT8, 0] }, // prettier-ignore
  { key: 'backend_params.runtime', setting: advanced({ backend_params: { runtime: 'onnxruntime' } }), effect: 'signed activations are uint8 around 128', read: (w) => [x(w).type, x(w).zeroPoint[0]], expected: [UINT8, 128] }, // prettier-ignore
  { key: 'backend_params.external_data', setting: advanced({ backend_params: { external_data: true } }), effect: 'codes are read from the file beside the model', read: codes('second'), expected: [64, -127] }, // prettier-ignore
  { key: 'backend_params.threads', setting: advanced({ backend_params: { threads: 1 } }), effect: 'that many threads', read: (w) => w.report.runtime.threads, expected: 1 }, // prettier-ignore
];

function expectClose(actual: unknown, expected: unknown, digits: number): void {
  if (typeof expected === 'number') expect(actual).toBeCloseTo(expected, digits);
  else if (Array.isArray(expected)) {
    expect(actual).toHaveLength(expected.length);
    expected.forEach((item, i) => expectClose((actual as unknown[])[i], item, digits));
  } else expect(actual).toEqual(expected);
}

describe('every key has its documented effect', () => {
  it.each(ROWS)('$key: $effect', async ({ setting, read, expected, digits = 3, on }) => {
    const written = await quantizeTiny(on?.model ?? CHAIN, on?.samples ?? SAMPLES, setting);
    expectClose(read(written), expected, digits);
  });
  it('ignored_scope.validate: a name that matches nothing ends the run', async () => {
    const setting = { ignored_scope: { names: ['nothing'] } };
    await expect(quantizeTiny(CHAIN, SAMPLES, setting)).rejects.toThrow('nothing');
  });
  it('activations…per_channel: ends the run where the runtime cannot take it', async () => {
    const setting = activations({ per_channel: true });
    await expect(quantizeTiny(CHAIN, SAMPLES, setting)).rejects.toThrow('several scales for one activation');
  });
  it.each(['Add', 'Mul'])('activations…per_channel: the runtime runs %s behind and before it', async (op) => {
    const between = model({
      nodes: [
        node('Conv', ['x', 'w1'], ['a'], {}, 'first'),
        node('Conv', ['x', 'w2'], ['b'], {}, 'other'),
        node(op, ['a', 'b'], ['m'], {}, 'between'),
        node('Conv', ['m', 'w3'], ['y'], {}, 'second'),
      ],
      inputs: [value('x', [1, 2, 1, 2])],
      outputs: [value('y', [1, 1, 1, 2])],
      initializers: [
        floats('w1', [2, 2, 1, 1], [1, -0.5, 0.25, 2]),
        floats('w2', [2, 2, 1, 1], [1, 0.5, -0.25, 1]),
        floats('w3', [1, 2, 1, 1], [0.5, -1]),
      ],
    });
    const written = await quantizeTiny(
      between,
      SAMPLES,
      advanced({
        activations_quantization_params: { per_channel: true },
        backend_params: { runtime: 'openvino' },
      }),
    );
    expect(x(written).scale).toHaveLength(2);
    expect(written.activation('a')!.scale).toHaveLength(1);
    expect(written.activation('m')!.scale).toHaveLength(1);
  });
  it.each<[string, number[], NodeProto]>([
    ['vectors', [1, 2], node('Gemm', ['x', 'w'], ['y'], {}, 'product')],
    ['sequences', [1, 2, 3], node('Conv', ['x', 'k'], ['y'], {}, 'product')],
  ])('activations…per_channel with few bits: %s keep their shape', async (_, dims, product) => {
    const kernel = product.opType === 'Conv';
    const one = model({
      nodes: [product],
      inputs: [value('x', dims)],
      outputs: [value('y', kernel ? [1, 1, 3] : [1, 1])],
      initializers: [kernel ? floats('k', [1, 2, 1], [1, -0.5]) : floats('w', [2, 1], [1, -0.5])],
    });
    const data = kernel ? [1, 2, 3, 4, -5, 6] : [3, -6];
    const written = await quantizeTiny(
      one,
      [{ shape: dims.slice(1), data }],
      advanced({
        activations_quantization_params: { per_channel: true, num_bits: 4 },
        backend_params: { runtime: 'openvino' },
      }),
    );
    const { y } = await runModel(written.model, {
      x: { type: 'float32', dims, data: new Float32Array(data) },
    });
    expect(y!.dims).toEqual(kernel ? [1, 1, 3] : [1, 1]);
    // 1 − 4 / 2 and 3 + 6 / 2, but for steps of 3/7 and 6/7.
    expect(Math.abs(Number(y!.data[0]) - (kernel ? -1 : 6))).toBeLessThan(0.5);
  });
});
