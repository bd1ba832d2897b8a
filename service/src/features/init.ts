import { audioDraft, shapesDraft } from '@quantsmith/model/tasks';
import {
  metricFacts,
  metricValue,
  pathOfSource,
  type DraftData,
  type DraftSource,
  type ModelDraft,
  type ModelSummary,
  type TensorSignature,
} from '@quantsmith/schemas';
import { stringify } from 'yaml';

/** Trials that are listed. */
const MAX_LISTED = 6;

/**
 * A commented config that fits a model, with what was found out about it and its data; `modelPath` is written as it is.
 * Says what could not be known. `draft`: left out, what shapes tell.
 */
export function configFor(
  model: ModelSummary,
  modelPath: string,
  data: DraftData,
  draft: ModelDraft = shapesDraft(model),
  maxDrop = 0.01,
): string {
  const lines = [
    `# Quantization of ${comment(modelPath)}, made by quantsmith init.`,
    `# Inputs:  ${model.inputs.map(signature).join('; ')}`,
    `# Outputs: ${model.outputs.map(signature).join('; ')}`,
    `model: ${scalar(modelPath)}`,
    '',
    ...taskSection(draft),
    'data:',
    '  calibration: # a few hundred typical inputs; no labels needed',
    ...indented(4, sourceLines(model, data.calibration, draft)),
    ...indented(4, preprocessLines(data.calibration, draft)),
    ...validationSection(model, data, draft),
    '',
    'quantization:',
    '  preset: null # null: chosen by measurement on the calibration data, as the ranges are',
    '',
    ...controlSection(data, draft, maxDrop),
  ];

  return `${lines.join('\n')}\n`;
}

/** What the model does, with the reasons; nothing where it is not known. */
function taskSection({ task, reasons }: ModelDraft): string[] {
  const why = reasons.map((reason) => `# ${comment(reason)}`);
  const entries = Object.entries(task);
  if (entries.length === 0)
    return [
      ...why,
      '# The shapes do not reveal the task: outputs are compared with those of the float model.',
      '',
    ];

  return [
    ...why,
    'task: # guessed from the shapes; see docs/metrics.md',
    ...entries.map(([key, value]) => `  ${key}: ${flow(value)}`),
    '',
  ];
}

function sourceLines(
  model: ModelSummary,
  source: DraftSource | undefined,
  { preprocess, inputLayout }: ModelDraft,
): string[] {
  const { inputs } = model;
  const { images, arrays, tensors, audio, texts, tokenizer, loader } = source ?? {};
  if (loader !== undefined) return [`loader: ${scalar(loader)}`];
  if (images !== undefined) return [`images: ${scalar(images)}`];
  if (tensors !== undefined) return [`tensors: ${scalar(tensors)}`];
  if (audio !== undefined) return [`audio: ${scalar(audio)}`, ...audioLines(model)];
  if (texts !== undefined) return [`texts: ${scalar(texts)}`, `tokenizer: ${scalar(tokenizer ?? '')}`];
  if (arrays !== undefined) {
    const layout = inputLayout === null ? [] : [`input_layout: ${inputLayout}`];
    return [`arrays: ${scalar(arrays)}`, ...layout];
  }

  if (preprocess !== null) return ['images: ./images # unknown: the folder of your images'];
  if (inputs.length === 1)
    return ['arrays: ./calibration.npy # unknown: one array, samples on its first axis'];
  return [
    `arrays: ./calibration.npz # unknown: arrays named ${inputs.map(({ name }) => comment(name)).join(', ')}`,
  ];
}

/** How audio becomes inputs, with what shapes do not tell. */
function audioLines(model: ModelSummary): string[] {
  const draft = audioDraft(model);
  const entries = Object.entries(draft?.settings ?? {}).filter(([, value]) => Object.keys(value).length > 0);
  return [
    ...entries.map(([key, value]) => `${key}: ${flow(value)}`),
    ...(draft?.remarks ?? []).map((remark) => `# ${comment(remark)}`),
  ];
}

/** How images become inputs, with what each way to do it gave. */
function preprocessLines(
  source: DraftSource | undefined,
  { preprocess, tried, metric, remarks }: ModelDraft,
): string[] {
  // Float arrays are inputs already; of images, and of arrays of bytes, a draft has a preprocessing.
  const isPixels = source === undefined || source.images !== undefined || source.arrays !== undefined;
  const isKnownFloat = preprocess === null || !isPixels;
  if (isKnownFloat) return [];
  const listed = tried.slice(0, MAX_LISTED);
  const [best] = listed;
  const samplesText = (count: number) => (count === 1 ? '1 sample' : `${count} samples`);
  const why =
    best === undefined
      ? [
          'preprocess: &preprocess # unknown: must be what the model was trained with',
          ...remarks.map((remark) => `  # ${comment(remark)}`),
        ]
      : [
          `preprocess: &preprocess # the best of ${tried.length} tried on the float model:`,
          ...listed.map(
            ({ text, value, samples }) =>
              `  #   ${metric} ${metricValue(metric, value)} on ${samplesText(samples)}: ${text}`,
          ),
        ];

  return [...why, ...Object.entries(preprocess).map(([key, value]) => `  ${key}: ${flow(value)}`)];
}

function validationSection(
  model: ModelSummary,
  { validation, calibration }: DraftData,
  draft: ModelDraft,
): string[] {
  const lines = [
    'validation: # what accuracy is measured on',
    ...indented(2, [
      ...sourceLines(
        model,
        validation ?? (draft.preprocess === null ? undefined : { images: './validation' }),
        draft,
      ),
      ...(validation?.loader === undefined
        ? labelLines(validation, draft)
        : ['# labels: the loader gives them']),
      ...(draft.preprocess === null || validation?.loader !== undefined ? [] : ['preprocess: *preprocess']),
    ]),
  ];

  if (validation === undefined) return lines.map((line) => `  # ${line}`);
  const isSame = pathOfSource(validation) === pathOfSource(calibration);
  const same = '# the same samples as for calibration: separate ones would tell more';
  return ['', ...indented(2, isSame ? [same, ...lines] : lines)];
}

function labelLines(
  source: DraftSource | undefined,
  { labels, classes, hasLabels, tried, preprocess, metric, remarks }: ModelDraft,
): string[] {
  const [measured] = tried;
  const float =
    measured === undefined || preprocess !== null
      ? ''
      : ` # float model: ${metric} ${metricValue(metric, measured.value)} on ${measured.samples} samples`;
  const names = classes === null ? [] : [`classes: ${scalar(classes)}`];
  if (labels !== null) return [`labels: ${scalar(labels)}${float}`, ...names];
  if (hasLabels && source?.texts !== undefined)
    return [...names, `# labels: those in the file${float.replace(' #', ';')}`];
  if (hasLabels) return [...names, '# no labels: the subfolders are the classes'];
  if (metric === 'perplexity')
    return [`# no labels: tokens are their own${float.replace(' #', ':').replace(': float', '; float')}`];

  return [
    '# labels: ./labels.csv # without labels the outputs are compared with the float model',
    ...(source === undefined ? [] : remarks.slice(0, 2).map((remark) => `# ${comment(remark)}`)),
  ];
}

function controlSection(
  { validation, metric: module }: DraftData,
  { metric, hasLabels, task }: ModelDraft,
  maxDrop: number,
): string[] {
  if (module !== undefined)
    return [
      'accuracy_control:',
      `  metric: ${scalar(module)}`,
      `  max_drop: ${maxDrop} # in the metric's own unit`,
    ];

  if (validation === undefined)
    return [
      '# With validation data, this restores accuracy if quantization costs too much:',
      '# accuracy_control:',
      `#   metric: ${task?.type === 'detection' ? 'map' : 'top1'}`,
      '#   max_drop: 0.01',
    ];

  if (metric === 'perplexity')
    return [
      'accuracy_control:',
      '  metric: perplexity # lower is better',
      `  max_drop: ${maxDrop}`,
      '  drop_type: relative',
    ];

  if (!hasLabels)
    return [
      'accuracy_control:',
      '  metric: cosine # similarity with the float outputs; with labels: top1 | map | miou | cer | …',
      '  target: 0.99 # at least',
    ];

  const points = metricFacts(metric)?.share === true ? pointsText(maxDrop) : '';
  return ['accuracy_control:', `  metric: ${metric}`, `  max_drop: ${maxDrop}${points}`];
}

function pointsText(drop: number): string {
  const points = Number((100 * drop).toPrecision(6));
  return ` # ${points} ${points === 1 ? 'point' : 'points'}`;
}

const indented = (spaces: number, lines: readonly string[]) =>
  lines.map((line) => `${' '.repeat(spaces)}${line}`);

const signature = ({ name, type, dims }: TensorSignature) => comment(`${name} ${type} [${dims.join(', ')}]`);

/** Foreign text inside a comment: it must not end the line. */
const comment = (text: string) => text.replaceAll(/[\p{Cc}\p{Zl}\p{Zp}]/gu, ' ');

/** A text as a YAML value on one line. */
const scalar = (text: string) => stringify(text, { lineWidth: 0, blockQuote: false }).trimEnd();

/** Any value as YAML on one line. */
function flow(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(flow).join(', ')}]`;
  if (typeof value !== 'object' || value === null)
    return typeof value === 'string' ? scalar(value) : String(value);
  return `{${Object.entries(value)
    .map(([key, value]) => `${key}: ${flow(value)}`)
    .join(', ')}}`;
}
