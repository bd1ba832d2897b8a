import { findNode } from '../document/tree.js';
import { placeOf } from './place.js';
import { defineRule } from './rule.js';

/** `model-unreadable`: what could not be read of the model, as one finding on its line. */
export const rule = defineRule({
  codes: ['model-unreadable'],
  needs: 'value',
  check({ document, modelProblem: message }) {
    if (message === null) return [];
    const { start, end } = findNode(document.tree, ['model']) ?? placeOf(document, ['model']);
    return [{ code: 'model-unreadable', severity: 'error', message, start, end, path: ['model'] }];
  },
  suppressible: true,
  sections: {
    'model-unreadable':
      'Severity: error.\n\nThe model exists but cannot be read as ONNX; the message says where reading failed.',
  },
  examples: [
    {
      code: 'model-unreadable',
      before: 'model: notes.txt\ndata: {calibration: {images: ./train}}\n',
      after: 'model: model.onnx\ndata: {calibration: {images: ./train}}\n',
    },
  ],
});
