import { largest as largestOf, smallest } from '@quantsmith/schemas';
import { type Graph, freshNames } from '@quantsmith/model/graph';
import { withGraph, type PreparedModel } from '../prepare/prepare.js';
import {
  ElementType,
  type NodeProto,
  type TensorProto,
  intAttribute,
  isOnnxDomain,
  makeNode,
  makeTensor,
  readFloats,
} from '@quantsmith/model/onnx';
import { has, isGrouped } from '@quantsmith/model/operators';
import type { TensorPlan } from '../statistics/plan.js';

/** Operators of one kind that read one activation with constant weights: they share one vector of scales. */
export interface SmoothGroup {
  readonly tensor: string;
  readonly kind: 'matmul' | 'convolution';
  readonly consumers: readonly SmoothConsumer[];
}
interface SmoothConsumer {
  readonly node: NodeProto;
  readonly weight: TensorProto;
  /** The input channel of weight element i is ⌊i / inner⌋ mod channels. */
  readonly channels: number;
  readonly inner: number;
}

/** Smallest activation and weight magnitude taken into account. */
const SMALLEST = 1e-5;
const EPSILON = 1.1920929e-7;
const LARGEST_SCALE = 1e2;
const LOW_QUANTILE = 0.1;

/** The groups that SmoothQuant works on. Operators whose weight others read too are left out. */
export function smoothGroups(graph: Graph, ignored: ReadonlySet<string>): SmoothGroup[] {
  const groups = new Map<string, SmoothGroup>();
  for (const node of graph.nodes) {
    if (!isOnnxDomain(node) || ignored.has(node.name)) continue;
    const [tensor = '', name = ''] = node.input;
    const weight = graph.initializer(name);
    if (
      weight?.dataType !== ElementType.FLOAT ||
      graph.isConstant(tensor) ||
      graph.consumers(name).length !== 1
    )
      continue;
    const layout = channelLayout(node, weight);
    if (layout === null) continue;
    const kind = has(node, 'convolution') ? 'convolution' : 'matmul';
    const group = groups.get(`${kind} ${tensor}`) ?? { tensor, kind, consumers: [] };
    const consumers = [...group.consumers, { node, weight, ...layout }];
    groups.set(`${kind} ${tensor}`, { ...group, consumers });
  }

  return [...groups.values()];
}

/** How a weight's elements belong to input channels; null for operators that cannot be smoothed. */
function channelLayout(node: NodeProto, weight: TensorProto): { channels: number; inner: number } | null {
  const [first = 0, second = 0, ...kernel] = weight.dims.map(Number);
  if (node.opType === 'Conv') {
    if (isGrouped(node)) return null;
    return { channels: second, inner: kernel.reduce((product, size) => product * size, 1) };
  }

  if (!has(node, 'product') || intAttribute(node, 'transA', 0) !== 0 || weight.dims.length !== 2) return null;
  const columnsAreInputs = intAttribute(node, 'transB', 0) === 1;

  return columnsAreInputs ? { channels: second, inner: 1 } : { channels: first, inner: second };
}

/** By what a group's statistics are found. */
export const groupId = ({ kind, tensor }: SmoothGroup) => `${kind} ${tensor}`;

/** The largest absolute value of every channel of the groups' activations, over all samples. */
export function magnitudePlan(groups: readonly SmoothGroup[]): TensorPlan[] {
  const side = (statistic: 'min' | 'abs_max', aggregator: 'min' | 'max') => ({
    statistic,
    aggregator,
    probability: 0,
    outlierProbability: 0,
    clip: { low: Number.NEGATIVE_INFINITY, high: Number.POSITIVE_INFINITY },
  });

  return groups.map((group) => ({
    quantizer: groupId(group),
    tensor: group.tensor,
    // Products run over the last axis; the rank need not be known.
    axis: group.kind === 'convolution' ? 1 : -1,
    symmetric: true,
    min: side('min', 'min'),
    max: side('abs_max', 'max'),
  }));
}

/**
 * The scale of each input channel: s = a^α / w^(1 − α), with a the largest absolute activation and w the largest
 * absolute weight of the channel, cut to [0.1-quantile of s, 100]. Each consumer proposes one vector; the one with the
 * largest ratio of smallest to largest scale is taken. Source: SmoothQuant (Xiao et al., 2022) as NNCF applies it.
 */
export function smoothScales(
  group: SmoothGroup,
  largest: Float64Array,
  alpha: number,
  dir: string,
): Float32Array {
  const proposals = group.consumers.map((consumer) => {
    const magnitudes = channelMagnitudes(consumer, dir);
    const scales = Float64Array.from(largest, (a, c) => {
      const activation = Math.max(a, SMALLEST);
      return activation ** alpha / (Math.max(magnitudes[c]!, SMALLEST) ** (1 - alpha) + EPSILON);
    });

    const low = quantile(scales, LOW_QUANTILE);

    return scales.map((scale) => Math.min(LARGEST_SCALE, Math.max(low, scale)));
  });

  const evenness = (scales: Float64Array) => smallest(scales) / largestOf(scales);
  const best = proposals.reduce((a, b) => (evenness(b) > evenness(a) ? b : a));

  return Float32Array.from(best);
}

function channelMagnitudes({ weight, channels, inner }: SmoothConsumer, dir: string): Float64Array {
  const magnitudes = new Float64Array(channels);
  readFloats(weight, dir).forEach((value, index) => {
    const channel = Math.floor(index / inner) % channels;
    magnitudes[channel] = Math.max(magnitudes[channel]!, Math.abs(value));
  });
  return magnitudes;
}

function quantile(values: Float64Array, fraction: number): number {
  const sorted = values.slice().sort();
  const position = fraction * (sorted.length - 1);
  const below = Math.floor(position);
  return (
    sorted[below]! + (sorted[Math.min(sorted.length - 1, below + 1)]! - sorted[below]!) * (position - below)
  );
}

/** The model with each group's activation divided by its scales and its weights multiplied by them: the same function. */
export async function applySmoothing(
  prepared: PreparedModel,
  smoothed: readonly { readonly group: SmoothGroup; readonly scales: Float32Array }[],
): Promise<PreparedModel> {
  if (smoothed.length === 0) return prepared;
  const inputs = new Map<NodeProto, string[]>();
  const nodes: NodeProto[] = [];
  const initializers: TensorProto[] = [];
  const fresh = freshNames(prepared.model);
  for (const { group, scales } of smoothed) {
    const convolution = group.kind === 'convolution';
    const base = fresh(`${group.tensor}_${convolution ? 'conv_' : ''}smooth_quant`);
    const scale = fresh(`${base}_scale`);
    const spatial = convolution ? group.consumers[0]!.weight.dims.slice(2).map(() => 1) : [];
    initializers.push(
      makeTensor(
        scale,
        [scales.length, ...spatial],
        ElementType.FLOAT,
        scales.map((scale) => 1 / scale),
      ),
    );
    nodes.push(makeNode('Mul', [group.tensor, scale], [base], {}, { name: base }));
    for (const consumer of group.consumers) {
      const { node, weight } = consumer;
      const name = fresh(`${weight.name}_smoothed`);
      initializers.push(scaledWeight(consumer, name, scales, prepared.dir));
      inputs.set(node, [base, name, ...node.input.slice(2)]);
    }
  }

  const replaced = prepared.model.graph.node.map((node) => {
    const input = inputs.get(node);
    return input === undefined ? node : { ...node, input };
  });

  return withGraph(prepared, [...nodes, ...replaced], initializers);
}

function scaledWeight(
  { weight, channels, inner }: SmoothConsumer,
  name: string,
  scales: Float32Array,
  dir: string,
): TensorProto {
  const values = readFloats(weight, dir).map((value, i) => value * scales[Math.floor(i / inner) % channels]!);
  return makeTensor(name, weight.dims.map(Number), ElementType.FLOAT, values);
}
