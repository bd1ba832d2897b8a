import { advanced, quantization, withoutValidation, type Case } from './case.js';

const healthy = (name: string, subject: string, change?: Case['change']): Case => ({
  ...{ name, subject, expected: [] },
  ...(change === undefined ? {} : { change }),
});

/** Twenty runs with which nothing is wrong. */
export const HEALTHY: readonly Case[] = [
  healthy('digits', 'digits'),
  healthy('digits without labels', 'digits', { config: withoutValidation }),
  healthy('digits, every choice fixed', 'digits', { config: quantization({ defaults: 'nncf' }) }),
  healthy('digits, few labels', 'digits', {
    validation: ({ shape: [, ...row], values }) => ({
      shape: [24, ...row],
      values: values.slice(0, 24 * row.reduce((a, b) => a * b, 1)),
    }),
    labels: ({ values }) => ({ shape: [24], values: values.slice(0, 24) }),
  }),
  healthy('digits, 4 bits per tensor with accuracy control', 'digits', {
    config: (config) => ({
      ...advanced({
        overflow_fix: 'disable',
        weights_quantization_params: { num_bits: 4, per_channel: false },
      })(config),
      accuracy_control: { metric: 'top1', max_drop: 0.01 },
    }),
  }),
  healthy('residual network of digits', 'digits-resnet'),
  healthy('MobileNetV2', 'mobilenetv2'),
  healthy('SqueezeNet', 'squeezenet'),
  healthy('SqueezeNet without labels', 'squeezenet', { config: withoutValidation }),
  healthy('ResNet-8', 'resnet8'),
  healthy('ResNet-4b', 'resnet-4b'),
  healthy('vision transformer', 'vit'),
  healthy('CNN in NHWC', 'marabou'),
  healthy('MNIST-8', 'mnist-8'),
  healthy('CNN with MaxPool', 'convnet'),
  healthy('Magika', 'magika'),
  healthy('YOLOX-nano', 'yolox'),
  healthy('MLP of random weights', 'mlp_64_128'),
  healthy('channel shuffle', 'shuffle_split'),
  healthy('functions', 'functions'),
];
