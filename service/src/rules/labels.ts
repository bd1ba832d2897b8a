import type { ModelSummary } from '@quantsmith/schemas';
import { findNode } from '../document/tree.js';
import type { LabelFacts } from '../facts/facts.js';
import type { Finding } from '../findings/finding.js';
import { placeOf } from './place.js';
import { defineRule, type RuleInput } from './rule.js';

/** Contradictions that are told one by one. */
const MAX_TOLD = 3;
const PATH = ['data', 'validation', 'labels'];

/** `labels-conflict`, `labels-class`: a label file that contradicts itself, or has classes that the model does not have. */
function labelFindings({ document, facts, model, config }: RuleInput): Finding[] {
  const { labels } = facts.validation;
  if (labels === null) return [];

  const { start, end } = findNode(document.tree, PATH) ?? placeOf(document, PATH);
  const finding = (code: 'labels-conflict' | 'labels-class', message: string): Finding => ({
    ...{ code, severity: 'error', message, start, end, path: PATH },
  });

  const metric = config?.accuracy_control?.metric ?? 'top1';
  const classes = model === null || !/^(top1|top5|f1)$/.test(metric) ? null : classCount(model);

  return [
    ...(labels.conflicts.length === 0 ? [] : [finding('labels-conflict', conflictText(labels))]),
    ...(labels.highest === null || classes === null || labels.highest < classes
      ? []
      : [
          finding(
            'labels-class',
            `The labels go up to class ${labels.highest}, but the model has ${classes} classes (0 to ${classes - 1}).`,
          ),
        ]),
  ];
}

function conflictText({ conflicts }: LabelFacts): string {
  const told = conflicts
    .slice(0, MAX_TOLD)
    .map(({ file, labels, lines }) => `"${file}" has ${labels.join(' and ')} (lines ${lines.join(', ')})`);

  const more = conflicts.length - MAX_TOLD;
  return `The labels contradict each other: ${told.join('; ')}${more > 0 ? `; and ${more} more files` : ''}.`;
}

/** The classes of a classifier: the last dimension of its only output, [samples, classes]. */
function classCount({ outputs }: ModelSummary): number | null {
  const [only, ...others] = outputs;
  const classes = only?.dims.length === 2 && others.length === 0 ? only.dims[1] : null;
  return typeof classes === 'number' && classes > 1 ? classes : null;
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
