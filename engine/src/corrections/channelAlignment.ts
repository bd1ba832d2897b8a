import { freshNames, type Graph } from '@quantsmith/model/graph';
import { withGraph, type PreparedModel } from '../prepare/prepare.js';
import {
  ElementType,
  type NodeProto,
  type TensorProto,
  intAttribute,
  intsAttribute,
  isOnnxDomain,
  makeTensor,
  readFloats,
  stringAttribute,
} from '@quantsmith/model/onnx';
import type { RangeStatistics } from '../statistics/collect.js';
import { median } from '../ranges/median.js';
import type { TensorPlan } from '../statistics/plan.js';

/** Two convolutions, the second of which alone reads what the first makes. */
export interface AlignmentPair {
  readonly producer: NodeProto;
  readonly consumer: NodeProto;
  readonly tensor: string;
}

const OUTLIERS = 1e-4;
const SMALLEST_SCALE = 1e-2;
const LARGEST_SCALE = 1e2;

/**
 * The pairs whose channels can be aligned: the consumer has stride and dilation 1, one group and no padding, so that a
 * constant added to its input is a constant added to its output; nobody else reads the weights.
 */
export function alignmentPairs(graph: Graph, ignored: ReadonlySet<string>): AlignmentPair[] {
  return graph.nodes.flatMap((consumer) => {
    const tensor = consumer.input[0] ?? '';
    const producer = graph.producer(tensor);
    if (producer === undefined || !isPlain(consumer)) return [];
    const private_ =
      graph.consumers(tensor).length === 1 && !graph.outputs.includes(tensor) && !graph.isCaptured(tensor);

    const both = [producer, consumer];
    if (!private_ || !both.every((node) => !ignored.has(node.name) && hasOwnWeights(graph, node))) return [];

    return [{ producer, consumer, tensor }];
  });
}

function isPlain(node: NodeProto): boolean {
  const ones = (name: string) => (intsAttribute(node, name) ?? []).every((value) => value === 1);
  return (
    intAttribute(node, 'group', 1) === 1 &&
    ones('strides') &&
    ones('dilations') &&
    (intsAttribute(node, 'pads') ?? []).every((pad) => pad === 0) &&
    ['NOTSET', 'VALID'].includes(stringAttribute(node, 'auto_pad', 'NOTSET'))
  );
}

function hasOwnWeights(graph: Graph, node: NodeProto): boolean {
  const [, weight = '', bias = ''] = node.input;
  const isUnshared = (name: string) =>
    graph.initializer(name)?.dataType === ElementType.FLOAT &&
    graph.consumers(name).length === 1 &&
    !graph.isCaptured(name);

  return (
    isOnnxDomain(node) && node.opType === 'Conv' && isUnshared(weight) && (bias === '' || isUnshared(bias))
  );
}

/** The channels' ranges without outliers: medians over the samples of the 10⁻⁴-quantiles. */
export function alignmentPlan(pairs: readonly AlignmentPair[]): TensorPlan[] {
  const side = (probability: number) => ({
    statistic: 'quantile' as const,
    aggregator: 'median' as const,
    probability,
    outlierProbability: OUTLIERS,
    clip: { low: Number.NEGATIVE_INFINITY, high: Number.POSITIVE_INFINITY },
  });

  return pairs.map(({ tensor }) => ({
    quantizer: tensor,
    tensor,
    axis: 1,
    symmetric: false,
    min: side(OUTLIERS),
    max: side(1 - OUTLIERS),
  }));
}

/**
 * The same function with the channels between each pair centred and brought to similar ranges, so that one scale serves
 * them all: with centre m and range r of each channel and s = r / median(r), cut to [0.01, 100], the producer makes
 * (x − m) / s, and the consumer's weights and bias take that back. Source: NNCF's ChannelAlignment, after Meller et al.,
 * "Same, Same But Different" (2019).
 */
export async function alignChannels(
  prepared: PreparedModel,
  pairs: readonly AlignmentPair[],
  ranges: ReadonlyMap<string, RangeStatistics>,
): Promise<PreparedModel> {
  const layers = new Map<string, Layer>();
  const layerOf = (node: NodeProto) => layers.get(node.name) ?? readLayer(prepared, node);
  for (const { producer, consumer, tensor } of pairs) {
    const range = ranges.get(tensor);
    const alignment = range === undefined ? null : alignmentOf(range);
    if (alignment === null) continue;
    layers.set(producer.name, scaleOutputs(layerOf(producer), alignment));
    layers.set(consumer.name, scaleInputs(layerOf(consumer), alignment));
  }

  if (layers.size === 0) return prepared;
  const constants: TensorProto[] = [];
  const fresh = freshNames(prepared.model);
  const nodes = prepared.model.graph.node.map((node) => {
    const layer = layers.get(node.name);
    if (layer === undefined) return node;
    const [input = '', weight = ''] = node.input;
    const names = [fresh(`${weight}_aligned`), fresh(`${weight}_aligned_bias`)] as const;
    constants.push(
      makeTensor(names[0], layer.dims, ElementType.FLOAT, layer.weight),
      makeTensor(names[1], [layer.bias.length], ElementType.FLOAT, layer.bias),
    );

    return { ...node, input: [input, ...names] };
  });

  return withGraph(prepared, nodes, constants);
}

interface Layer {
  readonly dims: readonly number[];
  readonly weight: Float32Array;
  readonly bias: Float32Array;
}

interface Alignment {
  readonly centre: Float64Array;
  readonly scale: Float64Array;
}

function readLayer({ graph, dir }: PreparedModel, node: NodeProto): Layer {
  const [, weightName = '', biasName = ''] = node.input;
  const weight = graph.initializer(weightName)!;
  const dims = weight.dims.map(Number);
  const bias = graph.initializer(biasName);

  return {
    dims,
    weight: readFloats(weight, dir),
    bias: bias === undefined ? new Float32Array(dims[0]!) : readFloats(bias, dir),
  };
}

/** null where half of the channels or more are constant: there is nothing to compare ranges with. */
function alignmentOf({ min, max }: RangeStatistics): Alignment | null {
  const lengths = Float64Array.from(max, (high, c) => high - min[c]!);
  const typical = median(lengths);
  if (!(typical > 0)) return null;

  return {
    centre: Float64Array.from(max, (high, c) => (high + min[c]!) / 2),
    scale: lengths.map((length) => Math.min(LARGEST_SCALE, Math.max(SMALLEST_SCALE, length / typical))),
  };
}

function scaleOutputs({ dims, weight, bias }: Layer, { centre, scale }: Alignment): Layer {
  const inner = weight.length / dims[0]!;
  return {
    dims,
    weight: weight.map((value, i) => value / scale[Math.floor(i / inner)]!),
    bias: bias.map((value, c) => (value - centre[c]!) / scale[c]!),
  };
}

function scaleInputs({ dims, weight, bias }: Layer, { centre, scale }: Alignment): Layer {
  const [outputs = 0, channels = 0] = dims;
  const taps = weight.length / (outputs * channels);
  const channelOf = (i: number) => Math.floor(i / taps) % channels;
  const shifts = new Float64Array(outputs);
  weight.forEach((value, i) => {
    const output = Math.floor(i / (taps * channels));
    shifts[output] = shifts[output]! + value * centre[channelOf(i)]!;
  });

  return {
    dims,
    weight: weight.map((value, i) => value * scale[channelOf(i)]!),
    bias: bias.map((value, o) => value + shifts[o]!),
  };
}
