import { tableOf } from '@quantsmith/schemas';
import { makeAttribute, stringAttribute } from '../onnx/node.js';
import { dropAttributes, has, intsToInput, without, type Adapter } from './context.js';
import { batchNormalization14, batchNormalization9, groupNormalization21 } from './normalization.js';
import { resize11, resize13, upsample10, upsample9 } from './resize.js';
import { softmax13 } from './softmax.js';
import { clip11, dft20, dropout10, dropout12, pad11, slice10, split18, topK10 } from './toInputs.js';

const scatter11: Adapter = (node) => [{ ...node, opType: 'ScatterElements' }];

/** Scan 8 has a batch axis and optional sequence lengths, which later versions do not. */
const scan9: Adapter = (node, context) => {
  context.problem(node, 'Scan before operator set 9 has a batch axis that later versions do not have');
  return [node];
};

/** Broadcasting by attribute (operator set 6) is gone since 7; the attributes that survive in files do nothing. */
const broadcast7 = dropAttributes('broadcast', 'axis');

/** RoiAlign 16 shifts coordinates by half a pixel unless told otherwise. */
const roiAlign16: Adapter = (node) => {
  if (has(node, 'coordinate_transformation_mode')) return [node];
  return [
    {
      ...node,
      attribute: [...node.attribute, makeAttribute('coordinate_transformation_mode', 'output_half_pixel')],
    },
  ];
};

const GRID_MODES: Readonly<Record<string, string>> = tableOf({
  bilinear: 'linear',
  bicubic: 'cubic',
  nearest: 'nearest',
});

const gridSample20: Adapter = (node) => {
  const mode = GRID_MODES[stringAttribute(node, 'mode', 'bilinear')] ?? 'linear';
  return [{ ...node, attribute: [...without(node, 'mode'), makeAttribute('mode', mode)] }];
};

const axesToInput = intsToInput('axes', 1);

/**
 * Adapters by the operator-set version that brought the change, then by operator. Operators that only took on new types
 * or new attributes whose defaults mean what was meant before need none.
 */
export const ADAPTERS: Readonly<Record<number, Readonly<Record<string, Adapter>>>> = {
  7: { Add: broadcast7, Sub: broadcast7, Mul: broadcast7, Div: broadcast7, Pow: broadcast7 },
  9: { BatchNormalization: batchNormalization9, Upsample: upsample9, Scan: scan9 },
  10: { Dropout: dropout10, Slice: slice10, TopK: topK10, Upsample: upsample10 },
  11: { Clip: clip11, Pad: pad11, Resize: resize11, Scatter: scatter11 },
  12: { Dropout: dropout12 },
  13: {
    Squeeze: axesToInput,
    Unsqueeze: axesToInput,
    Split: intsToInput('split', 1),
    ReduceSum: axesToInput,
    Softmax: softmax13,
    LogSoftmax: softmax13,
    Hardmax: softmax13,
    Resize: resize13,
  },
  14: { BatchNormalization: batchNormalization14 },
  16: { RoiAlign: roiAlign16 },
  18: {
    ReduceL1: axesToInput,
    ReduceL2: axesToInput,
    ReduceLogSum: axesToInput,
    ReduceLogSumExp: axesToInput,
    ReduceMax: axesToInput,
    ReduceMean: axesToInput,
    ReduceMin: axesToInput,
    ReduceProd: axesToInput,
    ReduceSumSquare: axesToInput,
    Split: split18,
  },
  20: { DFT: dft20, GridSample: gridSample20 },
  21: { GroupNormalization: groupNormalization21 },
};
