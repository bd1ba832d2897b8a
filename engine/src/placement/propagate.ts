import { append } from '@quantsmith/schemas';
import type { Graph } from '@quantsmith/model/graph';
import { ElementType, type NodeProto, intAttribute } from '@quantsmith/model/onnx';
import { dataInputs, has, isDepthwise, isLinear, isOperand, traitOf } from '@quantsmith/model/operators';
import { overriddenConfig } from './overrides.js';
import { isInside, type Interior } from './patterns.js';
import { isFarAway, isMasked, isNextToZero, padsBelowAll, valueReaders } from './sentinels.js';
import type { ActivationQuantizer, LayerSettings, Port, QuantizerConfig } from './types.js';

/** What a reading of a tensor asks of a quantizer there. */
interface Demand {
  /** The general one, but for `perChannel`. */
  readonly config: QuantizerConfig;
  /** What the config states of the operators that read. */
  readonly stated: readonly LayerSettings[];
  /** Symmetric whatever the preset says (operands of a product of two activations in a transformer). */
  readonly forcedSymmetric: boolean;
  /** Whether the value reaches a linear operator through agnostic ones. */
  readonly reachesLinear: boolean;
  /** The Concats that the demand has passed through on its way up. */
  readonly concats: ReadonlySet<string>;
}

export interface PropagationOptions {
  readonly activations: QuantizerConfig;
  /** Whether depthwise convolutions take per-channel activations. */
  readonly perChannelDepthwise: boolean;
  readonly ignored: ReadonlySet<string>;
  readonly interior: Interior;
  readonly transformer: boolean;
  /** Whether only what ONNX Runtime has integer kernels for takes quantized inputs. */
  readonly kernelsOnly: boolean;
  /** Whether everything that has one does, with constants as operands too, and inside fused patterns. */
  readonly everyKernel: boolean;
  /** What the config states of single nodes. */
  readonly layers: ReadonlyMap<string, LayerSettings>;
}

/**
 * Places the activation quantizers: one on every activation input of a quantizable operator, moved up through
 * operators that only move values, merged where all readers of a tensor agree (NNCF's MERGE_ALL_IN_ONE).
 * Pure; the result is in the order of the graph.
 */
export function propagateQuantizers(graph: Graph, options: PropagationOptions): ActivationQuantizer[] {
  const demands = new Map<NodeProto, (Demand | undefined)[]>();
  const placed: Placed[] = [];
  for (const node of [...graph.nodes].reverse()) {
    const outputs = node.output.filter((tensor) => tensor !== '' && graph.consumers(tensor).length > 0);
    const merged = outputs.map((tensor) => mergeAt(graph, tensor, demands));
    if (canPass(graph, node, outputs, merged, options)) {
      demands.set(node, passUp(graph, node, mergeDemands(merged as Demand[])));
      continue;
    }

    for (const tensor of [...outputs].reverse()) append(placed, placeAt(graph, tensor, demands));
    demands.set(node, ownDemands(graph, node, options));
  }

  for (const tensor of graph.inputs) append(placed, placeAt(graph, tensor, demands));
  for (const tensor of constantsWithDemands(graph, demands)) append(placed, placeAt(graph, tensor, demands));

  return finish(graph, placed.reverse());
}

interface Placed {
  readonly tensor: string;
  readonly targets: readonly Port[];
  readonly demand: Demand;
}

/** What the node itself asks at each input: a quantizable operator wants its float activations quantized. */
function ownDemands(graph: Graph, node: NodeProto, options: PropagationOptions): (Demand | undefined)[] {
  if (options.ignored.has(node.name)) return [];
  const asks = traitOf(node, graph) === 'quantizable' && (!options.kernelsOnly || has(node, 'takes-codes'));
  const kernel = options.everyKernel && traitOf(node, graph) === 'float' && has(node, 'integer-output');
  if (!asks && !kernel) return [];
  const settings = options.layers.get(node.name);
  const products = node.opType === 'MatMul' && node.input.every((input) => !graph.isConstant(input));

  return node.input.map((tensor, index) => {
    const operand = options.everyKernel && has(node, 'elementwise') && isPlainConstant(graph, tensor);
    if (!isActivation(graph, tensor) && !operand) return undefined;
    if (!options.everyKernel && isInside(options.interior, node, tensor)) return undefined;
    if (!isOperand(node, index)) return undefined;
    const perChannel =
      (options.perChannelDepthwise && isDepthwise(node, graph)) ||
      (options.activations.perChannel && !has(node, 'one-scale'));

    return {
      config: { ...options.activations, perChannel },
      stated: settings === undefined ? [] : [settings],
      forcedSymmetric: options.transformer && products,
      reachesLinear: isLinear(node),
      concats: new Set<string>(),
    };
  });
}

function isActivation(graph: Graph, tensor: string): boolean {
  if (tensor === '' || graph.isConstant(tensor) || graph.isOptional(tensor)) return false;
  return isFloat32(graph, tensor);
}

/** Float numbers, none of which is a mask's. */
const isPlainConstant = (graph: Graph, tensor: string) =>
  graph.isConstant(tensor) && graph.type(tensor)?.elemType === ElementType.FLOAT && !isFarAway(graph, tensor);

/** QuantizeLinear takes float32 alone; float16 is raised to it, a double stays what it is. */
function isFloat32(graph: Graph, tensor: string): boolean {
  const type = graph.type(tensor);
  return type === undefined || type.elemType === ElementType.FLOAT;
}

/** The demand of all readers of a tensor together, or undefined when one of them wants it float. */
function mergeAt(
  graph: Graph,
  tensor: string,
  demands: ReadonlyMap<NodeProto, (Demand | undefined)[]>,
): Demand | undefined {
  if (graph.outputs.includes(tensor) || graph.isCaptured(tensor)) return undefined;
  const readers = valueReaders(graph, tensor).map((port) => demands.get(port.node)?.[port.input]);
  if (readers.length === 0 || readers.some((demand) => demand === undefined)) return undefined;
  return mergeDemands(readers as Demand[]);
}

/** Per-channel only if all are, symmetric if any must be; what is stated of any holds for all. */
function mergeDemands(all: readonly Demand[]): Demand {
  const first = all[0] as Demand;
  return {
    config: { ...first.config, perChannel: all.every((demand) => demand.config.perChannel) },
    stated: [...new Set(all.flatMap((demand) => demand.stated))],
    forcedSymmetric: all.some((demand) => demand.forcedSymmetric),
    reachesLinear: all.some((demand) => demand.reachesLinear),
    concats: new Set(all.flatMap((demand) => [...demand.concats])),
  };
}

function canPass(
  graph: Graph,
  node: NodeProto,
  outputs: readonly string[],
  merged: readonly (Demand | undefined)[],
  options: PropagationOptions,
): boolean {
  const trait = traitOf(node, graph);
  if (trait !== 'agnostic' && trait !== 'concat') return false;
  if (outputs.length === 0 || merged.some((demand) => demand === undefined)) return false;
  if (options.ignored.has(node.name)) return false;
  if (merged.some((demand) => demand?.config.perChannel) && !has(node, 'keeps-channels')) return false;
  const inputs = dataInputs(node).map((index) => node.input[index] ?? '');
  if (has(node, 'maximum') && isMasked(graph, node.input[0] ?? '')) return false;
  if (node.opType === 'Pad' && !padsWithZero(graph, node) && !padsBelowAll(graph, node)) return false;

  return inputs.every((tensor) => tensor !== '' && isFloat32(graph, tensor));
}

/** Padding with zero, or next to it, keeps to the quantizer's range; any other constant may leave it. */
function padsWithZero(graph: Graph, node: NodeProto): boolean {
  const mode = node.attribute.find((attribute) => attribute.name === 'mode');
  if (mode !== undefined && new TextDecoder().decode(mode.s) !== 'constant') return true;
  const value = node.input[2] ?? '';
  return value === '' || isNextToZero(graph, value);
}

function passUp(graph: Graph, node: NodeProto, demand: Demand): (Demand | undefined)[] {
  const carriers = dataInputs(node);
  const concat = traitOf(node, graph) === 'concat' && demand.reachesLinear;
  const passed = concat ? { ...demand, concats: new Set([...demand.concats, node.name]) } : demand;
  return node.input.map((_, index) => (carriers.includes(index) ? passed : undefined));
}

/** The quantizers that stay on a tensor: one for each distinct configuration that its readers ask for. */
function placeAt(
  graph: Graph,
  tensor: string,
  demands: ReadonlyMap<NodeProto, (Demand | undefined)[]>,
): Placed[] {
  if (isSoftmaxOfOne(graph, tensor)) return [];
  const readers = valueReaders(graph, tensor);
  const asking = readers.flatMap((port) => {
    const demand = demands.get(port.node)?.[port.input];
    return demand === undefined ? [] : [{ port, demand }];
  });

  if (asking.length === 0) return [];
  if (asking.every(({ port }) => isLoneElementwise(port.node, demands))) return [];
  const merged = mergeDemands(asking.map(({ demand }) => demand));
  const targets = asking.map(({ port }) => ({ node: port.node.name, input: port.input }));

  return [{ tensor, targets, demand: merged }];
}

/** The runtime's integer Softmax over a single value gives 0 instead of 1. */
function isSoftmaxOfOne(graph: Graph, tensor: string): boolean {
  const node = graph.producer(tensor);
  if (node === undefined || !has(node, 'probabilities')) return false;
  return graph.type(tensor)?.dims?.at(intAttribute(node, 'axis', -1)) === 1;
}

/** An element-wise operator with one quantized activation gains nothing from it: its other operand is float. */
function isLoneElementwise(
  node: NodeProto,
  demands: ReadonlyMap<NodeProto, (Demand | undefined)[]>,
): boolean {
  if (!has(node, 'elementwise')) return false;
  return (demands.get(node) ?? []).filter((demand) => demand !== undefined).length === 1;
}

/** Constants that an agnostic operator mixes with activations (a class token in a Concat). */
function constantsWithDemands(
  graph: Graph,
  demands: ReadonlyMap<NodeProto, (Demand | undefined)[]>,
): Set<string> {
  const constants = new Set<string>();
  for (const [node, inputDemands] of demands) {
    inputDemands.forEach((demand, index) => {
      const tensor = node.input[index] ?? '';
      if (demand !== undefined && tensor !== '' && graph.isConstant(tensor)) constants.add(tensor);
    });
  }

  return constants;
}

/** Names the quantizers, sets their axis, and gives quantizers that meet in a Concat one shared range. */
function finish(graph: Graph, placed: readonly Placed[]): ActivationQuantizer[] {
  const groupOf = unifiedGroups(placed);
  const statedIn = new Map<string, LayerSettings[]>();
  for (const { demand } of placed) {
    const group = groupOf(demand.concats);
    if (group !== null) statedIn.set(group, [...(statedIn.get(group) ?? []), ...demand.stated]);
  }

  return placed.map(({ tensor, targets, demand }) => {
    const writer = graph.producer(tensor);
    const oneScale = writer !== undefined && has(writer, 'one-scale');
    const perChannel = demand.config.perChannel && (graph.rank(tensor) ?? 0) > 1 && !oneScale;
    const unified = groupOf(demand.concats);
    // What shares a range shares everything that makes codes of it.
    const stated = unified === null ? demand.stated : statedIn.get(unified)!;

    return {
      id: `activation:${tensor}`,
      tensor,
      targets,
      config: {
        ...overriddenConfig(demand.config, stated),
        perChannel,
        ...(demand.forcedSymmetric ? { mode: 'symmetric' as const } : {}),
      },
      axis: perChannel ? 1 : null,
      unified,
      atOutput: false,
    };
  });
}

/** Union of Concats that share a quantizer; the key of a group is its first Concat's name. */
function unifiedGroups(placed: readonly Placed[]): (concats: ReadonlySet<string>) => string | null {
  const parent = new Map<string, string>();
  const find = (name: string): string => {
    const next = parent.get(name);
    return next === undefined || next === name ? name : find(next);
  };

  for (const { demand } of placed) {
    const [first, ...rest] = [...demand.concats];
    if (first === undefined) continue;
    for (const other of rest) parent.set(find(other), find(first));
  }

  return (concats) => {
    const [first] = [...concats];
    return first === undefined ? null : find(first);
  };
}
