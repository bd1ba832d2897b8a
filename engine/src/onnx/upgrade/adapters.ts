import {
  makeAttribute,
  makeNode,
  floatAttribute,
  intAttribute,
  intsAttribute,
  stringAttribute,
} from '../node.js';
import type { NodeProto, TensorProto } from '../onnx_pb.js';
import { makeInts, makeTensor } from '../tensor.js';

/** What an adapter may use: unique names, new initializers, and the rank of a tensor where it is known. */
export interface UpgradeContext {
  readonly fresh: (base: string) => string;
  readonly addInitializer: (tensor: TensorProto) => void;
  readonly rank: (tensor: string) => number | undefined;
  readonly problem: (node: NodeProto, reason: string) => void;
}

/** Replaces a node that was valid in version `to` − 1 by nodes with equal outputs in version `to`. */
export type Adapter = (node: NodeProto, context: UpgradeContext) => NodeProto[];

const without = (node: NodeProto, ...names: string[]) =>
  node.attribute.filter((attribute) => !names.includes(attribute.name));

/** An int64 vector initializer; returns its name. */
function ints(node: NodeProto, what: string, values: readonly number[], context: UpgradeContext): string {
  const name = context.fresh(`${node.name}_${what}`);
  context.addInitializer(makeInts(name, values));
  return name;
}

function float(node: NodeProto, what: string, value: number, context: UpgradeContext): string {
  const name = context.fresh(`${node.name}_${what}`);
  context.addInitializer(makeTensor(name, [], 1, Float32Array.of(value)));
  return name;
}

/** Sets input `index`, filling skipped optional inputs with ''. */
function withInput(node: NodeProto, index: number, tensor: string, dropped: string[]): NodeProto[] {
  const input = [...node.input];
  while (input.length <= index) input.push('');
  input[index] = tensor;
  return [{ ...node, input, attribute: without(node, ...dropped) }];
}

const dropAttributes =
  (...names: string[]): Adapter =>
  (node) => [{ ...node, attribute: without(node, ...names) }];

/** An attribute with a vector of integers that became an input. */
const intsToInput =
  (attribute: string, index: number): Adapter =>
  (node, context) => {
    const values = intsAttribute(node, attribute);
    if (values === undefined) return [node];
    return withInput(node, index, ints(node, attribute, values, context), [attribute]);
  };

const batchNormalization9: Adapter = (node, context) => {
  if (intAttribute(node, 'spatial', 1) === 0) context.problem(node, 'spatial=0 has no counterpart');
  return dropAttributes('spatial')(node, context);
};

/** Upsample: nearest or linear with asymmetric coordinates, as Resize 10 still computes it. */
const upsample9: Adapter = (node, context) => {
  const attribute = node.attribute.find((found) => found.name === 'scales');
  const scales = attribute?.floats ?? [];
  const name = context.fresh(`${node.name}_scales`);
  context.addInitializer(makeTensor(name, [scales.length], 1, Float32Array.from(scales)));
  return withInput(node, 1, name, ['scales']);
};

const upsample10: Adapter = (node) => [{ ...node, opType: 'Resize' }];

const resize11: Adapter = (node, context) => {
  const [x = '', scales = ''] = node.input;
  const roi = context.fresh(`${node.name}_roi`);
  context.addInitializer(makeTensor(roi, [0], 1, new Float32Array(0)));
  return [
    {
      ...node,
      input: [x, roi, scales],
      attribute: [
        makeAttribute('mode', stringAttribute(node, 'mode', 'nearest')),
        makeAttribute('coordinate_transformation_mode', 'asymmetric'),
        makeAttribute('nearest_mode', 'floor'),
      ],
    },
  ];
};

const slice10: Adapter = (node, context) => {
  const starts = intsAttribute(node, 'starts') ?? [];
  const ends = intsAttribute(node, 'ends') ?? [];
  const axes = intsAttribute(node, 'axes') ?? starts.map((_, index) => index);
  const inputs = [
    node.input[0] ?? '',
    ints(node, 'starts', starts, context),
    ints(node, 'ends', ends, context),
    ints(node, 'axes', axes, context),
  ];
  return [{ ...node, input: inputs, attribute: without(node, 'starts', 'ends', 'axes') }];
};

const topK10: Adapter = (node, context) =>
  withInput(node, 1, ints(node, 'k', [intAttribute(node, 'k', 1)], context), ['k']);

const clip11: Adapter = (node, context) => {
  const input = [node.input[0] ?? ''];
  const has = (name: string) => node.attribute.some((attribute) => attribute.name === name);
  const bound = (name: string, fallback: number) =>
    float(node, name, floatAttribute(node, name, fallback), context);
  if (has('min') || has('max')) input.push(has('min') ? bound('min', 0) : '');
  if (has('max')) input.push(bound('max', 0));
  return [{ ...node, input, attribute: without(node, 'min', 'max', 'consumed_inputs') }];
};

const pad11: Adapter = (node, context) => {
  const pads = intsAttribute(node, 'pads') ?? intsAttribute(node, 'paddings') ?? [];
  const input = [node.input[0] ?? '', ints(node, 'pads', pads, context)];
  const value = floatAttribute(node, 'value', 0);
  if (value !== 0) input.push(float(node, 'value', value, context));
  return [{ ...node, input, attribute: without(node, 'pads', 'paddings', 'value') }];
};

/** Dropout at inference copies its input; its mask output (bool) is all true. */
const dropout12: Adapter = (node, context) => {
  const ratio = node.attribute.some((attribute) => attribute.name === 'ratio')
    ? float(node, 'ratio', floatAttribute(node, 'ratio', 0.5), context)
    : undefined;
  const input = [node.input[0] ?? '', ...(ratio === undefined ? [] : [ratio])];
  return [{ ...node, input, attribute: without(node, 'ratio', 'is_test') }];
};

const reduceSum13 = intsToInput('axes', 1);

/**
 * Softmax, LogSoftmax and Hardmax before 13 flatten the input to two dimensions at `axis`. Over the last axis that is
 * the new meaning; elsewhere the flattening is written out.
 */
const softmax13: Adapter = (node, context) => {
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

const scatter11: Adapter = (node) => [{ ...node, opType: 'ScatterElements' }];

/** Scan 8 has a batch axis and optional sequence lengths, which later versions do not. */
const scan9: Adapter = (node, context) => {
  context.problem(node, 'Scan before operator set 9 has a batch axis that later versions do not have');
  return [node];
};

/** Broadcasting by attribute (operator set 6) is gone since 7; the attributes that survive in files do nothing. */
const broadcast7 = dropAttributes('broadcast', 'axis');

/** Adapters by the operator-set version that brought the change, then by operator. */
export const ADAPTERS: Readonly<Record<number, Readonly<Record<string, Adapter>>>> = {
  7: { Add: broadcast7, Sub: broadcast7, Mul: broadcast7, Div: broadcast7, Pow: broadcast7 },
  9: { BatchNormalization: batchNormalization9, Upsample: upsample9, Scan: scan9 },
  10: { Slice: slice10, TopK: topK10, Upsample: upsample10 },
  11: { Clip: clip11, Pad: pad11, Resize: resize11, Scatter: scatter11 },
  12: { Dropout: dropout12 },
  13: {
    Squeeze: intsToInput('axes', 1),
    Unsqueeze: intsToInput('axes', 1),
    Split: intsToInput('split', 1),
    ReduceSum: reduceSum13,
    Softmax: softmax13,
    LogSoftmax: softmax13,
    Hardmax: softmax13,
  },
};
