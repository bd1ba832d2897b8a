import { leftInFloat, refusalOf, structureOfSummary } from '@quantsmith/model/refusals';
import type { ModelSummary } from '@quantsmith/schemas';

/** What follows from a model alone: found out when it is first asked for, and then the same for every text about it. */
export interface ModelIndex {
  readonly names: () => ReadonlySet<string>;
  readonly types: () => ReadonlySet<string>;
  /** Operator types by the names of nodes. */
  readonly operators: () => ReadonlyMap<string, string>;
  /** Why a run will refuse it, or what it will leave in float. */
  readonly refusals: () => ReturnType<typeof leftInFloat>;
}

export function createModelIndex(model: ModelSummary): ModelIndex {
  return {
    names: once(() => new Set(model.nodes.map(({ name }) => name))),
    types: once(() => new Set(model.nodes.map(({ op }) => op))),
    operators: once(() => new Map(model.nodes.map(({ name, op }) => [name, op]))),
    refusals: once(() => {
      const structure = structureOfSummary(model);
      const refusal = refusalOf(structure);
      return refusal === null ? leftInFloat(structure) : [refusal];
    }),
  };
}

function once<T>(compute: () => T): () => T {
  let known: { readonly value: T } | null = null;
  return () => (known ??= { value: compute() }).value;
}
