import { ElementType } from '../onnx/elementTypes.js';
import { floatAttribute, intAttribute, intsAttribute, makeAttribute, makeNode } from '../onnx/node.js';
import { addFloat, addInts, has, withInput, without, type Adapter } from './context.js';
import { makeTensor } from '../onnx/tensor.js';

// Operators whose attributes became inputs.

export const slice10: Adapter = (node, context) => {
  const starts = intsAttribute(node, 'starts') ?? [];
  const ends = intsAttribute(node, 'ends') ?? [];
  const axes = intsAttribute(node, 'axes') ?? starts.map((_, index) => index);
  const inputs = [
    node.input[0] ?? '',
    addInts(node, 'starts', starts, context),
    addInts(node, 'ends', ends, context),
    addInts(node, 'axes', axes, context),
  ];

  return [{ ...node, input: inputs, attribute: without(node, 'starts', 'ends', 'axes') }];
};

export const topK10: Adapter = (node, context) =>
  withInput(node, 1, addInts(node, 'k', [intAttribute(node, 'k', 1)], context), ['k']);

export const clip11: Adapter = (node, context) => {
  const input = [node.input[0] ?? ''];
  const bound = (name: string, fallback: number) =>
    addFloat(node, name, floatAttribute(node, name, fallback), context);

  if (has(node, 'min') || has(node, 'max')) input.push(has(node, 'min') ? bound('min', 0) : '');
  if (has(node, 'max')) input.push(bound('max', 0));
  return [{ ...node, input, attribute: without(node, 'min', 'max', 'consumed_inputs') }];
};

export const pad11: Adapter = (node, context) => {
  const pads = intsAttribute(node, 'pads') ?? intsAttribute(node, 'paddings') ?? [];
  const input = [node.input[0] ?? '', addInts(node, 'pads', pads, context)];
  const value = floatAttribute(node, 'value', 0);
  if (value !== 0) input.push(addFloat(node, 'value', value, context));
  return [{ ...node, input, attribute: without(node, 'pads', 'paddings', 'value') }];
};

/** Before 10 the mask of Dropout had the input's type. */
export const dropout10: Adapter = (node, context) => {
  if (context.isRead(node.output[1] ?? '')) context.problem(node, 'its mask is read');
  return [{ ...node, output: node.output.slice(0, 1) }];
};

/** Dropout at inference copies its input. The runtime fills its mask with false before 12, and with true since. */
export const dropout12: Adapter = (node, context) => {
  const [y = '', mask = ''] = node.output;
  const input = [node.input[0] ?? ''];
  if (has(node, 'ratio')) input.push(addFloat(node, 'ratio', floatAttribute(node, 'ratio', 0.5), context));
  const upgraded = { ...node, input, attribute: without(node, 'ratio', 'is_test') };
  if (!context.isRead(mask)) return [{ ...upgraded, output: [y] }];
  const kept = context.fresh(`${mask}_kept`);
  const inverted = makeNode('Not', [kept], [mask], {}, { name: context.fresh(`${node.name}_Not`) });

  return [{ ...upgraded, output: [y, kept] }, inverted];
};

/** Split 18 has to be told how many equal parts there are. */
export const split18: Adapter = (node) => {
  if ((node.input[1] ?? '') !== '') return [node];
  return [
    {
      ...node,
      attribute: [...without(node, 'num_outputs'), makeAttribute('num_outputs', node.output.length)],
    },
  ];
};

/** DFT 20: the axis; without one it was 1, and is the second last now. */
export const dft20: Adapter = (node, context) => {
  const axis = context.fresh(`${node.name}_axis`);
  context.addInitializer(
    makeTensor(axis, [], ElementType.INT64, BigInt64Array.of(BigInt(intAttribute(node, 'axis', 1)))),
  );
  return withInput(node, 2, axis, ['axis']);
};
