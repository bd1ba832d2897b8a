import { intAttribute, makeAttribute, makeNode } from '../onnx/node.js';
import { without, type Adapter } from './context.js';

/**
 * Softmax, LogSoftmax and Hardmax before 13 flatten the input to two dimensions at `axis`. Over the last axis that is
 * the new meaning; elsewhere the flattening is written out.
 */
export const softmax13: Adapter = (node, context) => {
  const axis = intAttribute(node, 'axis', 1);
  const [x = ''] = node.input;
  const [y = ''] = node.output;
  const rank = context.rank(x);
  const attribute = [...without(node, 'axis'), makeAttribute('axis', -1)];
  if (axis === -1 || (rank !== undefined && (axis === rank - 1 || axis + rank === rank - 1))) {
    return [{ ...node, attribute }];
  }

  const shape = context.fresh(`${node.name}_shape`);
  const flat = context.fresh(`${node.name}_flat`);
  const result = context.fresh(`${node.name}_flat_result`);

  return [
    makeNode('Shape', [x], [shape], {}, { name: context.fresh(`${node.name}_Shape`) }),
    makeNode('Flatten', [x], [flat], { axis }, { name: context.fresh(`${node.name}_Flatten`) }),
    { ...node, input: [flat], output: [result], attribute },
    makeNode('Reshape', [result, shape], [y], {}, { name: context.fresh(`${node.name}_Reshape`) }),
  ];
};
