import { resolve } from 'node:path';
import type { ModelProto } from '@quantsmith/model/onnx';
import { readSamples, relabelled, type Samples } from './arrays.js';
import { advanced, preprocess, quantization, withoutValidation, type Case } from './case.js';
import { withConstant } from './plant.js';

const both = ['calibration', 'validation'] as const;
const IMPLAUSIBLE = /preprocess|accuracy of the float model|float model.*(guess|chance)/i;

/** Grey images turned by half a circle. */
const upsideDown = (samples: Samples): Samples => {
  const { shape, values } = samples;
  const area = values.length / shape[0]!;
  const from = (i: number) => i - (i % area) + (area - 1 - (i % area));
  return { shape, values: Uint8Array.from(values as Uint8Array, (_, i) => Number(values[from(i)])) };
};

/** The label of each sample is that of the sample before, as where a head line was read as a label. */
const oneRowLate = ({ shape, values }: Samples): Samples => ({
  shape,
  values: BigInt64Array.from({ length: values.length }, (_, i) => BigInt(values[Math.max(0, i - 1)]!)),
});

/** Digits of bytes as floats, one in the middle a thousand times as bright, as a picture of 16 bits among ones of 4. */
const withGlaringSample = ({ shape, values }: Samples): Samples => {
  const [count = 0, ...row] = shape;
  const size = values.length / count;
  const glaring = (i: number) => Math.floor(i / size) === count >> 1;
  return {
    shape: [count, 1, ...row],
    values: Float32Array.from(values as ArrayLike<number>, (value, i) => value * (glaring(i) ? 1000 : 1)),
  };
};

/** One weight of a convolution in the middle is NaN, as training that diverged leaves it. */
function withNaNWeight(model: ModelProto): ModelProto {
  const convolutions = model.graph.node.filter(({ opType }) => opType === 'Conv');
  const weight = convolutions[convolutions.length >> 1]!.input[1]!;
  return withConstant(model, weight, (value, index) => (index === 7 ? NaN : value));
}

/** Samples of the digits, or their labels, in the order of their classes. */
const sortedByClass = (samples: Samples): Samples => {
  const labels = readSamples(resolve('examples/digits/data/validation-labels.npy')).values;
  const order = Array.from({ length: labels.length }, (_, i) => i).sort(
    (a, b) => Number(labels[a]) - Number(labels[b]),
  );
  const size = samples.values.length / samples.shape[0]!;
  const sorted = order.flatMap((sample) =>
    Array.from({ length: size }, (_, i) => samples.values[sample * size + i]!),
  );
  return {
    shape: samples.shape,
    values:
      samples.values instanceof BigInt64Array
        ? BigInt64Array.from(sorted, BigInt)
        : Uint8Array.from(sorted, Number),
  };
};

const EXTREMES = {
  min: { statistics_type: 'min', aggregator_type: 'min' },
  max: { statistics_type: 'max', aggregator_type: 'max' },
} as const;

/** Six faults more, written before their author looked at the detectors. */
export const FURTHER_PLANTED: readonly Case[] = [
  {
    name: 'labels one row late',
    subject: 'marabou',
    change: { labels: oneRowLate },
    expected: ['float-accuracy-implausible'],
  },
  {
    name: 'images upside down',
    subject: 'convnet',
    change: { calibration: upsideDown, validation: upsideDown },
    expected: ['float-accuracy-implausible'],
    says: IMPLAUSIBLE,
  },
  {
    name: 'mean and std of fractions taken from bytes',
    subject: 'resnet-4b',
    change: { config: preprocess(both, { scale: 1 }) },
    expected: ['float-accuracy-implausible'],
    says: IMPLAUSIBLE,
  },
  {
    name: 'a weight that is NaN',
    subject: 'resnet8',
    change: { model: withNaNWeight },
    expected: [],
    says: /\bNaN\b|not a number|(not|non-?) ?finite/i,
  },
  {
    name: 'one calibration sample a thousand times as bright',
    subject: 'digits',
    change: {
      config: (config) => {
        const { arrays } = config.data.calibration;
        const data = { ...config.data, calibration: { arrays: arrays!, preprocess: { scale: 16 } } };
        return advanced({ activations_range_estimator_params: EXTREMES })({ ...config, data });
      },
      calibration: withGlaringSample,
    },
    expected: ['output-damaged', 'layer-collapse'],
  },
  {
    name: 'every label zero',
    subject: 'resnet8',
    change: { labels: (labels) => relabelled(labels, () => 0) },
    expected: ['float-accuracy-implausible'],
  },
];

const healthy = (name: string, subject: string, change: Case['change'] = {}): Case => ({
  ...{ name, subject, change, expected: [] },
});

/** Six healthy runs more, by the same hand. */
export const FURTHER_HEALTHY: readonly Case[] = [
  healthy('digits sorted by class', 'digits', { validation: sortedByClass, labels: sortedByClass }),
  healthy('ResNet-4b, preset performance, relative target', 'resnet-4b', {
    config: (config) => ({
      ...quantization({ preset: 'performance' })(config),
      accuracy_control: { metric: 'top1', max_drop: 0.05, drop_type: 'relative' },
    }),
  }),
  healthy('vision transformer, integers wherever they run', 'vit', {
    config: quantization({ optimize_for: 'integer' }),
  }),
  healthy('MatMul with BatchNormalization', 'matmul_bn'),
  healthy('product with a stack of matrices', 'bmm_const_3d'),
  healthy('CNN in NHWC, ten calibration samples, no labels', 'marabou', {
    config: (config) => withoutValidation(quantization({ subset_size: 10 })(config)),
  }),
];
