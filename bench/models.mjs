// What is measured: models, the data each is calibrated and validated on, and how bytes become its input.
// Paths are relative to the data folder (--data).

const imagenet = {
  size: 256,
  crop: 224,
  color: 'rgb',
  scale: 255,
  mean: [0.485, 0.456, 0.406],
  std: [0.229, 0.224, 0.225],
};
const imagenetData = {
  calibration: { images: 'datasets/imagenet/calibration' },
  validation: { images: 'datasets/imagenet/validation', labels: 'datasets/imagenet/validation/labels.csv' },
};
const cifar10Data = {
  calibration: { array: 'datasets/cifar10/calibration_x.npy', limit: 300 },
  validation: {
    array: 'datasets/cifar10/validation_x.npy',
    labels: 'datasets/cifar10/validation_y.npy',
  },
};
const mnistData = {
  calibration: { array: 'datasets/mnist/calibration_x.npy', limit: 300 },
  validation: { array: 'datasets/mnist/validation_x.npy', labels: 'datasets/mnist/validation_y.npy' },
};
// Detectors have no labels here: their outputs are compared with the float model's on a part of the images.
const detectionData = {
  calibration: { images: 'datasets/imagenet/calibration', limit: 50 },
  validation: { images: 'datasets/imagenet/validation', limit: 60 },
};
const magikaFiles = 'datasets/magika/validation_x.npy';

/**
 * `preprocess`: `size` is the short side (a number) or [height, width]; `letterbox` keeps the aspect and fills with that
 * value; `layout` defaults to nchw. `transformer`: every tool that knows `model_type: transformer` is told so.
 */
export const models = [
  { name: 'mobilenetv2', file: 'models/imagenet/mobilenetv2.onnx', preprocess: imagenet, ...imagenetData },
  {
    name: 'squeezenet1.1',
    file: 'models/imagenet/squeezenet1.1.onnx',
    preprocess: imagenet,
    ...imagenetData,
  },
  {
    name: 'resnet8-bn',
    file: 'models/cifar10/mlperf_tiny_resnet8_bn.onnx',
    preprocess: {},
    ...cifar10Data,
  },
  {
    name: 'resnet-4b',
    file: 'models/cifar10/resnet_4b.onnx',
    preprocess: { scale: 255, mean: [0.4914, 0.4822, 0.4465], std: [0.2471, 0.2435, 0.2616] },
    ...cifar10Data,
  },
  {
    name: 'vit-ibp',
    file: 'models/cifar10/vit_ibp_3_3_8.onnx',
    preprocess: { scale: 255, mean: [0.4914, 0.4822, 0.4465], std: [0.2023, 0.1994, 0.201] },
    transformer: true,
    ...cifar10Data,
  },
  { name: 'mnist-8', file: 'models/mnist/mnist-8.onnx', preprocess: {}, ...mnistData },
  {
    name: 'yolox-nano',
    file: 'models/detection/yolox_nano.onnx',
    preprocess: { size: [416, 416], letterbox: 114, color: 'bgr' },
    ...detectionData,
  },
  {
    name: 'ultraface',
    file: 'models/detection/ultraface_rfb320.onnx',
    preprocess: { size: [240, 320], color: 'rgb', scale: 128, mean: [0.9921875, 0.9921875, 0.9921875] },
    ...detectionData,
  },
  {
    name: 'magika',
    file: 'models/other/magika_standard_v2_1.onnx',
    preprocess: null,
    // There is one set of 76 files: calibrated and validated on the same ones, by every tool.
    calibration: { array: magikaFiles },
    validation: { array: magikaFiles, labels: 'datasets/magika/validation_y.npy' },
  },
];
