import { ElementType, type ModelProto, type NodeProto, weightBytes } from '@quantsmith/model/onnx';
import { type GraphBuilder, withBuilt } from '@quantsmith/model/graph';
import { integerKernel } from '@quantsmith/model/operators';
import { integerLayers, type IntegerLayer } from './layers.js';
import { isAtRisk, riskyPairs } from './pairs.js';
import {
  addSaturatingLayer,
  addSaturationError,
  buildLayer,
  isReproducible,
  operandRows,
  someRows,
} from './saturate.js';

/** What is added to a model can take a few times its own weights, and all of it has to fit into one file in memory. */
const LARGEST_BYTES = 2.5e8;

/** Sums of one layer that are looked at together, each some ten times in memory; of more, some stand for all. */
const MOST_SUMS = 2 ** 24;

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
  const graph = optimized.graph;
  const built: GraphBuilder[] = [];
  const node = graph.node.flatMap((old) => {
    const layer = layers.get(old);
    if (layer === undefined) return [old];
    const part = buildLayer(layer);
    addSaturatingLayer(part, layer);
    built.push(part);
    return part.nodes;
  });

  const initializer = [...graph.initializer, ...built.flatMap(({ constants }) => [...constants.values()])];

  return { ...optimized, graph: { ...graph, node, initializer } };
}

/** What `build` adds to the model beside each layer at risk whose arithmetic is known, and what it says of it. */
export function buildLayers<T>(
  optimized: ModelProto,
  build: (built: GraphBuilder, layer: IntegerLayer) => T,
): { built: GraphBuilder[]; layers: T[] } {
  const layers = layersAtRisk(optimized).filter(isReproducible);
  const built = layers.map(buildLayer);
  return { built, layers: layers.map((layer, index) => build(built[index]!, layer)) };
}

/** What to read of one layer from a model that is being observed: names of scalar outputs. */
export interface Observed {
  readonly layer: IntegerLayer;
  /** The share of its positions that the others are of, but for the results and the signal. */
  readonly share: string;
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
  const { built, layers } = buildLayers(optimized, observe);
  const outputs = layers.flatMap(({ share, saturated, results, signal, noise }) => [
    share,
    saturated,
    results,
    signal,
    noise,
  ]);

  return { model: withBuilt(optimized, built, outputs), layers };
}

function observe(built: GraphBuilder, layer: IntegerLayer): Observed {
  const pairs = riskyPairs(layer.rows);
  const mostRows = Math.max(1, Math.floor(MOST_SUMS / (pairs.places.length + 1)));
  const { rows, share } = someRows(built, operandRows(built, layer), mostRows);
  const { excess, sum } = addSaturationError(built, layer, rows, pairs);
  const { node, result, real } = layer;
  const output = node.output[0]!;
  const exact = result === null ? output : built.add('DequantizeLinear', [output, ...resultParameters(node)]);
  const unit = built.constant([real.length, 1], ElementType.FLOAT, real);
  const error = built.add('Mul', [built.add('Cast', [sum], { to: ElementType.FLOAT }), unit]);
  const squares = (tensor: string) => built.add('ReduceSumSquare', [tensor], { keepdims: 0 });
  // Terms are whole numbers: cut to 1 they count.
  const limits = [0, 1].map((limit) => built.constant([], ElementType.FLOAT, Float32Array.of(limit)));
  const flags = built.add('Clip', [built.add('Abs', [excess]), ...limits]);

  return {
    layer,
    share,
    saturated: built.add('ReduceSum', [flags], { keepdims: 0 }),
    results: built.add('Size', [output]),
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
