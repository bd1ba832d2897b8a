import { join, resolve } from 'node:path';
import type { QuantizationConfig } from '@quantsmith/schemas';

type Preprocess = NonNullable<QuantizationConfig['data']['calibration']['preprocess']>;

const IMAGENET: Preprocess = {
  ...{ resize: 256, center_crop: 224, color: 'rgb', scale: 255 },
  ...{ mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] },
};
const LETTERBOX: Preprocess = { letterbox: { size: 416, pad: 114, anchor: 'top_left' }, color: 'bgr' };
const CIFAR: Preprocess = { scale: 255, mean: [0.4914, 0.4822, 0.4465] };

/** Samples each run uses: enough to tell, few enough to be quick. */
const FEW = 60;
const MANY = 300;

/** Models with their data, right in every way. `data`: the folder of real models; what needs it lies below it. */
export function subjects(data: string): Readonly<Record<string, QuantizationConfig>> {
  const example = (path: string) => resolve('examples', path);
  const digits = (model: string, preprocess: Preprocess = { scale: 16 }): QuantizationConfig => ({
    model: example(model),
    data: {
      calibration: { arrays: example('digits/data/calibration.npy'), preprocess },
      validation: {
        arrays: example('digits/data/validation.npy'),
        labels: example('digits/data/validation-labels.npy'),
        preprocess,
      },
    },
  });
  const shared = (model: string, rest: Omit<QuantizationConfig, 'model'>): QuantizationConfig => ({
    model: join(data, 'models', model),
    ...rest,
  });
  const arrays = (model: string, set: string, preprocess?: Preprocess) =>
    shared(model, {
      data: {
        calibration: {
          arrays: join(data, `datasets/${set}/calibration_x.npy`),
          limit: 2 * FEW,
          ...(preprocess && { preprocess }),
        },
        validation: {
          arrays: join(data, `datasets/${set}/validation_x.npy`),
          labels: join(data, `datasets/${set}/validation_y.npy`),
          limit: MANY,
          ...(preprocess && { preprocess }),
        },
      },
    });
  const images = (model: string, preprocess: Preprocess) =>
    shared(model, {
      data: {
        calibration: { images: join(data, 'datasets/imagenet/calibration'), limit: FEW, preprocess },
        validation: {
          images: join(data, 'datasets/imagenet/validation'),
          labels: join(data, 'datasets/imagenet/validation/labels.csv'),
          limit: 200,
          preprocess,
        },
      },
    });
  const bytes = join(data, 'datasets/magika/validation_x.npy');

  return {
    digits: digits('digits/digits.onnx'),
    'digits-resnet': digits('resnet/resnet.onnx'),
    mobilenetv2: images('imagenet/mobilenetv2.onnx', IMAGENET),
    squeezenet: images('imagenet/squeezenet1.1.onnx', IMAGENET),
    resnet8: arrays('cifar10/mlperf_tiny_resnet8_bn.onnx', 'cifar10', { layout: 'nchw' }),
    'resnet-4b': arrays('cifar10/resnet_4b.onnx', 'cifar10', { ...CIFAR, std: [0.2471, 0.2435, 0.2616] }),
    vit: arrays('cifar10/vit_ibp_3_3_8.onnx', 'cifar10', { ...CIFAR, std: [0.2023, 0.1994, 0.201] }),
    marabou: arrays('cifar10/marabou_cifar10_medium_nhwc.onnx', 'cifar10', { scale: 255, layout: 'nhwc' }),
    'mnist-8': arrays('mnist/mnist-8.onnx', 'mnist', { layout: 'nchw' }),
    convnet: arrays('mnist/Convnet_maxpool.onnx', 'mnist', { scale: 255 }),
    wide: arrays('cifar10/cifar_wide_kw.onnx', 'cifar10', {
      ...{ scale: 255, mean: [0.485, 0.456, 0.406], std: [0.225, 0.225, 0.225] },
    }),
    'mlp-256x4': arrays('mnist/mnist-net_256x4.onnx', 'mnist', { scale: 255 }),
    'keywords-int8': shared('quantized_refs/ks_quantized_int8.onnx', {
      data: { calibration: { arrays: join(data, 'datasets/mnist/calibration_x.npy') } },
    }),
    'language-model': shared('text/aidreams260K.onnx', {
      data: { calibration: { arrays: join(data, 'datasets/text/input_ids.npy'), limit: 32 } },
    }),
    ultraface: shared('detection/ultraface_rfb320.onnx', {
      data: {
        calibration: {
          images: join(data, 'datasets/imagenet/calibration'),
          limit: 30,
          preprocess: { resize: [240, 320], color: 'rgb', scale: 128, mean: 127 / 128 },
        },
      },
    }),
    magika: shared('other/magika_standard_v2_1.onnx', {
      data: {
        calibration: { arrays: bytes },
        validation: { arrays: bytes, labels: join(data, 'datasets/magika/validation_y.npy') },
      },
    }),
    yolox: shared('detection/yolox_nano.onnx', {
      task: { type: 'detection', decode: 'yolox' },
      data: {
        calibration: { images: join(data, 'datasets/coco/calibration'), limit: 40, preprocess: LETTERBOX },
        validation: {
          images: join(data, 'datasets/coco/validation/images'),
          labels: join(data, 'datasets/coco/validation/labels'),
          preprocess: LETTERBOX,
        },
      },
    }),
    ...Object.fromEntries(
      [
        ...['big_1e-4_1e4', 'mask_bias_-1e9', 'mlp_64_128', 'matmul_bn', 'shuffle_split', 'gemm_1N_bias'],
        ...['bmm_const_3d', 'functions', 'acc_conv_nobias'],
      ].map((name): [string, QuantizationConfig] => [
        name,
        {
          model: resolve('test/cases', name, 'model.onnx'),
          data: { calibration: { arrays: resolve('test/cases', name, 'calib.npz') } },
        },
      ]),
    ),
  };
}
