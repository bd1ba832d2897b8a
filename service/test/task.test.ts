import type { ModelSummary } from '@quantsmith/schemas';
import { expect, it } from 'vitest';
import { config } from '../../test/kit/configs.js';
import { summary } from '../../test/kit/summary.js';
import { findAll } from '../src/rules/all.js';

const nodes: ModelSummary['nodes'] = summary({ nodes: [{ name: 'c', op: 'Conv' }] }).nodes;
const modelOf = (...outputs: readonly (readonly (number | string)[])[]) =>
  summary({
    nodes,
    inputs: [{ name: 'x', type: 'float32', dims: [1, 3, 416, 416] }],
    outputs: outputs.map((dims, index) => ({ name: `o${index}`, type: 'float32', dims })),
  });

const HEAD = 'model: m.onnx\ndata: {calibration: {images: ./a}, validation: {images: ./b}}\n';

function codes(model: ModelSummary, rest: string): string[] {
  const { findings } = findAll(config(`${HEAD}${rest}`), { model, baseDir: '/x' });
  return findings.filter(({ code }) => code === 'task-unfit').map(({ message }) => message);
}

it('a task is held against the outputs', () => {
  const yolo = modelOf([1, 3549, 85]);
  expect(codes(yolo, 'task: {type: detection, decode: yolox}\n')).toEqual([]);
  expect(codes(yolo, 'task: {type: detection, decode: yolov5}\n')).toEqual([]);
  expect(codes(yolo, 'task: {decode: detr}\n')).toEqual([
    'The outputs do not fit a detr head: o0 [1, 3549, 85]. Their shapes fit yolox or yolov5.',
  ]);
  expect(codes(yolo, 'task: {output: boxes}\n')).toEqual(['The model has no output "boxes"; it has o0.']);
  expect(codes(modelOf([1, 1000]), 'task: {type: segmentation}\n')).toEqual([
    'A segmentation model gives a class, or scores, for each pixel, and this one o0 [1, 1000]. They look like classification.',
  ]);
  // How many samples there are at once says nothing of what one gives.
  expect(codes(modelOf(['n', 10]), 'task: {type: detection, decode: yolox}\n')).toEqual([
    'The outputs do not fit a yolox head: o0 [n, 10]. Their shapes fit no decoder.',
  ]);
  expect(codes(modelOf(['n', 10]), 'task: {type: segmentation}\n')).toHaveLength(1);
  // A list of detections is as long as there are some.
  expect(codes(modelOf(['n', 6]), 'task: {decode: nms_free}\n')).toEqual([]);
  // Other free dimensions may be anything.
  expect(codes(modelOf(['n', 'k', 85]), 'task: {decode: detr}\n')).toEqual([]);
});
