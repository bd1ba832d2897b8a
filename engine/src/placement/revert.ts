import type { Graph } from '@quantsmith/model/graph';
import { traitOf } from '@quantsmith/model/operators';
import { behindSharedMovers, portsBelow } from './sharedMovers.js';
import type { Placement } from './types.js';

/**
 * The operators whose inputs each quantizer serves, found by walking from its targets down through operators that
 * only move values. Keyed by quantizer id; quantizers that stand for one another have one.
 */
export function operatorsServed(
  graph: Graph,
  placement: Placement,
): ReadonlyMap<string, ReadonlySet<string>> {
  const served = new Map<string, ReadonlySet<string>>();
  for (const quantizer of placement.weights) {
    served.set(quantizer.id, new Set(quantizer.targets.map((port) => port.node)));
  }

  for (const quantizer of placement.activations) {
    const operators = portsBelow(graph, quantizer.targets)
      .map(({ node }) => node)
      .filter((node) => traitOf(node, graph) === 'quantizable')
      .map(({ name }) => name);
    served.set(quantizer.id, new Set([...(served.get(quantizer.id) ?? []), ...operators]));
  }

  return served;
}

/** The operators of which a placement quantizes a weight. */
export const weightedOperators = ({ weights }: Pick<Placement, 'weights'>): ReadonlySet<string> =>
  new Set(weights.flatMap(({ targets }) => targets.map((port) => port.node)));

/** Every operator that a placement quantizes, in the order of the graph. */
export function quantizedOperators(graph: Graph, placement: Placement): string[] {
  const served = operatorsServed(graph, placement);
  const all = new Set([...served.values()].flatMap((names) => [...names]));
  return graph.nodes.map((node) => node.name).filter((name) => all.has(name));
}

/**
 * Operators that can only go back to float together: those that share a weight. Every quantized operator is in
 * exactly one group.
 */
export function revertGroups(graph: Graph, placement: Placement): string[][] {
  const groupOf = new Map<string, Set<string>>();
  for (const name of quantizedOperators(graph, placement)) groupOf.set(name, new Set([name]));
  for (const quantizer of placement.weights) {
    const merged = new Set(quantizer.targets.flatMap((port) => [...(groupOf.get(port.node) ?? [])]));
    for (const name of merged) groupOf.set(name, merged);
  }

  return [...new Set(groupOf.values())].map((names) => [...names]);
}

/**
 * The placement with the given operators back in float: their weights keep full precision, they read their inputs
 * unrounded, and an activation quantizer goes when no other operator needs it. Where they share an operator that only moves
 * values with others, the quantizer of the others stands behind it.
 */
export function revertOperators(
  graph: Graph,
  placement: Placement,
  reverted: ReadonlySet<string>,
): Placement {
  if (reverted.size === 0) return placement;
  const served = operatorsServed(graph, placement);
  const weights = placement.weights.flatMap((quantizer) => {
    const targets = quantizer.targets.filter((port) => !reverted.has(port.node));
    return targets.length === 0 ? [] : [{ ...quantizer, targets }];
  });
  const needed = placement.activations.filter(({ id, atOutput }) => {
    const operators = [...(served.get(id) ?? [])];
    return atOutput || operators.length === 0 || operators.some((name) => !reverted.has(name));
  });

  return { ...placement, activations: behindSharedMovers(graph, needed, reverted), weights };
}
