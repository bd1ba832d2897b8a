import type { ModelSummary, TensorSignature } from '@quantsmith/schemas';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { imageInput, type ImageInput } from '../knowledge/imageInput.js';

/**
 * A commented config that fits a model: its data section follows from the inputs and from folders that lie near.
 * `modelPath` is written as it is; `dir` is the folder that the config will lie in. Says what could not be known.
 */
export function configFor(model: ModelSummary, modelPath: string, dir: string): string {
  const image = imageInput(model.inputs);
  const found = (names: readonly string[]) => names.find((name) => existsSync(join(dir, name)));
  const calibration = found(['calibration', 'data/calibration', 'train', 'data/train', 'images', 'data']);
  const validation = found(['validation', 'data/validation', 'val', 'data/val', 'test', 'data/test']);
  const labels = validation === undefined ? null : labelsIn(validation, dir);
  const transformer =
    model.nodes.filter((node) => node.op === 'Softmax').length > 1 &&
    model.nodes.some((node) => node.op === 'MatMul');
  const lines = [
    `# Quantization of ${modelPath}, made by quantsmith init.`,
    `# Inputs:  ${model.inputs.map(signature).join('; ')}`,
    `# Outputs: ${model.outputs.map(signature).join('; ')}`,
    `model: ${scalar(modelPath)}`,
    '',
    'data:',
    '  calibration: # a few hundred typical inputs; no labels needed',
    ...(image === null ? tensorSource(model, calibration) : imageSource(image, calibration, true)),
    ...validationSection(model, image, validation, labels),
    '',
    'quantization:',
    '  preset: performance # performance | mixed',
    ...(transformer
      ? ['  model_type: transformer # several Softmax operators: this looks like attention']
      : []),
    '  subset_size: 300',
    '',
    ...(validation === undefined
      ? [
          '# With validation data, this restores accuracy where quantization costs too much:',
          '# accuracy_control:',
          '#   metric: top1',
          '#   max_drop: 0.01',
        ]
      : [
          'accuracy_control:',
          ...(labels === null
            ? [
                '  metric: cosine # similarity with the float outputs; with labels: top1 | top5 | f1',
                '  max_drop: 0.01',
              ]
            : [
                '  metric: top1 # top1 | top5 | f1 | mse | mae | cosine | sqnr',
                '  max_drop: 0.01 # one point',
              ]),
        ]),
  ];
  return `${lines.join('\n')}\n`;
}

function imageSource(image: ImageInput, folder: string | undefined, anchor: boolean): string[] {
  const { height, width } = image;
  const size =
    height === null || width === null ? null : height === width ? `${height}` : `[${height}, ${width}]`;
  return [
    folder === undefined
      ? '    images: ./images # not known: the folder of your images'
      : `    images: ./${folder}`,
    `    preprocess:${anchor ? ' &preprocess # not known: must be what the model was trained with' : ''}`,
    ...(size === null
      ? ['      # resize: 256 # the model takes any size']
      : [`      resize: [${height}, ${width}]`]),
    `      color: ${image.channels === 1 ? 'gray' : 'rgb'}`,
    '      scale: 255',
    ...(image.channels === 3
      ? ['      mean: [0.485, 0.456, 0.406]', '      std: [0.229, 0.224, 0.225]']
      : []),
    `      layout: ${image.layout}`,
  ];
}

function tensorSource(model: ModelSummary, folder: string | undefined): string[] {
  const file =
    model.inputs.length === 1
      ? 'calibration.npy # not known: one array, samples on its first axis'
      : `calibration.npz # not known: arrays named ${model.inputs.map((input) => input.name).join(', ')}`;
  return [`    arrays: ./${folder === undefined ? '' : `${folder}/`}${file}`];
}

type Labels = { readonly file: string } | 'folders' | null;

/** Where the labels of a folder are: a labels.csv in it or beside it, its subfolders, or nowhere. */
function labelsIn(folder: string, dir: string): Labels {
  const file = [`${folder}/labels.csv`, 'labels.csv', 'data/labels.csv'].find((path) =>
    existsSync(join(dir, path)),
  );
  if (file !== undefined) return { file };
  return readdirSync(join(dir, folder), { withFileTypes: true }).some((entry) => entry.isDirectory())
    ? 'folders'
    : null;
}

function validationSection(
  model: ModelSummary,
  image: ImageInput | null,
  folder: string | undefined,
  labels: Labels,
): string[] {
  const where =
    labels === null
      ? '    # labels: ./labels.csv # file,label; without labels the outputs are compared with the float model'
      : labels === 'folders'
        ? '    # no labels: the subfolders are the classes'
        : `    labels: ./${labels.file}`;
  const lines =
    image === null
      ? [
          '  validation: # what accuracy is measured on',
          `    arrays: ./validation.${model.inputs.length === 1 ? 'npy' : 'npz'}`,
          '    labels: ./labels.npy',
        ]
      : [
          '  validation: # what accuracy is measured on',
          `    images: ./${folder ?? 'validation'}`,
          where,
          '    preprocess: *preprocess',
        ];
  return folder === undefined ? lines.map((line) => `  # ${line.slice(2)}`) : lines;
}

const signature = ({ name, type, dims }: TensorSignature) => `${name} ${type} [${dims.join(', ')}]`;

const scalar = (text: string) => (/^[\w./-]+$/.test(text) ? text : JSON.stringify(text));
