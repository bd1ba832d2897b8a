import { intAttribute } from '../onnx/node.js';
import { dropAttributes, type Adapter } from './context.js';

export const batchNormalization9: Adapter = (node, context) => {
  if (intAttribute(node, 'spatial', 1) === 0) context.problem(node, 'spatial=0 has no counterpart');
  return dropAttributes('spatial')(node, context);
};

/** The statistics that older versions could return came from training. */
export const batchNormalization14: Adapter = (node, context) => {
  if (node.output.slice(1).some((tensor) => tensor !== '')) {
    context.problem(node, 'it returns statistics, as in training');
  }

  return [{ ...node, output: node.output.slice(0, 1) }];
};

/** GroupNormalization 21 has a scale and bias per channel where 18 had them per group. */
export const groupNormalization21: Adapter = (node, context) => {
  context.problem(node, 'its scale and bias are per group, not per channel');
  return [node];
};
