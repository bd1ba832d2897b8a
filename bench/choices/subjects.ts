import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { QuantizationConfig } from '@quantsmith/schemas';
import { CALIBRATION, denoiserFrames, noise, VALIDATION, voiceFrames } from './frames.js';

type Section = QuantizationConfig['data']['calibration'];
type Preprocess = NonNullable<Section['preprocess']>;

/** A real model with its data, and what it is measured by beside the error of its outputs. */
export interface Subject {
  readonly name: string;
  readonly config: QuantizationConfig;
  readonly metric: 'top1' | 'map' | null;
}

const IMAGENET: Preprocess = {
  ...{ resize: 256, center_crop: 224, color: 'rgb', scale: 255 },
  ...{ mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] },
};
const LETTERBOX: Preprocess = { letterbox: { size: 416, pad: 114, anchor: 'top_left' }, color: 'bgr' };
const CIFAR: Preprocess = { scale: 255, mean: [0.4914, 0.4822, 0.4465] };
const WIDE: Preprocess = { scale: 255, mean: [0.485, 0.456, 0.406], std: [0.225, 0.225, 0.225] };

/** Validation samples where there are no labels: only the outputs are compared. */
const COMPARED = 40;

/** Every model of the data folder that can be quantized. Frames of sound and noise are written below `scratch`. */
export async function subjects(data: string, scratch: string): Promise<Subject[]> {
  const model = (path: string) => join(data, 'models', path);
  const set = (path: string) => join(data, 'datasets', path);
  const arrays = (name: string, path: string, folder: string, preprocess?: Preprocess): Subject => {
    const source = (part: string): Section => ({
      arrays: set(`${folder}/${part}_x.npy`),
      ...(preprocess && { preprocess }),
    });
    const validation = { ...source('validation'), labels: set(`${folder}/validation_y.npy`) };
    // Of Magika's files there is one set: calibrated and validated on the same ones.
    const calibration = existsSync(set(`${folder}/calibration_x.npy`))
      ? source('calibration')
      : source('validation');

    return { name, metric: 'top1', config: { model: model(path), data: { calibration, validation } } };
  };

  const imagenet = (name: string, path: string): Subject => ({
    name,
    metric: 'top1',
    config: {
      model: model(path),
      data: {
        calibration: { images: set('imagenet/calibration'), preprocess: IMAGENET },
        validation: {
          ...{ images: set('imagenet/validation'), labels: set('imagenet/validation/labels.csv') },
          preprocess: IMAGENET,
        },
      },
    },
  });
  const pictures = (name: string, path: string, preprocess: Preprocess): Subject => ({
    name,
    metric: null,
    config: {
      model: model(path),
      data: {
        calibration: { images: set('coco/calibration'), limit: 60, preprocess },
        validation: { images: set('coco/validation/images'), limit: COMPARED, preprocess },
      },
    },
  });
  const frames = async (
    name: string,
    path: string,
    write: (file: string, folder: string) => Promise<void>,
  ): Promise<Subject> => {
    const folder = join(scratch, name);
    if (!existsSync(join(folder, VALIDATION))) await write(model(path), folder);
    const part = (each: string) => ({ tensors: join(folder, each) });

    return {
      name,
      metric: null,
      config: { model: model(path), data: { calibration: part(CALIBRATION), validation: part(VALIDATION) } },
    };
  };

  const random = (shape: readonly number[]) => (file: string, folder: string) => noise(file, folder, shape);

  return [
    imagenet('mobilenetv2', 'imagenet/mobilenetv2.onnx'),
    imagenet('squeezenet1.1', 'imagenet/squeezenet1.1.onnx'),
    arrays('resnet8-bn', 'cifar10/mlperf_tiny_resnet8_bn.onnx', 'cifar10', { layout: 'nchw' }),
    arrays('resnet-4b', 'cifar10/resnet_4b.onnx', 'cifar10', { ...CIFAR, std: [0.2471, 0.2435, 0.2616] }),
    arrays('vit-ibp', 'cifar10/vit_ibp_3_3_8.onnx', 'cifar10', { ...CIFAR, std: [0.2023, 0.1994, 0.201] }),
    arrays('wide-kw', 'cifar10/cifar_wide_kw.onnx', 'cifar10', WIDE),
    arrays('marabou-medium', 'cifar10/marabou_cifar10_medium_nhwc.onnx', 'cifar10', {
      ...{ scale: 255, layout: 'nhwc' },
    }),
    arrays('mnist-8', 'mnist/mnist-8.onnx', 'mnist', { layout: 'nchw' }),
    arrays('convnet-maxpool', 'mnist/Convnet_maxpool.onnx', 'mnist', { scale: 255 }),
    arrays('mlp-256x4', 'mnist/mnist-net_256x4.onnx', 'mnist', { scale: 255 }),
    arrays('magika-v2', 'other/magika_standard_v2_1.onnx', 'magika'),
    {
      name: 'yolox-nano',
      metric: 'map',
      config: {
        model: model('detection/yolox_nano.onnx'),
        task: { type: 'detection', decode: 'yolox' },
        data: {
          calibration: { images: set('coco/calibration'), preprocess: LETTERBOX },
          validation: {
            ...{ images: set('coco/validation/images'), labels: set('coco/validation/labels') },
            preprocess: LETTERBOX,
          },
        },
      },
    },
    pictures('ultraface', 'detection/ultraface_rfb320.onnx', {
      ...{ resize: [240, 320], color: 'rgb', scale: 128, mean: 127 / 128 },
    }),
    pictures('pp-ocrv2-det', 'ocr/ch_PP-OCRv2_det_infer.onnx', {
      ...{ resize: [256, 320], color: 'bgr', scale: 255, mean: 0.5, std: 0.5 },
    }),
    {
      name: 'aidreams',
      metric: null,
      config: {
        model: model('text/aidreams260K.onnx'),
        data: {
          calibration: { arrays: set('text/input_ids.npy'), limit: 32 },
          validation: { arrays: set('text/input_ids.npy') },
        },
      },
    },
    await frames('gtcrn', 'audio/gtcrn.onnx', (file, folder) =>
      voiceFrames(file, folder, set('audio/gtcrn_mix.wav')),
    ),
    await frames('dtln-1', 'audio/dtln_model_1.onnx', (file, folder) =>
      denoiserFrames(file, folder, set('audio/gtcrn_mix.wav')),
    ),
    await frames('wake-word', 'audio/mlperf_tiny_streaming_ww_bn.onnx', random([1, 40, 30, 1])),
    await frames('autoencoder', 'other/mlperf_tiny_ad01_autoencoder_bn.onnx', random([1, 640])),
    await frames('cgan', 'structure/cGAN_imgSz32_nCh_3_upsample.onnx', random([1, 5])),
    pictures('gtsrb-bnn', 'structure/gtsrb_bnn_3_48_48.onnx', {
      ...{ resize: [48, 48], color: 'rgb', layout: 'nhwc' },
    }),
  ];
}
