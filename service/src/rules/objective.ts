import type { ConfigPath, QuantizationConfig } from '@quantsmith/schemas';
import type { ConfigDocument } from '../document/document.js';
import { removeKey } from '../document/edit.js';
import { findEntry } from '../document/tree.js';
import { fix, type FixTable } from '../findings/fix.js';
import type { Finding } from '../findings/finding.js';
import { placeOf } from './place.js';
import { defineRule, type RuleInput } from './rule.js';

type Input = RuleInput & { readonly config: QuantizationConfig };

/** `objective-conflict`, `objective-unmeasured`: what an objective asks for, beside what else stands in the config. */
function objectiveFindings({ document, config }: Input): Finding[] {
  const { objective, accuracy_control: control = {}, data } = config;
  if (objective === undefined) return [];
  const twice = (['max_drop', 'target', 'drop_type'] as const)
    .filter((key) => control[key] !== undefined && control[key] !== null)
    .map((key) =>
      conflict(
        document,
        ['accuracy_control', key],
        `${key} is set in accuracy_control too: with an objective, set it only in objective.subject_to.`,
      ),
    );
  const aim = config.quantization?.optimize_for ?? null;
  const opposite = { latency: 'size', size: 'latency' }[objective.minimize];
  const opposed =
    aim === opposite
      ? [
          conflict(
            document,
            ['quantization', 'optimize_for'],
            `optimize_for asks for ${aim} and the objective for ${objective.minimize}: leave optimize_for out, and the search tries its values.`,
          ),
        ]
      : [];

  return [...twice, ...opposed, ...(data.validation === undefined ? [unmeasured(document)] : [])];
}

function conflict(document: ConfigDocument, path: ConfigPath, message: string): Finding {
  const span = findEntry(document.tree, path)?.keySpan ?? placeOf(document, ['objective']);
  return { code: 'objective-conflict', severity: 'error', message, ...span, path, data: {} };
}

const unmeasured = (document: ConfigDocument): Finding => ({
  code: 'objective-unmeasured',
  severity: 'error',
  message: 'An objective needs data.validation, on which the drop is measured.',
  ...placeOf(document, ['objective']),
  path: ['objective'],
  data: {},
});

const fixes: FixTable = {
  'objective-conflict': (document, { path }) => fix(`Remove ${path.join('.')}`, removeKey(document, path)),
};

export const rule = defineRule({
  codes: ['objective-conflict', 'objective-unmeasured'],
  needs: 'config',
  check: objectiveFindings,
  fixes,
  suppressible: false,
  sections: {
    'objective-conflict':
      'Severity: error.\n\nThe config contradicts its `objective`: `accuracy_control` also sets `max_drop`, `target` or `drop_type`, or `optimize_for` asks for the opposite. Keep one of the two.',
    'objective-unmeasured':
      'Severity: error.\n\nAn `objective` needs `data.validation`, on which the drop is measured.',
  },
  examples: [
    {
      code: 'objective-conflict',
      before:
        'model: model.onnx\ndata: {calibration: {images: ./train}, validation: {images: ./val}}\naccuracy_control:\n  metric: top1\n  max_drop: 0.02\nobjective: {minimize: size, subject_to: {max_drop: 0.01}}\n',
      after:
        'model: model.onnx\ndata: {calibration: {images: ./train}, validation: {images: ./val}}\naccuracy_control:\n  metric: top1\nobjective: {minimize: size, subject_to: {max_drop: 0.01}}\n',
    },
    {
      code: 'objective-unmeasured',
      before:
        'model: model.onnx\ndata: {calibration: {images: ./train}}\nobjective: {minimize: size, subject_to: {max_drop: 0.01}}\n',
      after: null,
    },
  ],
});
