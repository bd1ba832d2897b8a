import {
  ElementType,
  type NodeProto,
  intAttribute,
  intsAttribute,
  stringAttribute,
} from '@quantsmith/model/onnx';
import { buildGraph, type GraphBuilder } from '@quantsmith/model/graph';
import type { IntegerLayer } from './layers.js';
import { INT16_MAX, INT16_MIN, riskyPairs } from './pairs.js';

const TO_THE_END = Number.MAX_SAFE_INTEGER;

/** What is built for a layer; its names begin with the name of the tensor that the layer makes. */
export function buildLayer({ node }: IntegerLayer): GraphBuilder {
  return buildGraph((_, nodes, constants) => `${node.output[0]!}/saturation_${nodes}_${constants}`);
}

/**
 * Adds the layer as a CPU computes it that adds pairs of products in 16 bits: the exact integer product, less what
 * saturation takes from it, made into the layer's own result as the runtime's kernels do it.
 */
export function addSaturatingLayer(built: GraphBuilder, layer: IntegerLayer): void {
  const operand = kernelOperand(built, layer);
  const exact = exactSum(built, layer, operand);
  const byRow = built.add(
    'Transpose',
    [addSaturationError(built, layer, operandRows(built, layer, operand)).sum],
    { perm: [1, 0] },
  );
  const error = built.add('Reshape', [byRow, built.add('Shape', [exact])]);
  addResult(built, layer, built.add('Sub', [exact, error]));
}

/**
 * What saturation takes from the integer sums, as [outputs, positions]:
 *
 *     Σ over pairs at risk of v − clamp(v, −32768, 32767),  v = a₀·w₀ + a₁·w₁
 *
 * `excess` are its terms, [pairs, positions]. The sums by output are differences of one running sum over all pairs, in
 * 32 bits, where an overflow of the running sum cancels. Positions are innermost since the runtime gathers, scales and
 * adds whole rows many times faster than columns.
 *
 * `rows`: the activations as `operandRows` has them, or some of these rows; `pairs`: the layer's at risk.
 */
export function addSaturationError(
  built: GraphBuilder,
  layer: IntegerLayer,
  rows: string,
  pairs = riskyPairs(layer.rows),
): { readonly excess: string; readonly sum: string } {
  const columns = built.add('Transpose', [rows], { perm: [1, 0] });
  // The running sum begins with a pair that adds nothing, so that every output has a place before its first pair.
  const weights = (side: 0 | 1) => [0, ...pairs.weights[side]];
  const places = (side: 0 | 1) => [
    0,
    ...pairs.places.map((k, pair) => operandPlace(layer, pairs.outputs[pair]!, k + side)),
  ];
  const product = (side: 0 | 1) => {
    const values = built.add('Gather', [columns, built.ints(places(side))], { axis: 0 });
    const factor = built.constant(
      [pairs.places.length + 1, 1],
      ElementType.FLOAT,
      Float32Array.from(weights(side)),
    );

    return built.add('Mul', [built.add('Cast', [values], { to: ElementType.FLOAT }), factor]);
  };

  const value = built.add('Add', [product(0), product(1)]);
  const limits = [INT16_MIN, INT16_MAX].map((limit) =>
    built.constant([], ElementType.FLOAT, Float32Array.of(limit)),
  );

  const excess = built.add('Sub', [value, built.add('Clip', [value, ...limits])]);
  const axis = built.constant([], ElementType.INT32, Int32Array.of(0));
  const running = built.add('CumSum', [built.add('Cast', [excess], { to: ElementType.INT32 }), axis]);
  const counts = new Array<number>(layer.rows.outputs).fill(0);
  for (const output of pairs.outputs) counts[output]!++;
  let last = 0;
  const ends = counts.map((count) => (last += count));
  const gathered = (indices: readonly number[]) =>
    built.add('Gather', [running, built.ints(indices)], { axis: 0 });

  return {
    excess,
    sum: built.add('Sub', [gathered(ends), gathered(ends.map((end, o) => end - counts[o]!))]),
  };
}

/** The activations that the kernel multiplies as [positions, places]. */
export const operandRows = (
  built: GraphBuilder,
  layer: IntegerLayer,
  operand = kernelOperand(built, layer),
) => built.add('Reshape', [operand, built.ints([-1, operandDepth(layer)])]);

/** At most `mostRows` of these rows, evenly spread, and their share of all; `mostRows` is at least 1. */
export function someRows(
  built: GraphBuilder,
  wholeRows: string,
  mostRows: number,
): { readonly rows: string; readonly share: string } {
  const count = (tensor: string) =>
    built.add('Gather', [built.add('Shape', [tensor]), built.ints([0])], { axis: 0 });

  const step = built.add('Add', [
    built.add('Div', [count(wholeRows), built.ints([mostRows])]),
    built.ints([1]),
  ]);
  const some = built.add('Slice', [
    wholeRows,
    built.ints([0]),
    built.ints([TO_THE_END]),
    built.ints([0]),
    step,
  ]);
  const float = (tensor: string) => built.add('Cast', [count(tensor)], { to: ElementType.FLOAT });

  return { rows: some, share: built.add('Div', [float(some), float(wholeRows)]) };
}

/** Products in one row of the operand: of all groups. */
const operandDepth = ({ rows, kind, group }: IntegerLayer) => rows.length * (kind === 'matrix' ? 1 : group);

/**
 * The activations that the kernel multiplies as [places, positions], and where product `k` of an output is among them. Of an
 * even number of channels, both activations of a pair are of one place of the image, whose window then needn't be known.
 */
export function kernelColumns(built: GraphBuilder, layer: IntegerLayer) {
  const { kind, dims, group } = layer;
  const depth = dims[1]! * group;
  const isWholeImage = kind === 'convolution' && dims[1]! % 2 === 0 && dims.slice(2).some((size) => size > 1);
  const operand = isWholeImage
    ? paddedImage(built, layer, unsignedInput(built, layer))
    : kernelOperand(built, layer);

  const places = isWholeImage ? depth : operandDepth(layer);
  const rows = built.add('Reshape', [operand, built.ints([-1, places])]);

  return {
    columns: built.add('Transpose', [rows], { perm: [1, 0] }),
    places,
    place: (output: number, k: number) => operandPlace(layer, output, k) % places,
  };
}

/** The activations as the kernel reads them: unsigned, the products of one output (of all groups) along the last axis. */
function kernelOperand(built: GraphBuilder, layer: IntegerLayer): string {
  const unsigned = unsignedInput(built, layer);
  return layer.kind === 'matrix' ? unsigned : patches(built, layer, unsigned);
}

const unsignedInput = (built: GraphBuilder, { signed, input }: IntegerLayer) =>
  signed ? shifted(built, input, 128, ElementType.UINT8) : input;

const unsignedZero = (layer: IntegerLayer) => layer.zeroPoint + (layer.signed ? 128 : 0);

function shifted(built: GraphBuilder, tensor: string, amount: number, to: number): string {
  const wide = built.add('Cast', [tensor], { to: ElementType.INT32 });
  const moved = built.add('Add', [wide, built.constant([], ElementType.INT32, Int32Array.of(amount))]);
  return built.add('Cast', [moved], { to });
}

/** Where product `k` of an output is in the operand; groups have their channels side by side in each tap. */
function operandPlace({ kind, dims, group, rows }: IntegerLayer, output: number, k: number): number {
  if (kind === 'matrix') return k;
  const channels = dims[1]!;
  const ownGroup = Math.floor(output / (rows.outputs / group));
  return Math.floor(k / channels) * channels * group + ownGroup * channels + (k % channels);
}

/** The channels-last image with what is around it: the zero point. */
function paddedImage(built: GraphBuilder, layer: IntegerLayer, input: string): string {
  const { node, dims } = layer;
  const kernel = dims.slice(2);
  const rank = kernel.length;
  const pads = padsOf(node, kernel, dilationsOf(layer));
  const image = isChannelsLast(node)
    ? input
    : built.add('Transpose', [input], { perm: toChannelsLast(rank) });

  if (!pads.some((pad) => pad > 0)) return image;
  const fill = built.constant([], ElementType.UINT8, Uint8Array.of(unsignedZero(layer)));
  const around = [0, ...pads.slice(0, rank), 0, 0, ...pads.slice(rank), 0];

  return built.add('Pad', [image, built.ints(around), fill]);
}

/** Patches of that image, one row a position: [N, ...positions, taps × channels]. */
function patches(built: GraphBuilder, layer: IntegerLayer, input: string): string {
  const { node, dims } = layer;
  const kernel = dims.slice(2);
  const strides = intsAttribute(node, 'strides') ?? kernel.map(() => 1);
  const dilations = dilationsOf(layer);
  const padded = paddedImage(built, layer, input);
  const axes = built.ints(kernel.map((_, axis) => axis + 1));
  const steps = built.ints(strides);
  const taps = offsets(kernel).map((tap) => {
    const begin = tap.map((offset, axis) => offset * dilations[axis]!);
    const end = tap.map((offset, axis) => (offset + 1 - kernel[axis]!) * dilations[axis]! || TO_THE_END);
    return built.add('Slice', [padded, built.ints(begin), built.ints(end), axes, steps]);
  });

  return taps.length === 1 ? taps[0]! : built.add('Concat', taps, { axis: -1 });
}

const dilationsOf = ({ node, dims }: IntegerLayer) =>
  intsAttribute(node, 'dilations') ?? dims.slice(2).map(() => 1);

/** Rows and columns around the image; `SAME` means as many as the kernel reaches beyond it, which holds for strides of 1. */
function padsOf(node: NodeProto, kernel: readonly number[], dilations: readonly number[]): readonly number[] {
  const mode = stringAttribute(node, 'auto_pad', '');
  if (!mode.startsWith('SAME')) return intsAttribute(node, 'pads') ?? [...kernel, ...kernel].map(() => 0);
  const totals = kernel.map((size, axis) => (size - 1) * dilations[axis]!);
  const fewer = totals.map((total) => Math.floor(total / 2));
  const more = totals.map((total) => Math.ceil(total / 2));
  return mode === 'SAME_UPPER' ? [...fewer, ...more] : [...more, ...fewer];
}

const isChannelsLast = (node: NodeProto) => intAttribute(node, 'channels_last', 0) === 1;
const toChannelsLast = (rank: number) => [0, ...Array.from({ length: rank }, (_, axis) => axis + 2), 1];
const toChannelsFirst = (rank: number) => [
  0,
  rank + 1,
  ...Array.from({ length: rank }, (_, axis) => axis + 1),
];

/** All places in a kernel, the last axis fastest. */
function offsets(kernel: readonly number[]): number[][] {
  return kernel.reduce<number[][]>(
    (before, size) =>
      before.flatMap((place) => Array.from({ length: size }, (_, index) => [...place, index])),
    [[]],
  );
}

/** The exact product, on unsigned weights (the codes + 128): for two unsigned operands no kernel saturates. */
function exactSum(built: GraphBuilder, layer: IntegerLayer, operand: string): string {
  const { rows } = layer;
  const depth = operandDepth(layer);
  const zeros = Uint8Array.from(layer.weightZero, (zero) => zero + 128);
  // Where an output has no weight, as it is of another group, a zero point is none.
  const weights = new Uint8Array(depth * rows.outputs).map((_, index) => zeros[index % rows.outputs]!);
  const row = new Int16Array(rows.length);
  for (let o = 0; o < rows.outputs; o++) {
    rows.read(o, row);
    row.forEach((weight, k) => (weights[operandPlace(layer, o, k) * rows.outputs + o] = weight + 128));
  }

  return built.add('MatMulInteger', [
    operand,
    built.constant([depth, rows.outputs], ElementType.UINT8, weights),
    built.constant([], ElementType.UINT8, Uint8Array.of(unsignedZero(layer))),
    built.constant(
      [rows.outputs],
      ElementType.UINT8,
      Uint8Array.from(layer.weightZero, (zero) => zero + 128),
    ),
  ]);
}

/** From integer sums to the layer's result: bias, scale, rounding to the nearest (half to even), zero point. */
function addResult(built: GraphBuilder, layer: IntegerLayer, sum: string): void {
  const { node, result, bias, scale, kind } = layer;
  const output = node.output[0]!;
  const factor = built.constant([scale.length], ElementType.FLOAT, scale);
  const scaled = (integers: string, name?: string) =>
    built.add('Mul', [built.add('Cast', [integers], { to: ElementType.FLOAT }), factor], {}, name);

  const integerBias = bias !== null && (result !== null || node.opType === 'QGemm');
  const total = integerBias ? built.add('Add', [sum, bias]) : sum;
  if (result === null) {
    if (bias === null || integerBias) scaled(total, output);
    else built.add('Add', [scaled(total), bias], {}, output);
    return;
  }

  const unit = built.constant([], ElementType.FLOAT, Float32Array.of(1));
  const zero = result.signed
    ? built.constant([], ElementType.INT8, Int8Array.of(result.zeroPoint))
    : built.constant([], ElementType.UINT8, Uint8Array.of(result.zeroPoint));

  const back = kind === 'convolution' && !isChannelsLast(node);
  const quantized = built.add('QuantizeLinear', [scaled(total), unit, zero], {}, back ? undefined : output);
  if (back) built.add('Transpose', [quantized], { perm: toChannelsFirst(layer.dims.length - 2) }, output);
}

/** Whether all of the layer is known: its window without its input's size, or its weights as one matrix. */
export function isReproducible({ node, kind, dims, constant }: IntegerLayer): boolean {
  if (!constant) return false;
  if (kind === 'matrix') return dims.length === 2;
  const same = stringAttribute(node, 'auto_pad', '').startsWith('SAME');
  return !same || (intsAttribute(node, 'strides') ?? []).every((stride) => stride === 1);
}
