import { REFUSAL_CODES } from '@quantsmith/model/refusals';
import { findNode } from '../document/tree.js';
import type { Code } from '../findings/finding.js';
import { placeOf } from './place.js';
import { defineRule } from './rule.js';

/** What a run will refuse the model for, and what it will leave in float, from the model's structure alone. */
export const rule = defineRule({
  codes: [...REFUSAL_CODES, 'bodies-in-float'],
  needs: 'model',
  check({ document, index }) {
    const { start, end } = findNode(document.tree, ['model']) ?? placeOf(document, ['model']);
    return index.refusals().map(({ code, severity, message }) => ({
      ...{ code: code as Code, severity, message, start, end, path: ['model'] },
    }));
  },
  suppressible: false,
  sections: {
    'already-quantized':
      'Severity: error.\n\nThe model has QuantizeLinear, DequantizeLinear or integer operators. Quantize the float model that it was made from.',
    'nothing-to-quantize':
      'Severity: error.\n\nThe model has no linear operator (Conv, ConvTranspose, Gemm, MatMul) and no embedding that could be quantized; those in bodies of If, Loop and Scan stay in float. A run also ends so where the ignored scope leaves none.',
    'opset-unsupported':
      'Severity: error.\n\nThe model uses an operator set that is too old (below 7) or newer than the runtime. Export it with a supported operator set.',
    'runtime-unknown-operator':
      'Severity: error.\n\nThe model has an operator of a domain that ONNX Runtime does not bring along. Models with custom operators cannot run here, and so cannot be calibrated.',
    'bodies-in-float':
      'Severity: info.\n\nSome linear operators stand in bodies of If, Loop or Scan, which stay in float. Export the model without control flow to quantize them.',
  },
  examples: [
    {
      code: 'already-quantized',
      before: 'model: model.int8.onnx\ndata: {calibration: {images: ./train}}\n',
      after: 'model: model.onnx\ndata: {calibration: {images: ./train}}\n',
    },
    {
      code: 'nothing-to-quantize',
      before: 'model: resize_only.onnx\ndata: {calibration: {images: ./train}}\n',
      after: null,
    },
    {
      code: 'opset-unsupported',
      before: 'model: opset5.onnx\ndata: {calibration: {images: ./train}}\n',
      after: null,
    },
    {
      code: 'runtime-unknown-operator',
      before: 'model: with_tokenizer.onnx\ndata: {calibration: {images: ./train}}\n',
      after: null,
    },
    {
      code: 'bodies-in-float',
      before: 'model: with_branches.onnx\ndata: {calibration: {images: ./train}}\n',
      after: null,
    },
  ],
});
