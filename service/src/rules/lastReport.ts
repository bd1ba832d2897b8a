import { visible } from '@quantsmith/schemas';
import { findingAt } from './runFinding.js';
import { defineRule } from './rule.js';

/** A report of the last run that is damaged or of a later version: what it says is not shown, and that is said. */
export const rule = defineRule({
  codes: ['last-report-unreadable'],
  needs: 'data',
  check({ document, reportProblem = null }) {
    if (reportProblem === null) return [];
    const message = `The report of the last run cannot be read, so its results are not shown. ${visible(reportProblem)}`;
    return [findingAt(document, [['output'], ['model']], 'last-report-unreadable', 'info', message)];
  },
  suppressible: true,
  sections: {
    'last-report-unreadable':
      'Severity: info.\n\nThe file where the last report should be is damaged, is not a report, or was written by a later version of Quantsmith. Reports of earlier versions are read. A new run replaces it if Quantsmith wrote it.',
  },
  examples: [
    {
      code: 'last-report-unreadable',
      before: 'model: model.onnx\ndata: {calibration: {images: ./train}}\n',
      after: null,
    },
  ],
});
