import { append, largest } from '@quantsmith/schemas';
import { tensorElements, type Graph } from '@quantsmith/model/graph';
import type { NodeProto } from '@quantsmith/model/onnx';
import { dataInputs, has, isLinear, isMover, traitOf } from '@quantsmith/model/operators';
import { microseconds, type ClassCosts } from './kernelCosts.js';
import { quantizedOperators, weightedOperators } from './revert.js';
import { integerOperators } from './runtimeLayout.js';
import type { Placement } from './types.js';

/** Less than this share saved is within what a table can tell. */
const WORTH_IT = 0.1;
/** Improvements of one operator after the other; more rounds have found nothing in practice. */
const MAX_ROUNDS = 3;

/**
 * The operators without weights that a placement makes integer although they, with the conversions around them, take longer so on
 * a CPU of these costs. Operators with weights stay as they are: in float, they would take the integer kernels in front of them along.
 * `written`: completed for the runtime. What is not in the table, or of unknown size, stays as it is, too. Pure.
 */
export function slowInIntegers(graph: Graph, written: Placement, costs: ClassCosts): ReadonlySet<string> {
  const integer = integerOperators(graph, written);
  const priced = graph.nodes.filter(
    (node) =>
      integer.has(node.name) && costs.kernels[node.opType] !== undefined && elementsOf(graph, node) !== null,
  );

  const slow = new Set<string>();
  for (const island of islandsOf(graph, priced)) {
    for (const name of cheapestInFloat(graph, island, integer, costs)) slow.add(name);
  }

  return new Set(graph.nodes.map(({ name }) => name).filter((name) => slow.has(name)));
}

/**
 * The operators without weights that a placement quantizes although no integer kernel beside them gives or takes codes. Coding the
 * operands reads every value once, as the operator does: on no CPU can it gain, and its result is rounded for nothing. `written`:
 * completed for the runtime. Pure.
 */
export function aloneInIntegers(graph: Graph, written: Placement): ReadonlySet<string> {
  const quantized = new Set(quantizedOperators(graph, written));
  // Codes of weights, a table's say, make the file smaller wherever they are read.
  const weighted = weightedOperators(written);
  const candidates = graph.nodes.filter(
    (node) => quantized.has(node.name) && !isLinear(node) && !weighted.has(node.name),
  );

  // A Resize hands codes on without a range of its own: it is beside an integer kernel where the next operator is.
  const passing = candidates
    .filter((node) => has(node, 'takes-codes') && !has(node, 'integer-output'))
    .map(({ name }) => name);
  const integer = new Set([...integerOperators(graph, written), ...passing]);
  const alone = new Set<string>();
  // What one of them was beside may be alone without it.
  for (let known = -1; known < alone.size;) {
    known = alone.size;
    for (const node of candidates) {
      if (neighboursOf(graph, node).some((name) => name !== node.name && integer.has(name))) continue;
      alone.add(node.name);
      integer.delete(node.name);
    }
  }

  return alone;
}

/** The operators that make an operator's operands, read them too, or read its result; behind all that only move values. */
function neighboursOf(graph: Graph, node: NodeProto): string[] {
  const sources = node.input.map((tensor) => sourceBehindAbsorbed(graph, tensor));
  const readers = [...sources, ...node.output].flatMap((tensor) => readersOf(graph, tensor));
  return [...makersOf(graph, node), ...readers.map(({ name }) => name)];
}

/** Elements of an operator's largest tensor; a free first axis counts as one sample. null: not known. */
function elementsOf(graph: Graph, node: NodeProto): number | null {
  const sizes = [node.input[0] ?? '', node.output[0] ?? ''].map((tensor) => tensorElements(graph, tensor));
  const known = sizes.filter((size) => size !== null);
  return known.length < sizes.length ? null : largest(known);
}

/** What makes a tensor's values: the tensor above all operators that only move them. */
function sourceOf(graph: Graph, tensor: string): string {
  const producer = graph.producer(tensor);
  if (producer === undefined || traitOf(producer, graph) !== 'agnostic') return tensor;
  const [moved = 0, ...others] = dataInputs(producer);
  return others.length > 0 ? tensor : sourceOf(graph, producer.input[moved] ?? '');
}

/** The operators that compute with a tensor's values, behind all that only move them. */
function readersOf(graph: Graph, tensor: string): NodeProto[] {
  return graph
    .consumers(tensor)
    .flatMap(({ node }) =>
      isTransparent(graph, node) ? node.output.flatMap((output) => readersOf(graph, output)) : [node],
    );
}

/** Relu and Clip fold into the quantizer behind them, and the other ones hand codes on. */
function isTransparent(graph: Graph, node: NodeProto): boolean {
  return has(node, 'absorbed') || isMover(node, graph);
}

/** Operators that hand codes to each other: what one of them computes in decides what the next one is given. */
function islandsOf(graph: Graph, nodes: readonly NodeProto[]): NodeProto[][] {
  const unvisited = new Map(nodes.map((node) => [node.name, node]));
  const neighbours = new Map<string, NodeProto[]>(nodes.map(({ name }) => [name, []]));
  for (const node of nodes) {
    for (const reader of node.output.flatMap((output) => readersOf(graph, output))) {
      if (!unvisited.has(reader.name)) continue;
      neighbours.get(node.name)?.push(reader);
      neighbours.get(reader.name)?.push(node);
    }
  }

  const islands: NodeProto[][] = [];
  for (const node of nodes) {
    if (!unvisited.delete(node.name)) continue;
    const island = [node];
    for (const member of island) {
      for (const next of neighbours.get(member.name) ?? [])
        if (unvisited.delete(next.name)) island.push(next);
    }

    islands.push(island);
  }

  return islands;
}

/** Which operators of an island to leave in float: none, all, or what pays one by one. */
function cheapestInFloat(
  graph: Graph,
  island: readonly NodeProto[],
  integer: ReadonlySet<string>,
  costs: ClassCosts,
): ReadonlySet<string> {
  const costWith = islandCost(graph, island, integer, costs);
  const none: ReadonlySet<string> = new Set();
  const all = new Set(island.map(({ name }) => name));
  // An operator alone, and with those that make its operands.
  const moves = island.flatMap((node) => [
    [node.name],
    [node.name, ...makersOf(graph, node).filter((maker) => all.has(maker))],
  ]);
  const before = costWith(none);
  let best = { float: none, cost: before };
  const consider = (float: ReadonlySet<string>) => {
    const cost = costWith(float);
    if (cost < best.cost) best = { float, cost };
  };

  for (let round = 0; round < MAX_ROUNDS; round++) {
    const { cost } = best;
    for (const names of moves) {
      if (names.some((name) => !best.float.has(name))) consider(new Set([...best.float, ...names]));
    }

    if (best.cost === cost) break;
  }

  consider(all);

  return best.cost < (1 - WORTH_IT) * before ? best.float : none;
}

/** A tensor's conversions: codes that a float operator reads are decoded, a float result that an integer kernel reads is coded. */
interface Border {
  readonly elements: number;
  readonly producer: NodeProto | undefined;
  readonly readers: readonly NodeProto[];
  readonly atOutput: boolean;
}

/**
 * The microseconds of an island and the conversions on its tensors, with some of its operators in float. Infinity: the runtime
 * would make one of these integer all the same, since codes come in and codes go out.
 */
function islandCost(
  graph: Graph,
  island: readonly NodeProto[],
  integer: ReadonlySet<string>,
  costs: ClassCosts,
): (float: ReadonlySet<string>) => number {
  const priced = (times: readonly number[], elements: number) =>
    microseconds(costs.elements, times, elements);
  const crossings = bordersOf(graph, island);
  const kernels = island.flatMap((node) => {
    const elements = elementsOf(graph, node);
    const times = costs.kernels[node.opType];
    if (elements === null || times === undefined) return [];
    const readers = node.output.flatMap((tensor) => readersOf(graph, tensor));
    return {
      ...{ name: node.name, makers: makersOf(graph, node), readers },
      ...{ float: priced(times.float, elements), codes: priced(times.integer, elements) },
    };
  });

  return (float) => {
    const computes = ({ name }: NodeProto) => integer.has(name) && !float.has(name);
    for (const { name, makers, readers } of kernels) {
      const fuses = readers.some(computes) && !makers.some((maker) => float.has(maker));
      if (float.has(name) && fuses) return Infinity;
    }

    let total = kernels.reduce(
      (sum, kernel) => sum + (float.has(kernel.name) ? kernel.float : kernel.codes),
      0,
    );
    for (const { elements, producer, readers, atOutput } of crossings) {
      const codes = readers.some(computes);
      const values = atOutput || !readers.every(computes);
      const isComputed = producer !== undefined && computes(producer);
      // A product gives whichever is asked for.
      const either = isComputed && isLinear(producer) && !has(producer, 'integer-output');
      const converted = either ? codes && values : isComputed ? values : codes;
      if (converted) total += priced(costs.conversions, elements) / 2;
    }

    return total;
  };
}

function bordersOf(graph: Graph, island: readonly NodeProto[]): Border[] {
  const tensors: string[] = [];
  for (const node of island) {
    append(
      tensors,
      [...node.input, ...node.output].filter((tensor) => tensor !== '' && !graph.isConstant(tensor)),
    );
  }

  return [...new Set(tensors.map((tensor) => sourceBehindAbsorbed(graph, tensor)))].flatMap((tensor) => {
    const elements = tensorElements(graph, tensor);
    if (elements === null) return [];
    const readers = readersOf(graph, tensor);
    const producer = graph.producer(tensor);
    return [{ elements, producer, readers, atOutput: graph.outputs.includes(tensor) }];
  });
}

/** The operators that make an operator's operands. */
function makersOf(graph: Graph, { input }: NodeProto): string[] {
  return input.flatMap((tensor) => graph.producer(sourceBehindAbsorbed(graph, tensor))?.name ?? []);
}

/** Above operators that move values and activations that fold into the kernel before them. */
function sourceBehindAbsorbed(graph: Graph, tensor: string): string {
  const source = sourceOf(graph, tensor);
  const producer = graph.producer(source);
  return producer !== undefined && has(producer, 'absorbed')
    ? sourceBehindAbsorbed(graph, producer.input[0] ?? '')
    : source;
}
