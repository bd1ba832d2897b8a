import { relabelled, repeated, shuffledLabels, type Samples } from './arrays.js';
import { advanced, preprocess, type Case } from './case.js';
import { withDeadLayer, withLoudChannel } from './plant.js';

const both = ['calibration', 'validation'] as const;

/** Quantiles that leave out so much that everything saturates. */
const SATURATING = { statistics_type: 'quantile', quantile_outlier_prob: 0.2 } as const;

/** Images of bytes whose memory is read as if channels came first. */
const reinterpreted = ({
  shape: [count = 0, height = 0, width = 0, channels = 0],
  values,
}: Samples): Samples => {
  const area = height * width;
  const size = area * channels;
  const out = new Uint8Array(values.length);
  for (let i = 0; i < values.length; i++) {
    const at = i % size;
    const target = i - at + (at % area) * channels + Math.floor(at / area);
    out[target] = Number(values[i]);
  }

  return { shape: [count, height, width, channels], values: out };
};

/** Twenty faults and the findings that must name each. Written before the detectors; do not fit it to them. */
export const PLANTED: readonly Case[] = [
  {
    name: 'class order reversed',
    subject: 'digits',
    change: { labels: (labels) => relabelled(labels, (label) => 9 - label) },
    expected: ['float-accuracy-implausible'],
  },
  {
    name: 'labels shuffled',
    subject: 'resnet8',
    change: { labels: shuffledLabels },
    expected: ['float-accuracy-implausible'],
  },
  {
    name: 'labels counted from one',
    subject: 'squeezenet',
    change: { labelLines: (file, label) => `${file},${(label + 1) % 1000}` },
    expected: ['float-accuracy-implausible'],
  },
  {
    name: 'BGR for RGB',
    subject: 'mobilenetv2',
    change: { config: preprocess(both, { color: 'bgr' }) },
    expected: ['float-accuracy-implausible'],
  },
  {
    name: 'mean and std forgotten',
    subject: 'vit',
    change: { config: preprocess(both, { mean: null, std: null }) },
    expected: ['float-accuracy-implausible'],
  },
  {
    name: 'wrong layout: NHWC read as NCHW',
    subject: 'resnet-4b',
    change: { calibration: reinterpreted, validation: reinterpreted },
    expected: ['float-accuracy-implausible'],
  },
  {
    name: 'calibrated without mean and std',
    subject: 'mobilenetv2',
    change: { config: preprocess(['calibration'], { mean: null, std: null }) },
    expected: ['calibration-clipped'],
  },
  {
    name: 'calibrated on darker images',
    subject: 'digits',
    change: { config: preprocess(['calibration'], { scale: 160 }) },
    expected: ['calibration-clipped'],
  },
  {
    name: 'calibrated on bytes that nobody divided',
    subject: 'resnet-4b',
    change: { config: preprocess(['calibration'], { scale: 1, mean: null, std: null }) },
    expected: ['output-damaged', 'layer-collapse'],
  },
  {
    name: 'ranges from quantiles that cut a fifth',
    subject: 'mnist-8',
    change: {
      config: advanced({ activations_range_estimator_params: { min: SATURATING, max: SATURATING } }),
    },
    expected: ['calibration-clipped'],
  },
  {
    name: 'saturating head and body',
    subject: 'resnet8',
    change: {
      config: advanced({ activations_range_estimator_params: { max: { clipping_value: 0.5 } } }),
    },
    expected: ['calibration-clipped'],
  },
  {
    name: 'one calibration sample again and again',
    subject: 'digits',
    change: { calibration: repeated },
    expected: ['samples-alike'],
  },
  {
    name: 'one validation sample again and again',
    subject: 'digits-resnet',
    change: { validation: repeated },
    expected: ['samples-alike'],
  },
  {
    name: 'calibrated on zeros',
    subject: 'magika',
    change: { calibration: ({ shape, values }) => ({ shape, values: values.slice().fill(0 as never) }) },
    expected: ['samples-alike'],
  },
  {
    name: 'weights of 4 bits per tensor',
    subject: 'mobilenetv2',
    change: {
      config: advanced({
        overflow_fix: 'disable',
        weights_quantization_params: { num_bits: 4, per_channel: false },
      }),
    },
    expected: ['layer-collapse'],
  },
  {
    name: 'activations of 4 bits',
    subject: 'yolox',
    change: { config: advanced({ activations_quantization_params: { num_bits: 4 } }) },
    expected: ['output-damaged', 'layer-collapse'],
  },
  {
    name: 'a bias that does not fit',
    subject: 'big_1e-4_1e4',
    expected: ['bias-too-large', 'operator-unfit', 'not-verified'],
  },
  {
    name: 'a bias that masks',
    subject: 'mask_bias_-1e9',
    expected: ['bias-too-large', 'operator-unfit', 'not-verified'],
  },
  {
    name: 'one channel ten thousand times as loud',
    subject: 'digits-resnet',
    change: { model: (model) => withLoudChannel(model, 1e4) },
    expected: ['layer-collapse'],
  },
  {
    name: 'a dead layer',
    subject: 'digits-resnet',
    change: { model: withDeadLayer },
    expected: ['float-accuracy-implausible'],
  },
];
