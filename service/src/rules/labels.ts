import {
  defaultMetric,
  metricFacts,
  type ConfigPath,
  type ModelSummary,
  type QuantizationConfig,
  smallest,
} from '@quantsmith/schemas';
import { findNode } from '../document/tree.js';
import type { LabelFacts, SectionFacts } from '../facts/facts.js';
import type { Finding } from '../findings/finding.js';
import { placeOf } from './place.js';
import { defineRule, type RuleInput } from './rule.js';

/** Contradictions that are told one by one. */
const MAX_TOLD = 3;
const LABELS = ['data', 'validation', 'labels'] as const;
const IMAGES = ['data', 'validation', 'images'] as const;
const CLASSES = ['data', 'validation', 'classes'] as const;

type LabelCode = 'labels-conflict' | 'labels-class' | 'labels-unfit';

/**
 * `labels-conflict`: a label file contradicts itself; `labels-unfit`: it is of other samples, or not what the metric needs;
 * `labels-class`: it has classes that the model does not have.
 */
function labelFindings({ document, facts, model, config }: RuleInput): Finding[] {
  const { labels, verdict } = facts.validation;
  const isNamed = typeof config?.data.validation?.labels === 'string';
  const path = isNamed || config === null ? LABELS : IMAGES;
  const problem =
    verdict?.problem ??
    labels?.problem ??
    (config === null
      ? null
      : (countProblem(facts.validation, config) ?? tokenProblem(facts.validation, config)));
  const classes = model === null || config === null ? null : classCount(model, config);
  const unknown =
    labels?.about === 'boxes'
      ? boxClassProblem(labels, model)
      : classes === null
        ? null
        : classProblem(facts.validation, classes, isNamed);
  // The labels of other samples say nothing of the model's classes.
  const cause = problem === null ? (listProblem(facts.validation, classes) ? CLASSES : null) : verdict?.place;
  const isList = cause?.join('.') === CLASSES.join('.') && findNode(document.tree, CLASSES) !== null;

  const finding = (
    code: LabelCode,
    message: string,
    severity: Finding['severity'] = 'error',
    place: ConfigPath = path,
  ): Finding[] => {
    const { start, end } = findNode(document.tree, place) ?? placeOf(document, place);
    return [{ code, severity, message, start, end, path: place }];
  };

  const named = isList ? CLASSES : path;

  return [
    ...(labels === null || labels.conflicts.length === 0
      ? []
      : // Two classes of one box may be meant; two classes of one image cannot be measured.
        finding('labels-conflict', conflictText(labels), labels.about === 'files' ? 'error' : 'warning')),
    ...(problem === null ? [] : finding('labels-unfit', problem, 'error', named)),
    ...(unknown === null || problem !== null ? [] : finding('labels-class', unknown, 'error', named)),
  ];
}

/** An array of labels has one for each sample that is there, whatever `limit` says. */
function countProblem({ labels, total }: SectionFacts, { data }: QuantizationConfig): string | null {
  const written = data.validation?.labels ?? '';
  if (labels === null || total === null || !/\.npy$/i.test(written) || labels.count === total) return null;
  return `"${written}" holds ${labels.count} ${labels.count === 1 ? 'label' : 'labels'} for ${total} ${total === 1 ? 'sample' : 'samples'}.`;
}

/** One label for each token at most, by the headers of both arrays. */
function tokenProblem({ labels, array }: SectionFacts, config: QuantizationConfig): string | null {
  const row = labels?.row;
  if (row === undefined || array === null || metricFacts(metricOf(config))?.labels !== 'tokens') return null;
  const count = (dims: readonly number[]) => dims.reduce((product, dim) => product * dim, 1);
  const [given, tokens] = [count(row), count(array.shape.slice(1))];
  return given <= tokens
    ? null
    : `"${config.data.validation?.labels}" holds ${given} labels for the ${tokens} tokens of a sample.`;
}

/** Whether the list of classes is as long as the model has classes. */
const listProblem = ({ verdict }: SectionFacts, classes: number | null) =>
  classes !== null && (verdict?.classes ?? classes) !== Math.max(2, classes);

const metricOf = ({ accuracy_control: control, task }: QuantizationConfig) =>
  control?.metric ?? defaultMetric(task?.type ?? null);

function classProblem({ labels, verdict }: SectionFacts, classes: number, isNamed: boolean): string | null {
  const highest = labels?.highest ?? null;
  // One output says yes or no.
  const least = Math.max(2, classes);
  const counted = verdict?.classes ?? null;
  // Of folders that are no numbers themselves it is their count that is wrong.
  const isCount = !isNamed && counted !== null && counted !== least;
  if (highest !== null && highest >= least && !isCount)
    return `The labels go up to class ${highest}, but the model has ${least} classes (0 to ${least - 1}).`;

  if (counted === null || counted === least) return null;
  const what = isNamed ? 'The list of classes has' : 'The images lie in';
  const unit = isNamed ? 'names' : 'class folders';

  return `${what} ${counted} ${unit}, but the model has ${least} classes. List the model's classes, in its order, in a file and name it as data.validation.classes.`;
}

/** Classes of boxes that a detector does not have. */
function boxClassProblem({ highest }: LabelFacts, model: ModelSummary | null): string | null {
  const [only, ...others] = model?.outputs ?? [];
  const limit = only === undefined || others.length > 0 ? null : detectorLimit(only.dims);
  if (highest === null || limit === null || highest < limit) return null;
  return `The labels go up to class ${highest}, but the model has ${limit} classes (0 to ${limit - 1}).`;
}

function conflictText({ conflicts }: LabelFacts): string {
  const shown = conflicts.slice(0, MAX_TOLD).map(({ file, labels, lines }) => {
    const places = lines.length === 0 ? '' : ` (lines ${lines.join(', ')})`;
    return `"${file}" has ${labels.join(' and ')}${places}`;
  });

  const more = conflicts.length - MAX_TOLD;
  return `The labels contradict each other: ${shown.join('; ')}${more > 0 ? `; and ${more} more files` : ''}.`;
}

/** The classes of a classifier that class labels are compared with; null: not known, or the metric needs other labels. */
function classCount({ outputs }: ModelSummary, config: QuantizationConfig): number | null {
  const kind = metricFacts(metricOf(config))?.labels;
  if (kind !== 'class' && kind !== 'mask') return null;
  const name = config.task?.output ?? null;
  const output = name === null ? outputs[0] : outputs.find((output) => output.name === name);
  const dims = output?.dims ?? [];
  const classes =
    kind === 'mask' ? maskClasses(dims, config.task?.classes ?? null) : dims.length === 2 ? dims[1] : null;

  return typeof classes === 'number' && classes > 0 ? classes : null;
}

/** The classes of scores [1, classes, height, width]; null: the axis is not known, or the graph itself chose the classes. */
function maskClasses(dims: readonly (number | string)[], stated: number | null): number | string | null {
  const [, channels] = dims;
  if (dims.length !== 4 || typeof channels !== 'number' || channels < 2) return null;
  const [, , height, width] = dims;
  const isInFront =
    typeof height === 'number' && typeof width === 'number' && channels < Math.min(height, width);
  return stated ?? (isInFront ? channels : null);
}

/**
 * The classes of a detector at most: its only output is [1, candidates, 4 or more + classes] or the other way round, and has
 * more candidates than classes.
 */
function detectorLimit(dims: readonly (number | string)[]): number | null {
  const sizes = dims.slice(1);
  if (sizes.length !== 2 || !sizes.every((size) => typeof size === 'number' && size > 0)) return null;
  const limit = smallest(sizes as number[]) - 4;
  return limit > 1 ? limit : null;
}

const EXAMPLE =
  'model: model.onnx\ndata:\n  calibration: {images: ./train}\n  validation: {images: ./val, labels: ./labels.csv}\n';

export const rule = defineRule({
  codes: ['labels-conflict', 'labels-class', 'labels-unfit'],
  needs: 'data',
  check: labelFindings,
  suppressible: true,
  sections: {
    'labels-conflict':
      'Severity: error.\n\nThe label file gives one file several classes. A run would silently use the last one.',
    'labels-class':
      "Severity: error.\n\nThe labels have classes that the model's output does not have, or another number of them: labels of another model, or counted from 1.",
    'labels-unfit':
      'Severity: error.\n\nThe labels belong to other samples, are too few or too many, or are not of the kind that the metric needs. The check reads labels as a run does; files above 8 MiB are left to the run.',
  },
  examples: [
    { code: 'labels-conflict', before: EXAMPLE, after: null },
    { code: 'labels-class', before: EXAMPLE, after: null },
    { code: 'labels-unfit', before: EXAMPLE, after: null },
  ],
});
