import { firstOnPaths, type Graph } from '@quantsmith/model/graph';
import { ElementType, type NodeProto } from '@quantsmith/model/onnx';
import {
  has,
  isEmbedding,
  isGrouped,
  isLinear,
  mayBeFirstLayer,
  weightAxis,
} from '@quantsmith/model/operators';
import { overriddenConfig } from './overrides.js';
import { hasInfinite } from './sentinels.js';
import type { LayerSettings, Port, QuantizerConfig, WeightQuantizer } from './types.js';

export type OverflowFix = 'enable' | 'first_layer' | 'disable' | 'auto';

export interface WeightOptions {
  /** The runtime whose kernels take the scales. */
  readonly runtime: 'onnxruntime' | 'openvino';
  readonly config: QuantizerConfig;
  readonly overflowFix: OverflowFix;
  readonly ignored: ReadonlySet<string>;
  readonly layers: ReadonlyMap<string, LayerSettings>;
  /** Whether constants are weights whatever operator reads them, if they are large enough to make a file smaller. */
  readonly everyWeight: boolean;
}

/** A constant of fewer elements is not worth the operator that decodes it. */
const MIN_ELEMENTS = 1024;

/**
 * The weight quantizers: one for each constant that linear operators or embeddings read. A weight shared by several
 * operators is quantized once; it takes half range if one of them asks for it.
 */
export function placeWeights(graph: Graph, options: WeightOptions): WeightQuantizer[] {
  const targets = new Map<string, { port: Port; node: NodeProto }[]>();
  const add = (port: Port, node: NodeProto) => {
    const tensor = node.input[port.input] ?? '';
    targets.set(tensor, [...(targets.get(tensor) ?? []), { port, node }]);
  };

  for (const node of graph.nodes) {
    if (options.ignored.has(node.name)) continue;
    if (!isLinear(node) && !isEmbedding(node, graph)) {
      if (options.everyWeight) for (const port of largeConstants(graph, node)) add(port, node);
      continue;
    }

    // A product of two constants has nothing to quantize at run time.
    if (isLinear(node) && graph.isConstant(node.input[0] ?? '') && graph.isConstant(node.input[1] ?? ''))
      continue;
    for (const input of [0, 1]) {
      const tensor = node.input[input] ?? '';
      const constant = graph.initializer(tensor);
      if (constant?.dataType !== ElementType.FLOAT) continue;
      // A scalar is no weight, and one without elements has no range.
      if (constant.dims.length === 0 || constant.dims.includes(0n)) continue;
      if (isEmbedding(node, graph) ? input !== 0 : node.opType.startsWith('Conv') && input !== 1) continue;
      add({ node: node.name, input }, node);
    }
  }

  const half = halfRangeNodes(graph, options, targets);

  return [...targets].map(([tensor, readers]) => {
    const rank = graph.initializer(tensor)?.dims.length ?? 0;
    const axis =
      options.runtime === 'onnxruntime' && !takesChannelScales(readers, rank)
        ? null
        : commonAxis(readers, rank);

    const stated = readers.flatMap(({ node }) => options.layers.get(node.name) ?? []);
    const { numBits } = overriddenConfig(options.config, stated);
    const wanted = stated.findLast((settings) => settings.perChannel !== undefined)?.perChannel;
    const perChannel = (wanted ?? options.config.perChannel) && axis !== null;
    const halfRange = stated.findLast((settings) => settings.halfRange !== undefined)?.halfRange;

    return {
      id: `weight:${tensor}`,
      tensor,
      targets: readers.map(({ port }) => port),
      config: { ...options.config, numBits, perChannel },
      axis: perChannel ? axis : null,
      // Sums of narrower codes stay within 16 bits, wider codes have no kernels that sum in them.
      halfRange: numBits === 8 && (halfRange ?? readers.some(({ node }) => half.has(node.name))),
      ...(halfRange === undefined ? {} : { halfRangeStated: true }),
      ...(options.runtime === 'onnxruntime' && readers.every(isLeftOperand) ? { unsigned: true } : {}),
    };
  });
}

/** Constants that an operator without weights of its own reads, and that take room in a file. */
function largeConstants(graph: Graph, node: NodeProto): Port[] {
  return node.input.flatMap((tensor, input) => {
    const constant = graph.initializer(tensor);
    if (constant?.dataType !== ElementType.FLOAT || constant.dims.length < 2) return [];
    const elements = constant.dims.reduce((product, dim) => product * Number(dim), 1);
    return elements < MIN_ELEMENTS || hasInfinite(graph, tensor) ? [] : [{ node: node.name, input }];
  });
}

/**
 * Whether ONNX Runtime's kernels take several scales: not for the left operand of a product, nor for a stack of matrices.
 */
function takesChannelScales(readers: readonly { port: Port; node: NodeProto }[], rank: number): boolean {
  return readers.every(({ port, node }) => !has(node, 'product') || (port.input === 1 && rank === 2));
}

/** ONNX Runtime has integer kernels for a product of signed codes with unsigned ones only where the signed ones are on the right. */
const isLeftOperand = ({ port, node }: { port: Port; node: NodeProto }) =>
  has(node, 'product') && port.input === 0;

/** The channel axis that all readers agree on; a weight read along different axes can only be per-tensor. */
function commonAxis(readers: readonly { port: Port; node: NodeProto }[], rank: number): number | null {
  const axes = new Set(readers.map(({ port, node }) => weightAxis(node, port.input, rank)));
  const [axis = null] = axes;
  return axes.size === 1 ? axis : null;
}

/** Convolutions without groups, transposed convolutions, Gemm and MatMul; grouped and depthwise ones are not included. */
function takesHalfRange(node: NodeProto): boolean {
  return isLinear(node) && !isGrouped(node);
}

function halfRangeNodes(
  graph: Graph,
  options: WeightOptions,
  targets: ReadonlyMap<string, { port: Port; node: NodeProto }[]>,
): ReadonlySet<string> {
  const weighted = new Set([...targets.values()].flat().map(({ node }) => node));
  if (options.overflowFix === 'enable') {
    return new Set([...weighted].filter(takesHalfRange).map((node) => node.name));
  }

  return options.overflowFix === 'first_layer' ? firstLayers(graph, weighted) : new Set();
}

/**
 * The first layers: from each model input, every path is followed to its first convolution without groups that has a
 * quantized weight. Grouped and depthwise convolutions do not end the walk.
 */
function firstLayers(graph: Graph, weighted: ReadonlySet<NodeProto>): ReadonlySet<string> {
  const first = firstOnPaths(
    graph.inputs,
    (tensor) => graph.consumers(tensor).map(({ node }) => node),
    ({ output }) => output,
    (node) => weighted.has(node) && mayBeFirstLayer(node),
  );

  return new Set([...first].map(({ name }) => name));
}
