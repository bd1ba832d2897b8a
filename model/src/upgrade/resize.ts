import { ElementType } from '../onnx/elementTypes.js';
import { makeAttribute, stringAttribute } from '../onnx/node.js';
import { makeTensor } from '../onnx/tensor.js';
import { withInput, type Adapter } from './context.js';

/** Upsample 9 takes its scales as an input. */
export const upsample9: Adapter = (node, context) => {
  const attribute = node.attribute.find((candidate) => candidate.name === 'scales');
  const scales = attribute?.floats ?? [];
  const name = context.fresh(`${node.name}_scales`);
  context.addInitializer(makeTensor(name, [scales.length], ElementType.FLOAT, Float32Array.from(scales)));
  return withInput(node, 1, name, ['scales']);
};

/** Upsample 9 and Resize 10 have the same inputs and meaning. */
export const upsample10: Adapter = (node) => [{ ...node, opType: 'Resize' }];

/**
 * Resize 10 maps coordinates by x / scale (asymmetric). The closest one is the one below when it enlarges and, as the
 * runtime computes it, the one above when it shrinks.
 */
export const resize11: Adapter = (node, context) => {
  const [x = '', scales = ''] = node.input;
  const values = context.floats(scales) ?? [];
  const shrinks = values.some((scale) => scale < 1);
  const mode = stringAttribute(node, 'mode', 'nearest');
  if (shrinks && values.some((scale) => scale > 1) && mode === 'nearest') {
    context.problem(node, 'it enlarges one axis and shrinks another to the nearest value');
  }

  const roi = context.fresh(`${node.name}_roi`);
  context.addInitializer(makeTensor(roi, [0], ElementType.FLOAT, new Float32Array(0)));

  return [
    {
      ...node,
      input: [x, roi, scales],
      attribute: [
        makeAttribute('mode', mode),
        makeAttribute('coordinate_transformation_mode', 'asymmetric'),
        makeAttribute('nearest_mode', shrinks ? 'ceil' : 'floor'),
      ],
    },
  ];
};

/** Resize 13 dropped one coordinate mode. */
export const resize13: Adapter = (node, context) => {
  if (stringAttribute(node, 'coordinate_transformation_mode', '') === 'tf_half_pixel_for_nn') {
    context.problem(node, 'tf_half_pixel_for_nn has been removed');
  }

  return [node];
};
