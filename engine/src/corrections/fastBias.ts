import type { Graph } from '@quantsmith/model/graph';
import {
  type NodeProto,
  floatAttribute,
  intAttribute,
  intsAttribute,
  readFloats,
  stringAttribute,
} from '@quantsmith/model/onnx';
import { has, isGrouped, weightPorts } from '@quantsmith/model/operators';
import type { BiasUpdate } from '../qdq/types.js';
import type { Quantization } from '../quantize/quantization.js';
import type { ChannelMeanRequest } from '../statistics/collect.js';
import { lastMade, type WeightWork } from '../quantize/lastMade.js';
import { dequantize } from '../weights/quantize.js';
import { biasCandidates, type BiasCandidate, type CandidateOptions } from './candidates.js';

/** What a correction did to one layer. */
export interface CorrectionRecord {
  readonly node: string;
  readonly applied: boolean;
  /** Largest absolute change of a bias element. */
  readonly maxShift: number;
  /** Why it was not applied. */
  readonly reason?: string;
}

/** Multiple of the bias beyond which a fast correction is refused. */
export const FAST_THRESHOLD = 2;

export interface FastPlan {
  readonly kind: 'fast';
  /** Multiple of the bias beyond which a correction is refused. */
  readonly threshold: number;
  readonly scope: CandidateOptions;
}

/** The channel means that the correction needs from calibration. */
export function fastBiasMeans(graph: Graph, candidates: readonly BiasCandidate[]): ChannelMeanRequest[] {
  return candidates.flatMap((candidate) => [
    candidate.input,
    ...(outputFollowsFromInput(graph, candidate.node) ? [] : [candidate.output]),
  ]);
}

/**
 * Fast bias correction: for each layer on its own, b' = b + (ȳ − ȳq), where ȳ is the channel mean of the float layer's
 * outputs and ȳq that of the layer with quantized weights on a constant input x̄ (the channel means of its inputs). The
 * constant image keeps the layer's padding; its mean output is computed in closed form. A layer is left alone when the
 * shift exceeds `threshold` times its bias; elements whose bias is zero do not count (they have nothing to compare
 * with). Source: NNCF's FastBiasCorrection. `last`: the means ȳq and those of float weights that were computed before.
 */
export function fastBiasCorrection(
  quantization: Quantization,
  means: ReadonlyMap<string, Float64Array>,
  options: CandidateOptions & { readonly threshold: number },
  last: WeightWork['responses'] = lastMade(),
): { biases: BiasUpdate[]; records: CorrectionRecord[] } {
  const { graph, dir } = quantization.prepared;
  const biases: BiasUpdate[] = [];
  const records: CorrectionRecord[] = [];
  for (const candidate of biasCandidates(graph, quantization.placement, options)) {
    const weights = quantization.weights.get(candidate.weight.id);
    const inputMean = means.get(candidate.input.tensor);
    const tensor = graph.initializer(candidate.weight.tensor);
    if (weights === undefined || inputMean === undefined || tensor === undefined) continue;
    const dims = tensor.dims.map(Number);
    if (inputMean.length !== inputChannels(candidate.node, dims)) {
      const reason = 'the shape of its input is not known, and so not which values make a channel';
      records.push({ node: candidate.node.name, applied: false, maxShift: 0, reason });
      continue;
    }

    const respond = (subject: object, weight: () => Float32Array) =>
      last(subject, [candidate.node, inputMean], () =>
        constantResponse(graph, candidate.node, weight(), dims, inputMean),
      );
    const quantized = respond(weights, () => dequantize(weights, dims, candidate.weight.axis));

    const bias = candidate.bias === null ? null : readFloats(graph.initializer(candidate.bias)!, dir);
    const beta = floatAttribute(candidate.node, 'beta', 1);
    const outputMean = means.get(candidate.output.tensor);
    const inside = weightPorts(candidate.node)?.bias === 'add-behind' ? 0 : beta;
    const constant = respond(tensor, () => readFloats(tensor, dir));
    const observed = outputMean?.map((mean, c) => mean - inside * (bias?.[c] ?? 0));
    const float = outputFollowsFromInput(graph, candidate.node)
      ? constant
      : quantization.runtime === 'openvino'
        ? observed
        : observed && nearerMean(observed, constant, quantized);

    if (float === undefined || (bias !== null && bias.length !== float.length)) continue;
    const shift = float.map((value, c) => (value - quantized[c]!) / (beta === 0 ? 1 : beta));
    const maxShift = shift.reduce((magnitude, value) => Math.max(magnitude, Math.abs(value)), 0);
    const magnitude = relativeShift(candidate.node, shift, bias);
    const applied = magnitude < options.threshold && Number.isFinite(maxShift);
    records.push({
      node: candidate.node.name,
      applied,
      maxShift,
      ...(applied
        ? {}
        : {
            reason: `the shift is ${magnitude.toFixed(2)} times the bias, above the threshold ${options.threshold}`,
          }),
    });
    if (!applied) continue;
    biases.push({
      port: candidate.biasPort,
      values: Float32Array.from(shift, (value, c) => (bias?.[c] ?? 0) + value),
    });
  }

  return { biases, records };
}

/**
 * The float layer's mean output: as observed, unless the constant image misses it by more than quantization shifts it (edges
 * and strides meet inputs that are not alike everywhere). The correction would then be that miss; so both means are taken on
 * the constant image, where it cancels out.
 */
function nearerMean(observed: Float64Array, constant: Float64Array, quantized: Float64Array): Float64Array {
  const distance = (a: Float64Array, b: Float64Array) =>
    a.reduce((sum, value, c) => sum + (value - b[c]!) ** 2, 0);

  return distance(observed, constant) > distance(constant, quantized) ? constant : observed;
}

/**
 * The size of a correction in multiples of the bias: the largest over the channels, those without bias left out. Grouped
 * convolutions, which the peer does not correct, have many tiny biases: there the largest shift is compared with the
 * largest bias.
 */
function relativeShift(node: NodeProto, shift: Float64Array, bias: Float32Array | null): number {
  const size = (values: ArrayLike<number>) =>
    Array.from(values).reduce((magnitude, value) => Math.max(magnitude, Math.abs(value)), 0);

  if (isGrouped(node)) {
    const largest = size(bias ?? []);
    return largest === 0 ? 0 : size(shift) / largest;
  }

  return shift.reduce((ratio, value, c) => {
    const magnitude = Math.abs(bias?.[c] ?? 0);
    return magnitude === 0 ? ratio : Math.max(ratio, Math.abs(value) / magnitude);
  }, 0);
}

/** Whether the mean output is a function of the mean input: matrix products and unpadded 1×1 convolutions of stride 1. */
function outputFollowsFromInput(graph: Graph, node: NodeProto): boolean {
  if (!has(node, 'convolution') || isGrouped(node)) return true;
  const kernel =
    graph
      .initializer(node.input[1] ?? '')
      ?.dims.slice(2)
      .map(Number) ?? [];

  const pads = intsAttribute(node, 'pads') ?? [];
  const strides = intsAttribute(node, 'strides') ?? [];

  return (
    kernel.every((size) => size === 1) &&
    pads.every((pad) => pad === 0) &&
    strides.every((step) => step === 1)
  );
}

/** How many channels the weight meets in its input. */
function inputChannels(node: NodeProto, dims: readonly number[]): number | undefined {
  if (!has(node, 'product')) return (dims[1] ?? 0) * intAttribute(node, 'group', 1);
  return dims.at(intAttribute(node, 'transB', 0) === 1 ? -1 : -2);
}

/** The channel means of a layer's output (without bias) for an input that is constant in every channel. */
function constantResponse(
  graph: Graph,
  node: NodeProto,
  weight: Float32Array,
  dims: readonly number[],
  inputMean: Float64Array,
): Float64Array {
  if (has(node, 'product')) return matrixResponse(node, weight, dims, inputMean);
  const [outputs = 0, inputs = 0, ...kernel] = dims;
  const shares = tapShares(graph, node, kernel);
  const response = new Float64Array(outputs);
  // A grouped convolution's filter sees the `inputs` channels of its own group.
  const perGroup = outputs / intAttribute(node, 'group', 1);
  const filter = inputs * shares.length;
  for (let output = 0; output < outputs; output++) {
    const first = Math.floor(output / perGroup) * inputs;
    response[output] = filterResponse(weight, output * filter, shares, inputMean, [first, first + inputs]);
  }

  return response;
}

/** The response of one filter, which lies in the weight from `start` on, to its channels. */
function filterResponse(
  weight: Float32Array,
  start: number,
  shares: Float64Array,
  mean: Float64Array,
  [from, to]: readonly [number, number],
): number {
  const taps = shares.length;
  let sum = 0;
  for (let i = from, index = start; i < to; i++) {
    let total = 0;
    for (let t = 0; t < taps; t++, index++) total += weight[index]! * shares[t]!;
    sum += total * mean[i]!;
  }

  return sum;
}

function matrixResponse(
  node: NodeProto,
  weight: Float32Array,
  dims: readonly number[],
  inputMean: Float64Array,
): Float64Array {
  const alpha = floatAttribute(node, 'alpha', 1);
  const [rows = 0, columns = 0] = dims.slice(-2);
  const rowsAreOutputs = intAttribute(node, 'transB', 0) === 1;
  const response = new Float64Array(rowsAreOutputs ? rows : columns);
  for (let row = 0, index = 0; row < rows; row++) {
    for (let c = 0; c < columns; c++, index++) {
      const output = rowsAreOutputs ? row : c;
      response[output]! += alpha * weight[index]! * inputMean[rowsAreOutputs ? c : row]!;
    }
  }

  return response;
}

/** For each tap of the kernel: the share of output positions at which it lies inside the image, not on the padding. */
function tapShares(graph: Graph, node: NodeProto, kernel: readonly number[]): Float64Array {
  const rank = kernel.length;
  const sizes = graph.type(node.input[0] ?? '')?.dims?.slice(2) ?? [];
  const strides = intsAttribute(node, 'strides') ?? kernel.map(() => 1);
  const dilations = intsAttribute(node, 'dilations') ?? kernel.map(() => 1);
  const pads = explicitPads(node, kernel, sizes, strides, dilations);
  const perAxis = kernel.map((size, axis) => {
    const length = sizes[axis];
    const before = pads[axis] ?? 0;
    const after = pads[axis + rank] ?? 0;
    // A free dimension: its length is not known, and padding hardly counts in large images.
    if (typeof length !== 'number' || length <= 0) return Array.from({ length: size }, () => 1);
    const reach = (size - 1) * (dilations[axis] ?? 1) + 1;
    const step = strides[axis] ?? 1;
    const positions = Math.floor((length + before + after - reach) / step) + 1;

    return Array.from({ length: size }, (_, tap) => {
      let inside = 0;
      for (let p = 0; p < positions; p++) {
        const position = p * step + tap * (dilations[axis] ?? 1) - before;
        if (position >= 0 && position < length) inside++;
      }

      return positions === 0 ? 0 : inside / positions;
    });
  });

  return Float64Array.from(
    perAxis.reduce<number[]>(
      (taps, shares) => taps.flatMap((tap) => shares.map((share) => tap * share)),
      [1],
    ),
  );
}

function explicitPads(
  node: NodeProto,
  kernel: readonly number[],
  sizes: readonly (number | string)[],
  strides: readonly number[],
  dilations: readonly number[],
): number[] {
  const mode = stringAttribute(node, 'auto_pad', 'NOTSET');
  if (mode === 'NOTSET') return intsAttribute(node, 'pads') ?? [];
  if (mode === 'VALID') return [];
  const total = kernel.map((size, axis) => {
    const length = sizes[axis];
    if (typeof length !== 'number') return 0;
    const step = strides[axis] ?? 1;
    const reach = (size - 1) * (dilations[axis] ?? 1) + 1;
    return Math.max(0, (Math.ceil(length / step) - 1) * step + reach - length);
  });

  const before = total.map((pad) => (mode === 'SAME_UPPER' ? Math.floor(pad / 2) : Math.ceil(pad / 2)));

  return [...before, ...total.map((pad, axis) => pad - before[axis]!)];
}
