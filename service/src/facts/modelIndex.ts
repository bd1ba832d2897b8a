import { MAX_FUNCTION_DEPTH } from '@quantsmith/model/graph';
import { functionKey } from '@quantsmith/model/onnx';
import { operatorsInBodies, REFUSAL_CHECKS, structureOfSummary } from '@quantsmith/model/refusals';
import type { ModelNode, ModelSummary } from '@quantsmith/schemas';
import { once } from './once.js';

/** Words that a misspelt one may mean, as they stand and as they are compared. */
export interface Words {
  readonly written: readonly string[];
  readonly plain: readonly string[];
}

/** A word without what is easily mistaken: the case of letters, dashes and spaces. */
export const plainWord = (text: string) => text.toLowerCase().replace(/[-_ ]/g, '');

export const wordsOf = (written: readonly string[]): Words => ({ written, plain: written.map(plainWord) });

/** What follows from a model alone: found out when it is first asked for, and then the same for every text about it. */
export interface ModelIndex {
  /** With those of bodies and of functions: rules may name them all. */
  readonly nodes: () => readonly ModelNode[];
  readonly names: () => ReadonlySet<string>;
  /** The same as they are compared with misspelt ones. */
  readonly words: () => Words;
  readonly types: () => ReadonlySet<string>;
  /** Operator types by the names of nodes. */
  readonly operators: () => ReadonlyMap<string, string>;
  /** The first node that gives each tensor. */
  readonly makers: () => ReadonlyMap<string, ModelNode>;
  /** Why a run will refuse it, or what it will do inside bodies. */
  readonly refusals: () => ReturnType<typeof operatorsInBodies>;
  /** What every check asks for, in pieces that can be made one after the other beforehand: together they would be a long turn. */
  readonly pieces: readonly (() => unknown)[];
}

export function createModelIndex(model: ModelSummary): ModelIndex {
  const stated = once(() => withBodies(model.nodes));
  const nodes = once(() => [...stated(), ...ofFunctions(model)]);
  const names = once(() => new Set(nodes().map(({ name }) => name)));
  const types = once(() => new Set(nodes().map(({ op }) => op)));
  const structure = once(() => structureOfSummary(model));
  const refusalChecks = REFUSAL_CHECKS.map((check) => once(() => check(structure())));
  const refusals = once(() => {
    for (const check of refusalChecks) {
      const refusal = check();
      if (refusal !== null) return [refusal];
    }

    return operatorsInBodies(structure());
  });

  return {
    nodes,
    names,
    words: once(() => wordsOf([...new Set(nodes().map(({ name }) => name))])),
    types,
    operators: once(() => new Map(nodes().map(({ name, op }) => [name, op]))),
    makers: once(() => {
      const makers = new Map<string, ModelNode>();
      for (const node of stated())
        for (const tensor of node.outputs) if (!makers.has(tensor)) makers.set(tensor, node);
      return makers;
    }),
    refusals,
    pieces: [stated, nodes, names, types, ...refusalChecks, refusals],
  };
}

/** The same nodes where none has a body. */
function withBodies(nodes: readonly ModelNode[]): readonly ModelNode[] {
  if (nodes.every(({ bodies }) => bodies.length === 0)) return nodes;
  return nodes.flatMap((node) => [node, ...withBodies(node.bodies)]);
}

/** Nodes of functions that are named at most: their number may double with each depth. */
const MAX_HELD = 100_000;

/** What a run puts in the places of a model's calls of its own functions, under the names that it has there. */
function ofFunctions({ nodes, functions }: ModelSummary): readonly ModelNode[] {
  if (functions.length === 0) return [];
  const bodies = new Map(functions.map(({ domain, name, nodes: body }) => [functionKey(domain, name), body]));
  const held: ModelNode[] = [];
  const calls = [{ nodes, depth: 0 }];
  for (let some = calls.pop(); some !== undefined && held.length < MAX_HELD; some = calls.pop()) {
    const depth = some.depth + 1;
    for (const call of some.nodes) {
      const body = bodies.get(functionKey(call.domain, call.op)) ?? [];
      const inner = body.map((node) => ({ ...node, name: `${call.name}/${node.name}` }));
      for (const node of inner) held.push(node);
      if (inner.length > 0 && depth < MAX_FUNCTION_DEPTH) calls.push({ nodes: inner, depth });
    }
  }

  return held;
}
