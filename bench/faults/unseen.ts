import { resolve } from 'node:path';
import { seededRandom } from '@quantsmith/schemas';
import { readSamples, type Samples } from './arrays.js';
import { advanced, preprocess, quantization, withoutValidation, type Case } from './case.js';
import { withUntouchedNormalization } from './plant.js';

const both = ['calibration', 'validation'] as const;

const perSample = ({ shape: [, ...row] }: Samples) => row.reduce((a, b) => a * b, 1);

/** Every value of a .npy of bytes computed from its index and its old value. */
const bytes =
  (of: (value: number, index: number) => number) =>
  ({ shape, values }: Samples): Samples => ({
    shape,
    values: Uint8Array.from(values as ArrayLike<number>, (value, i) => of(value, i)),
  });

const inverted = bytes((value) => 255 - value);

/** Uniform noise, the same in every run. */
const noise = ({ shape, values }: Samples): Samples => {
  const next = seededRandom(1);
  return { shape, values: Uint8Array.from({ length: values.length }, () => 256 * next()) };
};

/** Square grey images, written column by column. */
const columnsFirst = ({ shape, values }: Samples): Samples => {
  const side = shape[1]!;
  const area = side * side;
  const from = (i: number) => i - (i % area) + (i % side) * side + Math.floor((i % area) / side);
  return { shape, values: Uint8Array.from(values as Uint8Array, (_, i) => Number(values[from(i)])) };
};

/** The first `count` samples, over and over. */
const cycled =
  (count: number) =>
  (samples: Samples): Samples => {
    const period = count * perSample(samples);
    const { shape, values } = samples;
    return { shape, values: Uint8Array.from(values as Uint8Array, (_, i) => Number(values[i % period])) };
  };

/** Bytes of 0 to 16 as floats, one sample in the middle NaN throughout, as after a division by a deviation of zero. */
const withNaN = (samples: Samples): Samples => {
  const size = perSample(samples);
  const [count = 0, ...row] = samples.shape;
  const values = Float32Array.from(samples.values as ArrayLike<number>, (value) => value / 16);
  values.fill(NaN, 17 * size, 18 * size);
  return { shape: [count, 1, ...row], values };
};

/** Bytes cut into windows of 49 frames of 10 coefficients. */
const frames = ({ values }: Samples): Samples => ({
  shape: [100, 1, 49, 10],
  values: values.slice(0, 100 * 490),
});

/** Class numbers sorted as text: 0, 1, 10, 100, 101, … */
const SORTED_AS_TEXT = Array.from({ length: 1000 }, (_, label) => String(label)).sort();

/** Those samples of the digits, or of their labels, whose label is odd. */
const oddDigits = (samples: Samples): Samples => {
  const labels = readSamples(resolve('examples/digits/data/validation-labels.npy')).values;
  const size = perSample(samples);
  const kept = Array.from(samples.values as ArrayLike<number | bigint>, Number).filter(
    (_, i) => Number(labels[Math.floor(i / size)]) % 2 === 1,
  );
  const shape = [kept.length / size, ...samples.shape.slice(1)];
  return {
    shape,
    values: samples.shape.length === 1 ? BigInt64Array.from(kept, BigInt) : Uint8Array.from(kept),
  };
};

/**
 * Ten faults written by somebody who had not seen the detectors. A finding or an error whose text matches `says` counts as
 * well as an expected code. Do not fit the detectors to them.
 */
export const UNSEEN_PLANTED: readonly Case[] = [
  {
    name: 'dark digits on light paper',
    subject: 'convnet',
    change: { calibration: inverted, validation: inverted },
    expected: ['float-accuracy-implausible'],
    says: /preprocess|accuracy of the float model|float model.*(guess|chance)/i,
  },
  {
    name: 'images written column by column',
    subject: 'mnist-8',
    change: { calibration: columnsFirst, validation: columnsFirst },
    expected: ['float-accuracy-implausible'],
    says: /preprocess|accuracy of the float model|float model.*(guess|chance)/i,
  },
  {
    name: 'a detector of bytes fed 0 to 1',
    subject: 'yolox',
    change: {
      config: (config) => {
        const { calibration, validation } = preprocess(both, { scale: 255 })(config).data;
        const data = {
          calibration: { ...calibration, limit: 20 },
          validation: { ...validation!, limit: 24 },
        };
        return { ...config, data };
      },
    },
    expected: ['float-accuracy-implausible'],
    says: /preprocess|accuracy of the float model|float model.*(guess|chance)/i,
  },
  {
    name: 'divided by 255 twice',
    subject: 'marabou',
    change: { config: preprocess(both, { scale: 255 * 255 }) },
    expected: ['float-accuracy-implausible'],
    says: /preprocess|accuracy of the float model|float model.*(guess|chance)/i,
  },
  {
    name: 'class folders sorted as text',
    subject: 'squeezenet',
    change: { labelLines: (file, label) => `${file},${SORTED_AS_TEXT.indexOf(String(label))}` },
    expected: ['float-accuracy-implausible'],
    says: /class order|order of the classes|labels?.*(wrong|belong|order)/i,
  },
  {
    name: 'three calibration images, each saved a hundred times',
    subject: 'digits-resnet',
    change: { calibration: cycled(3) },
    expected: ['samples-alike'],
    says: /(same|identical|alike|duplicate|repeated|distinct|different).*samples|samples.*(same|identical|alike|duplicate|repeated)/i,
  },
  {
    name: 'calibrated on random noise',
    subject: 'resnet-4b',
    change: { calibration: noise },
    expected: ['calibration-clipped', 'output-damaged', 'layer-collapse'],
    says: /calibration (data|samples|set).*(differ|unlike|noise|cover|represent)/i,
  },
  {
    name: 'a model that is int8 already',
    subject: 'keywords-int8',
    change: { calibration: frames },
    expected: [],
    says: /already (quantized|int8)|is quantized|QLinear|quantized model/i,
  },
  {
    name: 'one calibration sample of NaN',
    subject: 'digits',
    change: {
      config: (config) => {
        const { arrays } = config.data.calibration;
        return { ...config, data: { ...config.data, calibration: { arrays: arrays! } } };
      },
      calibration: withNaN,
    },
    expected: [],
    says: /\bNaN\b|not a number|(not|non-?) ?finite/i,
  },
  {
    name: 'statistics of the normalization never loaded',
    subject: 'resnet8',
    change: { model: withUntouchedNormalization },
    expected: ['float-accuracy-implausible'],
    says: /BatchNormalization|accuracy of the float model|float model.*(guess|chance)/i,
  },
];

const healthy = (name: string, subject: string, change: Case['change'] = {}): Case => ({
  ...{ name, subject, change, expected: [] },
});

const HISTOGRAM = { aggregator_type: 'histogram' } as const;

/** Ten runs with which nothing is wrong, some of them unusual; by the same hand. */
export const UNSEEN_HEALTHY: readonly Case[] = [
  healthy('wide robust CNN', 'wide'),
  healthy('MLP of MNIST', 'mlp-256x4'),
  healthy('MobileNetV2, preset mixed, 20 labels', 'mobilenetv2', {
    config: (config) => {
      const { data } = config;
      const { validation } = data;
      const few = {
        calibration: { ...data.calibration, limit: 30 },
        validation: { ...validation, limit: 20 },
      };
      return quantization({ preset: 'mixed' })({ ...config, data: few });
    },
  }),
  healthy('SqueezeNet, resized to 232 by a bicubic filter', 'squeezenet', {
    config: preprocess(both, { resize: 232, interpolation: 'bicubic', antialias: true }),
  }),
  healthy('digits, divided by std instead of scale, agreement', 'digits', {
    config: (config) => ({
      ...preprocess(both, { scale: 1, std: 16 })(config),
      accuracy_control: { metric: 'agreement', max_drop: 0.03 },
    }),
  }),
  healthy('ResNet-8, histogram ranges, F1', 'resnet8', {
    config: (config) => ({
      ...advanced({ activations_range_estimator_params: { min: HISTOGRAM, max: HISTOGRAM } })(config),
      accuracy_control: { metric: 'f1', max_drop: 0.03 },
    }),
  }),
  healthy('vision transformer said to be one, 40 labels', 'vit', {
    config: (config) => {
      const { data } = config;
      const few = { ...data, validation: { ...data.validation, limit: 40 } };
      return quantization({ model_type: 'transformer' })({ ...config, data: few });
    },
  }),
  healthy('validated on odd digits only', 'digits', { validation: oddDigits, labels: oddDigits }),
  healthy('language model', 'language-model'),
  healthy('face detector without labels', 'ultraface', { config: withoutValidation }),
];
