import { type ConfigPath, resolveConfig, type QuantizationConfig } from '@quantsmith/schemas';
import type { ConfigDocument } from '../document/document.js';
import { findEntry } from '../document/tree.js';
import type { Finding } from '../findings/finding.js';
import type { FileFacts } from '../facts/facts.js';
import { defineRule } from './rule.js';

const RANKING = ['accuracy_control', 'advanced_accuracy_restorer_params', 'ranking_subset_size'] as const;
const NO_OUTLIERS = /^(mean|median)_no_outliers$/;
/** With fewer samples than that, leaving out the extreme ones leaves next to nothing. */
const FEW = 8;

/** `sample-count`: a setting asks for more samples than there are, or there are too few for what it does. */
function sampleFindings(document: ConfigDocument, config: QuantizationConfig, facts: FileFacts): Finding[] {
  const { samples: calibration } = facts.calibration;
  const { samples: validation } = facts.validation;
  const { quantization, accuracy_control: control } = resolveConfig(config);
  const size = quantization.subset_size;
  const used = calibration === null ? size : Math.min(size, calibration);
  const ranking = control?.advanced_accuracy_restorer_params.ranking_subset_size ?? null;
  const measured = config.data.validation === undefined ? calibration : validation;
  const where = config.data.validation === undefined ? 'calibration' : 'validation';

  return [
    ...(ranking !== null && measured !== null && ranking > measured
      ? tooMany(document, RANKING, ranking, measured, where)
      : []),
    ...(calibration !== null && size > calibration
      ? tooMany(document, ['quantization', 'subset_size'], size, calibration, 'calibration')
      : []),
    ...(['min', 'max'] as const).flatMap((side) => {
      const path = [
        'quantization',
        'advanced_parameters',
        'activations_range_estimator_params',
        side,
        'aggregator_type',
      ] as const;
      const { aggregator_type: aggregator = '' } =
        quantization.advanced_parameters.activations_range_estimator_params[side];

      if (!NO_OUTLIERS.test(aggregator) || used >= FEW) return [];

      return findingAt(
        document,
        path,
        `${aggregator} leaves out the smallest and the largest sample; of ${used} samples that is too much.`,
        [],
      );
    }),
  ];
}

function tooMany(
  document: ConfigDocument,
  path: ConfigPath,
  asked: number,
  expected: number,
  section: string,
): Finding[] {
  const message = `${String(path.at(-1))} is ${asked}, but data.${section} has ${expected} ${expected === 1 ? 'sample' : 'samples'}: all of them are used.`;
  return findingAt(document, path, message, [String(expected)]);
}

/** Only where it is written: a default asks for nothing. */
function findingAt(
  document: ConfigDocument,
  path: ConfigPath,
  message: string,
  suggestions: readonly string[],
): Finding[] {
  const value = findEntry(document.tree, path)?.value;
  if (value === undefined || value === null) return [];
  const { start, end } = value;
  return [{ code: 'sample-count', severity: 'warning', message, start, end, path, data: { suggestions } }];
}

export const rule = defineRule({
  codes: ['sample-count'],
  needs: 'config',
  check: ({ document, config, facts }) => sampleFindings(document, config, facts),
  suppressible: true,
  sections: {
    'sample-count':
      'Severity: warning.\n\nA setting asks for more samples than the data section has (all of them are used), or drops the extremes of so few samples that hardly any are left. Samples of loaders and `.npz` files are not counted.',
  },
  examples: [
    {
      code: 'sample-count',
      before: 'model: model.onnx\ndata: {calibration: {images: ./train}}\nquantization: {subset_size: 500}\n',
      after: 'model: model.onnx\ndata: {calibration: {images: ./train}}\nquantization: {subset_size: 300}\n',
    },
  ],
});
