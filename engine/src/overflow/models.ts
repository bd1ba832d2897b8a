import {
  ElementType,
  type ModelProto,
  type NodeProto,
  weightBytes,
  withOutputs,
} from '@quantsmith/model/onnx';
import { integerKernel } from '@quantsmith/model/operators';
import { integerLayers, type IntegerLayer } from './layers.js';
import { isAtRisk } from './pairs.js';
import {
  addSaturatingLayer,
  addSaturationError,
  isReproducible,
  startDraft,
  type Draft,
} from './saturate.js';

/** What is added to a model can take a few times its own weights, and all of it has to fit into one file in memory. */
const LARGEST_BYTES = 2.5e8;

/** Whether a model has too many weights to be observed or emulated. */
export function isTooLarge(optimized: ModelProto): boolean {
  return weightBytes(optimized) > LARGEST_BYTES;
}

/**
 * The model as x86 CPUs without VNNI compute it, on any machine: of `optimized`, the runtime's own graph of the quantized
 * model, each layer with pairs at risk is replaced. Layers without pairs at risk stay as they are.
 */
export function saturatingModel(optimized: ModelProto): ModelProto {
  const layers = new Map(layersAtRisk(optimized).map((layer) => [layer.node, layer]));
  const graph = optimized.graph!;
  const drafts: Draft[] = [];
  const node = graph.node.flatMap((old) => {
    const layer = layers.get(old);
    if (layer === undefined) return [old];
    const draft = startDraft(old.output[0]!);
    addSaturatingLayer(draft, layer);
    drafts.push(draft);
    return draft.nodes;
  });
  const initializer = [...graph.initializer, ...drafts.flatMap(({ constants }) => constants)];
  return { ...optimized, graph: { ...graph, node, initializer } };
}

/** What `draft` adds to the model beside each layer at risk whose arithmetic is known, and what it says of it. */
export function draftLayers<T>(
  optimized: ModelProto,
  draft: (nodes: Draft, layer: IntegerLayer) => T,
): { drafts: Draft[]; drafted: T[] } {
  const layers = layersAtRisk(optimized).filter(isReproducible);
  const drafts = layers.map((layer) => startDraft(layer.node.output[0]!));
  return { drafts, drafted: layers.map((layer, index) => draft(drafts[index]!, layer)) };
}

/** What to read of one layer from a model that is being observed: names of scalar outputs. */
export interface Observed {
  readonly layer: IntegerLayer;
  /** How many pair sums saturate. */
  readonly saturated: string;
  /** How many results the layer has. */
  readonly results: string;
  /** Sums of squares, in the layer's real units: of its exact result, and of what saturation takes from it. */
  readonly signal: string;
  readonly noise: string;
}

/** The model with exact layers, and beside each layer at risk what saturation would do to it, as outputs. */
export function observedModel(optimized: ModelProto): { model: ModelProto; layers: Observed[] } {
  const { drafts, drafted: layers } = draftLayers(optimized, observe);
  const outputs = layers.flatMap(({ saturated, results, signal, noise }) => [
    saturated,
    results,
    signal,
    noise,
  ]);
  return { model: withDrafts(optimized, drafts, outputs), layers };
}

/** The model with more nodes, of which these outputs are all that is wanted of it. */
export function withDrafts(
  model: ModelProto,
  drafts: readonly Draft[],
  outputs: readonly string[],
): ModelProto {
  const graph = model.graph!;
  const node = [...graph.node, ...drafts.flatMap(({ nodes }) => nodes)];
  const initializer = [...graph.initializer, ...drafts.flatMap(({ constants }) => constants)];
  return withOutputs({ ...model, graph: { ...graph, node, initializer } }, outputs);
}

function observe(draft: Draft, layer: IntegerLayer): Observed {
  const { excess, sum } = addSaturationError(draft, layer);
  const { node, result, real } = layer;
  const output = node.output[0]!;
  const exact = result === null ? output : draft.add('DequantizeLinear', [output, ...resultParameters(node)]);
  const unit = draft.constant([real.length, 1], ElementType.FLOAT, real);
  const error = draft.add('Mul', [draft.add('Cast', [sum], { to: ElementType.FLOAT }), unit]);
  const squares = (tensor: string) => draft.add('ReduceSumSquare', [tensor], { keepdims: 0 });
  // Terms are whole numbers: cut to 1 they count.
  const limits = [0, 1].map((limit) => draft.constant([], ElementType.FLOAT, Float32Array.of(limit)));
  const flags = draft.add('Clip', [draft.add('Abs', [excess]), ...limits]);
  return {
    layer,
    saturated: draft.add('ReduceSum', [flags], { keepdims: 0 }),
    results: draft.add('Size', [output]),
    signal: squares(exact),
    noise: squares(error),
  };
}

/** The scale and the zero point of a kernel's result, as far as it has them. */
function resultParameters(node: NodeProto): string[] {
  const { yScale = null, yZero = null } = integerKernel(node.opType)?.multiplies?.ports ?? {};
  return [yScale, yZero].flatMap((port) => (port === null ? [] : node.input.slice(port, port + 1)));
}

/** The layers whose weights can saturate. */
export function layersAtRisk(optimized: ModelProto): IntegerLayer[] {
  return integerLayers(optimized).filter(({ rows }) => isAtRisk(rows));
}
