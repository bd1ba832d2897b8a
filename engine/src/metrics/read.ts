import { fail, type LabelKind } from '@quantsmith/schemas';
import type { HostTensor } from '@quantsmith/model/arrays';
import {
  isBoxes,
  isLabelArray,
  unfitLabel,
  type Label,
  type LabelArray,
  type TruthBox,
} from '../data/labels/label.js';
import type { Outputs, SampleContext } from './metric.js';

/** The output that the metric reads: the one that the task names, else the first. */
export function mainOutput(outputs: Outputs, { task }: Pick<SampleContext, 'task'>): HostTensor {
  const name = task.output ?? Object.keys(outputs)[0] ?? '';
  const tensor = outputs[name];
  if (tensor !== undefined) return tensor;

  return fail(
    'output-unknown',
    `The model has no output "${name}"; it has ${Object.keys(outputs).join(', ')}.`,
    { configPath: ['task', 'output'], data: { name } },
  );
}

/** The scores of the classes, of a classifier. */
export function classScores(outputs: Outputs, context: SampleContext): ArrayLike<number> {
  return mainOutput(outputs, context).data as ArrayLike<number>;
}

/** The first of the largest values among `count` that lie `step` apart. */
export function largestIndex(values: ArrayLike<number>, start: number, count: number, step = 1): number {
  let best = 0;
  for (let i = 1; i < count; i++) if (values[start + i * step]! > values[start + best * step]!) best = i;
  return best;
}

const LABELS = ['data', 'validation', 'labels'] as const;

function missing(context: SampleContext): never {
  return fail('label-missing', `Sample "${context.name}" has no label.`, {
    configPath: ['data', 'validation'],
  });
}

function unfit(label: Label, kind: LabelKind, context: SampleContext): never {
  if (label === null) return missing(context);
  return fail('label-kind', unfitLabel(kind, context.name), {
    configPath: LABELS,
    data: { sample: context.name },
  });
}

/** A class that the model has; throws `label-out-of-range` for others. */
export function classLabel(label: Label, classes: number, context: SampleContext): number {
  if (typeof label !== 'number') return unfit(label, 'class', context);
  if (label < classes) return label;
  return fail(
    'label-out-of-range',
    `Sample "${context.name}" has the label ${label}, but the model has only ${classes} classes.`,
    { configPath: LABELS, data: { sample: context.name, label, classes } },
  );
}

export function scoreLabel(label: Label, context: SampleContext): number {
  return typeof label === 'number' ? label : unfit(label, 'score', context);
}

export function textLabel(label: Label, context: SampleContext): string {
  if (typeof label === 'string') return label;
  return typeof label === 'number' ? String(label) : unfit(label, 'text', context);
}

export function boxesLabel(label: Label, context: SampleContext): readonly TruthBox[] {
  return isBoxes(label) ? label : unfit(label, 'boxes', context);
}

export function arrayLabel(label: Label, kind: 'mask' | 'tokens', context: SampleContext): LabelArray {
  return isLabelArray(label) ? label : unfit(label, kind, context);
}
