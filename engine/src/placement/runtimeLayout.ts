import { append } from '@quantsmith/schemas';
import type { Graph } from '@quantsmith/model/graph';
import { ElementType, type NodeProto, intAttribute, isFloatType, isOnnxDomain } from '@quantsmith/model/onnx';
import { has, isLinear, isMover, isOperand, traitOf } from '@quantsmith/model/operators';
import { weightedOperators } from './revert.js';
import { isMasked } from './sentinels.js';
import type { ActivationQuantizer, Placement, Port, QuantizerConfig } from './types.js';

/**
 * Completes a placement for ONNX Runtime: an operator whose inputs are all quantized gets its output quantized too,
 * behind the activation that folds into it; otherwise the runtime computes it in float. A Concat's output repeats the
 * range of its unified inputs. Pure; quantizers that the placement already has are never changed, only widened to
 * more readers.
 */
export function completeForRuntime(
  graph: Graph,
  placement: Placement,
  config: QuantizerConfig,
  reverted: ReadonlySet<string> = new Set(),
): Placement {
  const float = floatReaders(graph, placement, reverted);
  const activations = new Map(placement.activations.map((quantizer) => [quantizer.tensor, quantizer]));
  const quantizedPorts = new Set(
    [...placement.activations, ...placement.weights].flatMap((quantizer) => quantizer.targets.map(portKey)),
  );

  for (const node of graph.nodes) {
    if (!has(node, 'integer-output') || placement.float.has(node.name) || reverted.has(node.name)) continue;
    if (!operandsQuantized(graph, node, quantizedPorts)) continue;
    const tensor = outputBehindActivation(graph, node);
    // Behind the last linear operator only a convolution is worth a rounded output.
    if (!isLinear(node) && !activations.has(tensor) && isTail(graph, tensor)) continue;
    if (isMasked(graph, tensor)) continue;
    const added = coverReaders(graph, tensor, activations.get(tensor), {
      config: { ...config, perChannel: false },
      unified: unifiedOf(graph, node, activations),
      float,
    });

    if (added === undefined) continue;
    activations.set(tensor, added);
    for (const target of added.targets) quantizedPorts.add(portKey(target));
  }

  const order = new Map([...activations.keys()].map((tensor, index) => [tensor, index]));
  const all = [...activations.values()].sort((a, b) => order.get(a.tensor)! - order.get(b.tensor)!);

  return { ...placement, activations: all };
}

/**
 * Operators that must read float values: the reverted ones; those that make integers of them, which a rounding error may
 * tip over; and linear operators whose weight stays float. Between a DequantizeLinear and a QuantizeLinear the runtime
 * would quantize their weights by itself.
 */
function floatReaders(
  graph: Graph,
  placement: Placement,
  reverted: ReadonlySet<string>,
): ReadonlySet<string> {
  const weighted = weightedOperators(placement);
  const unweighted = graph.nodes.filter(
    (node) =>
      isLinear(node) &&
      !weighted.has(node.name) &&
      node.input.slice(0, 2).some((tensor) => graph.isConstant(tensor)),
  );

  const names = (nodes: readonly NodeProto[]) => nodes.map(({ name }) => name);
  const needing = [...reverted, ...names(unweighted), ...wouldFuse(graph, placement)];

  return withMoversAbove(graph, placement, new Set(needing), names(graph.nodes.filter(castsToInteger)));
}

/**
 * Operators that only move values for float readers: the runtime would hand their codes on, past the place where they end. What an
 * operator in float needs comes before what others gain by codes, as it does where both read the same tensor; those that only
 * prefer float have no say beside such as gain by codes.
 */
function withMoversAbove(
  graph: Graph,
  placement: Placement,
  needing: ReadonlySet<string>,
  preferring: readonly string[],
): ReadonlySet<string> {
  const all = new Set([...needing, ...preferring]);
  const needed = new Set(needing);
  const coded = new Set(placement.activations.map(({ tensor }) => tensor));
  const wanting = new Set<string>();
  const readersOf = (node: NodeProto) => node.output.flatMap((tensor) => graph.consumers(tensor));
  for (const node of [...graph.nodes].reverse()) {
    const moves = isMover(node, graph);
    const readers = readersOf(node).map((port) => port.node.name);
    if (moves && readers.some((name) => needed.has(name))) {
      needed.add(node.name);
      all.add(node.name);
      continue;
    }

    const isWanted = readers.some((name) => wanting.has(name));
    if (moves ? isWanted : wantsCodes(graph, node, coded) && !all.has(node.name)) wanting.add(node.name);
    if (!moves || isWanted || !readers.some((name) => all.has(name))) continue;
    if (node.output.some((tensor) => graph.outputs.includes(tensor) || graph.isCaptured(tensor))) continue;
    all.add(node.name);
  }

  return all;
}

/** Whether an operator can become an integer kernel: a linear one, or one whose codes somebody takes. */
function wantsCodes(graph: Graph, node: NodeProto, coded: ReadonlySet<string>): boolean {
  if (isLinear(node)) return true;
  const tensor = outputBehindActivation(graph, node);
  return has(node, 'integer-output') && (coded.has(tensor) || !isTail(graph, tensor));
}

const castsToInteger = (node: NodeProto) =>
  isOnnxDomain(node) && node.opType === 'Cast' && !isFloatType(intAttribute(node, 'to', ElementType.FLOAT));

/**
 * Operators that must stay float, but would be fused into an integer kernel if their operands were rounded as well: those with a
 * quantized output, and products, whose kernels give float. One operand that comes from another float operator is enough to
 * prevent that.
 */
function wouldFuse(graph: Graph, placement: Placement): string[] {
  const quantized = new Set(placement.activations.map((quantizer) => quantizer.tensor));
  const isProduct = (node: NodeProto) =>
    isLinear(node) && has(node, 'takes-codes') && !has(node, 'integer-output');
  const hasKernel = (node: NodeProto) =>
    isProduct(node) || isRounded(graph, quantized, outputBehindActivation(graph, node));

  return graph.nodes
    .filter((node) => placement.float.has(node.name) && hasKernel(node))
    .filter((node) => !node.input.some((tensor) => isFloatResult(graph, placement, quantized, tensor)))
    .map((node) => node.name);
}

/** Whether a tensor is rounded to codes, at once or behind operators that only move it: the runtime would carry the rounding up. */
function isRounded(graph: Graph, quantized: ReadonlySet<string>, tensor: string): boolean {
  if (quantized.has(tensor)) return true;
  const [reader, ...others] = graph.consumers(tensor);
  if (reader === undefined || others.length > 0 || !isMover(reader.node, graph)) return false;
  return reader.node.output.some((moved) => isRounded(graph, quantized, moved));
}

/** Whether a float operator computes the tensor, also before operators that only move it: those may move codes. */
function isFloatResult(
  graph: Graph,
  placement: Placement,
  quantized: ReadonlySet<string>,
  tensor: string,
): boolean {
  if (quantized.has(tensor)) return false;
  const mover = moverOf(graph, tensor);
  if (mover !== undefined) return isFloatResult(graph, placement, quantized, mover.input[0] ?? '');
  const producer = graph.producer(tensor);
  return producer !== undefined && placement.float.has(producer.name);
}

/** Whether all operands of an operator come as codes, so that the runtime may pick an integer kernel for it. */
export function readsCodes(
  graph: Graph,
  { activations, weights }: Pick<Placement, 'activations' | 'weights'>,
  node: NodeProto,
): boolean {
  const ports = [...activations, ...weights].flatMap(({ targets }) => targets.map(portKey));
  return operandsQuantized(graph, node, new Set(ports));
}

/** The operators that the runtime computes in integers: their operands come as codes, and where the kernel gives codes, its result does. */
export function integerOperators(graph: Graph, { activations, weights }: Placement): ReadonlySet<string> {
  const ports = new Set([...activations, ...weights].flatMap(({ targets }) => targets.map(portKey)));
  const coded = new Set(activations.map(({ tensor }) => tensor));
  const integer = graph.nodes.filter((node) => {
    const kernel = has(node, 'integer-output') || (isLinear(node) && has(node, 'takes-codes'));
    if (!kernel || !operandsQuantized(graph, node, ports)) return false;
    return !has(node, 'integer-output') || coded.has(outputBehindActivation(graph, node));
  });

  return new Set(integer.map(({ name }) => name));
}

const portKey = (port: Port) => `${port.node}\u0000${port.input}`;

function operandsQuantized(graph: Graph, node: NodeProto, quantized: ReadonlySet<string>): boolean {
  const operands = node.input.flatMap((_, index) => (isOperand(node, index) ? [index] : []));
  return operands.every((input) => isQuantized(graph, node, input, quantized));
}

/** Whether an input comes as codes: from a quantizer right before it, or through operators that only move values. */
function isQuantized(graph: Graph, node: NodeProto, input: number, quantized: ReadonlySet<string>): boolean {
  if (quantized.has(portKey({ node: node.name, input }))) return true;
  const mover = moverOf(graph, node.input[input] ?? '');
  return mover !== undefined && isQuantized(graph, mover, 0, quantized);
}

/** The operator that a tensor comes from, if that only moves the values of its first input. */
function moverOf(graph: Graph, tensor: string): NodeProto | undefined {
  const producer = graph.producer(tensor);
  return producer !== undefined && isMover(producer, graph) ? producer : undefined;
}

/** The tensor that the integer kernel writes: the node's output, or that of the Relu or Clip folded into it. */
export function outputBehindActivation(graph: Graph, node: NodeProto): string {
  const output = node.output[0] ?? '';
  if (graph.outputs.includes(output) || graph.isCaptured(output)) return output;
  const readers = graph.consumers(output);
  const [reader] = readers;
  const absorbed = readers.length === 1 && reader !== undefined && isAbsorbed(graph, reader.node);
  return absorbed ? (reader.node.output[0] ?? output) : output;
}

/** Relu, and Clip with constant bounds: of others the runtime does not know that the quantizer does their work. */
function isAbsorbed(graph: Graph, node: NodeProto): boolean {
  return (
    has(node, 'absorbed') && node.input.slice(1).every((bound) => bound === '' || graph.isConstant(bound))
  );
}

/** Whether no linear operator comes after the tensor: what is computed from it goes to the model's outputs. */
export function isTail(graph: Graph, tensor: string): boolean {
  const seen = new Set<string>();
  const queue = [tensor];
  for (let current = queue.pop(); current !== undefined; current = queue.pop()) {
    if (graph.isCaptured(current)) return false;
    for (const { node } of graph.consumers(current)) {
      if (isLinear(node)) return false;
      if (seen.has(node.name)) continue;
      seen.add(node.name);
      append(queue, node.output);
    }
  }

  return true;
}

/** The quantizer on `tensor` with all of its readers as targets, or undefined when it has them already. */
function coverReaders(
  graph: Graph,
  tensor: string,
  existing: ActivationQuantizer | undefined,
  fallback: { config: QuantizerConfig; unified: string | null; float: ReadonlySet<string> },
): ActivationQuantizer | undefined {
  const readers = graph.consumers(tensor).filter((port) => !fallback.float.has(port.node.name));
  // A kernel whose result an operator needs in float gains nothing from a rounded one beside it.
  if (existing === undefined && readers.length < graph.consumers(tensor).length) return undefined;
  const targets = readers.map((port) => ({ node: port.node.name, input: port.input }));
  const atOutput = graph.outputs.includes(tensor);
  if (existing !== undefined) {
    if (existing.targets.length === targets.length && existing.atOutput === atOutput) return undefined;
    return { ...existing, targets, atOutput };
  }

  return {
    id: `activation:${tensor}`,
    tensor,
    targets,
    config: fallback.config,
    axis: null,
    unified: fallback.unified,
    atOutput,
  };
}

/** A Concat of unified inputs writes the same range, which makes it a plain copy of codes. */
function unifiedOf(
  graph: Graph,
  node: NodeProto,
  activations: ReadonlyMap<string, ActivationQuantizer>,
): string | null {
  if (traitOf(node, graph) !== 'concat') return null;
  const keys = node.input.map((tensor) => quantizerAbove(graph, tensor, activations)?.unified ?? null);
  const [first = null] = keys;
  return first !== null && keys.every((key) => key === first) ? first : null;
}

function quantizerAbove(
  graph: Graph,
  tensor: string,
  activations: ReadonlyMap<string, ActivationQuantizer>,
): ActivationQuantizer | undefined {
  const quantizer = activations.get(tensor);
  if (quantizer !== undefined) return quantizer;
  const mover = moverOf(graph, tensor);
  return mover === undefined ? undefined : quantizerAbove(graph, mover.input[0] ?? '', activations);
}
