import type { ModelSummary } from '@quantsmith/schemas';
import { findNode } from '../document/tree.js';
import type { LabelFacts } from '../facts/facts.js';
import type { Finding } from '../findings/finding.js';
import { placeOf } from './place.js';
import { defineRule, type RuleInput } from './rule.js';

/** Contradictions that are told one by one. */
const MAX_TOLD = 3;
const PATH = ['data', 'validation', 'labels'] as const;
const IMAGES = ['data', 'validation', 'images'] as const;

/** `labels-conflict`, `labels-class`: labels that contradict each other, or classes that the model does not have. */
function labelFindings({ document, facts, model, config }: RuleInput): Finding[] {
  const { labels } = facts.validation;
  if (labels === null) return [];

  const { start, end } =
    findNode(document.tree, PATH) ?? findNode(document.tree, IMAGES) ?? placeOf(document, PATH);
  const finding = (
    code: 'labels-conflict' | 'labels-class',
    severity: 'error' | 'warning',
    message: string,
  ): Finding => ({ code, severity, message, start, end, path: PATH });

  // Two classes of one box may be meant; two classes of one image cannot be measured.
  const severity = labels.about === 'files' ? 'error' : 'warning';
  const classes = model === null ? null : classLimit(model, labels.about, config?.accuracy_control?.metric);

  return [
    ...(labels.conflicts.length === 0 ? [] : [finding('labels-conflict', severity, conflictText(labels))]),
    ...(labels.highest === null || classes === null || labels.highest < classes
      ? []
      : [
          finding(
            'labels-class',
            'error',
            `The labels go up to class ${labels.highest}, but the model has ${classes} classes (0 to ${classes - 1}).`,
          ),
        ]),
  ];
}

function conflictText({ conflicts }: LabelFacts): string {
  const told = conflicts.slice(0, MAX_TOLD).map(({ file, labels, lines }) => {
    const places = lines.length === 0 ? '' : ` (lines ${lines.join(', ')})`;
    return `"${file}" has ${labels.join(' and ')}${places}`;
  });

  const more = conflicts.length - MAX_TOLD;
  return `The labels contradict each other: ${told.join('; ')}${more > 0 ? `; and ${more} more files` : ''}.`;
}

/** How many classes the model has, or has at most; null: it does not tell. */
function classLimit(
  { outputs }: ModelSummary,
  about: LabelFacts['about'],
  metric: string = 'top1',
): number | null {
  const [only, ...others] = outputs;
  if (only === undefined || others.length > 0) return null;
  if (about === 'boxes') return detectorLimit(only.dims);
  const classes = only.dims.length === 2 && /^(top1|top5|f1)$/.test(metric) ? only.dims[1] : null;
  return typeof classes === 'number' && classes > 1 ? classes : null;
}

/**
 * The classes of a detector at most: its only output is [1, candidates, 4 or more + classes] or the other way round, and has
 * more candidates than classes.
 */
function detectorLimit(dims: readonly (number | string)[]): number | null {
  const sizes = dims.slice(1);
  if (sizes.length !== 2 || !sizes.every((size) => typeof size === 'number' && size > 0)) return null;
  const limit = Math.min(...(sizes as number[])) - 4;
  return limit > 1 ? limit : null;
}

const EXAMPLE =
  'model: model.onnx\ndata:\n  calibration: {images: ./train}\n  validation: {images: ./val, labels: ./labels.csv}\n';

export const rule = defineRule({
  codes: ['labels-conflict', 'labels-class'],
  needs: 'data',
  check: labelFindings,
  suppressible: true,
  sections: {
    'labels-conflict':
      'Severity: error.\n\nThe label file gives one file several classes. A run would take the last one without a word.',
    'labels-class':
      "Severity: error.\n\nThe label file has class numbers that the model's output does not have: labels of another model, or counted from 1.",
  },
  examples: [
    { code: 'labels-conflict', before: EXAMPLE, after: null },
    { code: 'labels-class', before: EXAMPLE, after: null },
  ],
});
