import { REFUSAL_CODES } from '@quantsmith/model/refusals';
import { findNode } from '../document/tree.js';
import type { Code } from '../findings/finding.js';
import { placeOf } from './place.js';
import { defineRule } from './rule.js';

/** What a run will refuse the model for, and what it will do inside bodies, from the model's structure alone. */
export const rule = defineRule({
  codes: [...REFUSAL_CODES, 'operators-in-bodies'],
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
    'model-cyclic': 'Severity: error.\n\nThe graph has a cycle, which ONNX forbids. Export the model again.',
    'model-tensor-missing':
      'Severity: error.\n\nA node reads a tensor, or the model gives one out, that is no input, no constant and no output of a node: the file was cut apart or edited. Export the model again.',
    'model-tensor-twice':
      'Severity: error.\n\nTwo nodes write the same tensor, or a node writes an input or a weight, which ONNX forbids. Export the model again.',
    'nothing-to-quantize':
      'Severity: error.\n\nThe model has no linear operator (Conv, ConvTranspose, Gemm, MatMul) and no embedding that could be quantized, nor are there any in bodies of If, Loop and Scan. A run ends with the same error if the ignored scope leaves none.',
    'opset-unsupported':
      'Severity: error.\n\nThe model uses an operator set that is too old (below 7) or newer than the runtime. Export it with a supported operator set.',
    'runtime-unknown-operator':
      'Severity: error.\n\nThe model has an operator that ONNX Runtime does not include: of another domain, one that ONNX does not have, or one that is newer than the operator set that the model states. Models with custom operators cannot run here, and so cannot be calibrated; for a newer operator set, export the model again.',
    'operators-in-bodies':
      'Severity: info.\n\nSome linear operators are in bodies of If, Loop or Scan. They are quantized there: calibration observes the inputs of each body, in every branch and over all iterations of a loop. A body that no calibration sample runs stays in float, and a run then warns with `bodies-in-float`; samples that take the branch help. A node of `ignored_scope.names` that has bodies keeps them in float. The samples of the self-check show how rounding accumulates over the iterations of a loop.',
  },
  examples: [
    {
      code: 'already-quantized',
      before: 'model: model.int8.onnx\ndata: {calibration: {images: ./train}}\n',
      after: 'model: model.onnx\ndata: {calibration: {images: ./train}}\n',
    },
    ...(['model-cyclic', 'model-tensor-missing', 'model-tensor-twice'] as const).map((code) => ({
      ...{ code, before: 'model: broken.onnx\ndata: {calibration: {images: ./train}}\n', after: null },
    })),
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
      code: 'operators-in-bodies',
      before: 'model: with_branches.onnx\ndata: {calibration: {images: ./train}}\n',
      after: null,
    },
  ],
});
