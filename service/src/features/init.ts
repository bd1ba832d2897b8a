import type { ModelSummary, TensorSignature } from '@quantsmith/schemas';
import { stringify } from 'yaml';
import { imageInput, type ImageInput } from '../knowledge/imageInput.js';

/** Where samples lie, as the config writes it. */
export interface InitSource {
  readonly images?: string;
  readonly arrays?: string;
  /** A file with labels. */
  readonly labels?: string;
  /** Whether the folders in `images` are the classes. */
  readonly classFolders?: boolean;
}

/** What is known of the data when a config is made; what is absent is written as a comment that says so. */
export interface InitData {
  readonly calibration?: InitSource;
  readonly validation?: InitSource;
  /** Largest acceptable drop of the metric (default 0.01). */
  readonly max_drop?: number;
}

/** Whether a value that came from outside is an `InitData`. */
export function isInitData(value: unknown): value is InitData {
  if (!isRecord(value)) return false;
  const { calibration, validation, max_drop: drop } = value;
  const isSource = (source: unknown) =>
    source === undefined ||
    (isRecord(source) &&
      ['images', 'arrays', 'labels'].every((key) => ['undefined', 'string'].includes(typeof source[key])));

  return isSource(calibration) && isSource(validation) && ['undefined', 'number'].includes(typeof drop);
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** A commented config that fits a model; `modelPath` is written as it is. Says what could not be known. */
export function configFor(model: ModelSummary, modelPath: string, data: InitData): string {
  const image = imageInput(model.inputs);
  const { calibration, validation, max_drop: drop = 0.01 } = data;
  const hasLabels = validation?.labels !== undefined || validation?.classFolders === true;
  const lines = [
    `# Quantization of ${comment(modelPath)}, made by quantsmith init.`,
    `# Inputs:  ${model.inputs.map(signature).join('; ')}`,
    `# Outputs: ${model.outputs.map(signature).join('; ')}`,
    `model: ${scalar(modelPath)}`,
    '',
    'data:',
    '  calibration: # a few hundred typical inputs; no labels needed',
    ...(image === null || calibration?.arrays !== undefined
      ? tensorSource(model, calibration)
      : imageSource(image, calibration)),
    ...validationSection(model, image, validation),
    '',
    'quantization:',
    '  # preset and ranges are left open: they are chosen by measurement on the calibration data',
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
          ...(hasLabels
            ? ['  metric: top1 # top1 | top5 | f1 | map | miou | …', `  max_drop: ${drop}`]
            : [
                '  metric: cosine # similarity with the float outputs; with labels: top1 | top5 | f1 | map | …',
                '  target: 0.99 # at least',
              ]),
        ]),
  ];

  return `${lines.join('\n')}\n`;
}

function imageSource(image: ImageInput, source: InitSource | undefined): string[] {
  const { height, width } = image;
  const size =
    height === null || width === null ? null : height === width ? `${height}` : `[${height}, ${width}]`;

  return [
    source?.images === undefined
      ? '    images: ./images # not known: the folder of your images'
      : `    images: ${scalar(source.images)}`,
    '    preprocess: &preprocess # not known: must be what the model was trained with',
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

function tensorSource(model: ModelSummary, source: InitSource | undefined): string[] {
  if (source?.arrays !== undefined) return [`    arrays: ${scalar(source.arrays)}`];
  const names = model.inputs.map((input) => comment(input.name)).join(', ');
  return [
    model.inputs.length === 1
      ? '    arrays: ./calibration.npy # not known: one array, samples on its first axis'
      : `    arrays: ./calibration.npz # not known: arrays named ${names}`,
  ];
}

function validationSection(
  model: ModelSummary,
  image: ImageInput | null,
  source: InitSource | undefined,
): string[] {
  const lines = [
    '  validation: # what accuracy is measured on',
    ...(image === null || source?.arrays !== undefined ? arrayLines(model, source) : imageLines(source)),
  ];

  return source === undefined ? lines.map((line) => `  # ${line.slice(2)}`) : lines;
}

function arrayLines(model: ModelSummary, source: InitSource | undefined): string[] {
  const arrays = source?.arrays ?? `./validation.${model.inputs.length === 1 ? 'npy' : 'npz'}`;
  const isKnown = source === undefined || source.labels !== undefined;
  const labels = `labels: ${scalar(source?.labels ?? './labels.npy')}`;
  return [`    arrays: ${scalar(arrays)}`, isKnown ? `    ${labels}` : `    # ${labels}`];
}

function imageLines(source: InitSource | undefined): string[] {
  const labels =
    source?.labels !== undefined
      ? `    labels: ${scalar(source.labels)}`
      : source?.classFolders === true
        ? '    # no labels: the subfolders are the classes'
        : '    # labels: ./labels.csv # file,label; without labels the outputs are compared with the float model';

  return [`    images: ${scalar(source?.images ?? './validation')}`, labels, '    preprocess: *preprocess'];
}

const signature = ({ name, type, dims }: TensorSignature) => comment(`${name} ${type} [${dims.join(', ')}]`);

/** Foreign text inside a comment: it must not end the line. */
const comment = (text: string) => text.replaceAll(/[\p{Cc}\p{Zl}\p{Zp}]/gu, ' ');

/** A text as a YAML value on one line. */
const scalar = (text: string) => stringify(text, { lineWidth: 0, blockQuote: false }).trimEnd();
