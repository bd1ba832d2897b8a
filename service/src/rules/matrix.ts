import { countCombinations, expandMatrix, MAX_VARIANTS, type QuantizationConfig } from '@quantsmith/schemas';
import type { Finding } from '../findings/finding.js';
import { placeOf } from './place.js';
import { defineRule, type RuleInput } from './rule.js';

/** `matrix-combinations`: a matrix that a sweep cannot run, or that varies nothing. */
function matrixFindings({
  document,
  config,
}: RuleInput & { readonly config: QuantizationConfig }): Finding[] {
  const { matrix } = config;
  if (matrix === undefined) return [];
  const finding = (severity: Finding['severity'], message: string): Finding[] => [
    {
      ...{ code: 'matrix-combinations', severity, message },
      ...placeOf(document, ['matrix']),
      ...{ path: ['matrix'], data: {} },
    },
  ];
  const combinations = countCombinations(matrix);
  if (combinations > MAX_VARIANTS)
    return finding(
      'warning',
      `The matrix has ${combinations.toLocaleString('en')} combinations; \`quantsmith sweep\` takes at most ${MAX_VARIANTS.toLocaleString('en')}.`,
    );
  const count = expandMatrix(config).length;
  if (count === 0)
    return finding(
      'warning',
      'The matrix excludes every combination: `quantsmith sweep` has nothing to run.',
    );

  return count === 1 ? finding('info', 'The matrix has one combination: there is nothing to compare.') : [];
}

export const rule = defineRule({
  codes: ['matrix-combinations'],
  needs: 'config',
  check: matrixFindings,
  suppressible: true,
  sections: {
    'matrix-combinations':
      'Severity: warning, or info.\n\n`quantsmith sweep` runs 1 to 1,000 combinations of a `matrix`: this one has more, none, or just one, which has nothing to be compared with. `quantsmith run` does not look at the matrix.',
  },
  examples: [
    {
      code: 'matrix-combinations',
      before:
        'model: model.onnx\ndata: {calibration: {images: ./train}}\nmatrix: {quantization.preset: [mixed]}\n',
      after: null,
    },
  ],
});
