import { decodersFor, guessTask, imageInput } from '@quantsmith/model/tasks';
import type { ModelSummary, QuantizationConfig } from '@quantsmith/schemas';
import type { ConfigDocument } from '../document/document.js';
import { findNode } from '../document/tree.js';
import type { Finding } from '../findings/finding.js';
import { placeOf } from './place.js';
import { defineRule } from './rule.js';

/** `task-unfit`: a task that the model's outputs cannot have. */
function taskFindings(
  document: ConfigDocument,
  task: QuantizationConfig['task'],
  model: ModelSummary,
): Finding[] {
  const report = (key: 'type' | 'decode' | 'output', message: string): Finding[] => {
    const path = ['task', key] as const;
    const { start, end } = findNode(document.tree, path) ?? placeOf(document, path);
    return [{ code: 'task-unfit', severity: 'error', message, start, end, path }];
  };

  const { type, decode, output } = task ?? {};
  const { outputs } = model;
  const shapes = outputs.map(({ name, dims }) => `${name} [${dims.join(', ')}]`).join('; ');
  const names = outputs.map(({ name }) => name);
  if (typeof output === 'string' && !names.includes(output))
    return report('output', `The model has no output "${output}"; it has ${names.slice(0, 8).join(', ')}.`);
  // Where the config names an output, that one is decoded.
  const read = outputs.filter(({ name }) => output === undefined || output === null || name === output);
  const isRanked = read.length > 0 && read.every(({ dims }) => dims.length > 0);
  if (!isRanked) return [];
  const image = imageInput(model.inputs);
  if (typeof decode === 'string') {
    if (!read.every(({ dims }) => isKnown(dims))) return [];
    const size = image?.height === null || image?.width === null ? null : image;
    const input = size === null ? null : { height: size.height!, width: size.width! };
    const fitting = decodersFor(
      read.map(({ dims }) => dims),
      input,
    );
    if (fitting.includes(decode)) return [];
    const others = fitting.length === 0 ? 'no decoder' : fitting.join(' or ');
    return report(
      'decode',
      `The outputs do not fit a ${decode} head: ${shapes}. Their shapes fit ${others}.`,
    );
  }

  const ranks = type === null || type === undefined ? undefined : RANKS[type];
  if (ranks === undefined || read.some(({ dims }) => dims.length >= ranks.least)) return [];
  const guess = guessTask(model).type;
  const hint = guess === null ? '' : ` They look like ${guess}.`;

  return report('type', `A ${type} model gives ${ranks.what}, and this one ${shapes}.${hint}`);
}

/** Only the number of samples may be free; of six columns it may be the number of detections. */
function isKnown([first = 0, ...others]: readonly (number | string)[]): boolean {
  const isFixed = (dim: number | string) => typeof dim === 'number' && dim > 0;
  const isList = others.length === 1 && others[0] === 6;
  return others.every(isFixed) && (isFixed(first) || !isList);
}

/** The fewest dimensions of an output by the task, and what that is. */
const RANKS: Partial<
  Record<
    NonNullable<NonNullable<QuantizationConfig['task']>['type']>,
    { readonly least: number; readonly what: string }
  >
> = {
  detection: { least: 2, what: 'rows of boxes' },
  segmentation: { least: 3, what: 'a class, or scores, for each pixel' },
  ctc: { least: 2, what: 'scores for each step' },
  language_model: { least: 3, what: 'logits for each token' },
};

export const rule = defineRule({
  codes: ['task-unfit'],
  needs: 'model',
  check: ({ document, config, model }) =>
    config?.task === undefined ? [] : taskFindings(document, config.task, model),
  suppressible: true,
  sections: {
    'task-unfit':
      'Severity: error.\n\nThe task names an output that the model does not have, or a decoder or a type that the shapes of the outputs exclude. A run would end at the first sample.',
  },
  examples: [
    {
      code: 'task-unfit',
      before:
        'model: detector.onnx\ndata: {calibration: {images: ./train}}\ntask: {type: detection, decode: yolov8}\n',
      after:
        'model: detector.onnx\ndata: {calibration: {images: ./train}}\ntask: {type: detection, decode: yolox}\n',
    },
  ],
});
