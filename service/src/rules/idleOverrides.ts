import { isKnownTo, staysFloat } from '@quantsmith/model/operators';
import type { ModelNode, ModelSummary, QuantizationConfig } from '@quantsmith/schemas';
import { once } from '../facts/once.js';
import type { ModelIndex } from '../facts/modelIndex.js';
import { createMatcher, type Matcher } from '../knowledge/matching.js';

type Quantization = NonNullable<QuantizationConfig['quantization']>;
type Entry = NonNullable<Quantization['overrides']>[number];
type Rules = Pick<Entry, 'names' | 'patterns' | 'types'>;

/** What an entry sets without reaching any of its operators, and why that is. */
export interface IdleEntry {
  /** Of all that it sets; null: some of it may have an effect. */
  readonly reason: string | null;
  /** Setting by setting. */
  readonly settings: ReadonlyMap<string, string>;
}

/** By the entry's index; entries all of whose settings may have an effect are left out. */
export function idleOverrides(
  { overrides, ignored_scope: scope }: Quantization,
  model: ModelSummary,
  index: ModelIndex,
): ReadonlyMap<number, IdleEntry> {
  const entries = overrides ?? [];
  const idle = new Map<number, IdleEntry>();
  if (entries.length === 0) return idle;
  const select = selector(index);
  const ignored = new Set(scope === undefined ? [] : select(scope).nodes);
  const selected = entries.map((entry) => ({ entry, ...select(entry) }));
  const float = keptFloat(selected);
  const unrounded = once(() => neverRounded(model));
  const later = new Map<string, Set<ModelNode>>();

  /** Why a setting does nothing for an operator; null: it may do something. */
  const reason = (node: ModelNode, key: string): string | null => {
    if (ignored.has(node)) return 'are in ignored_scope';
    if (later.get(key)?.has(node) === true) return 'are set by later entries';
    if (key === 'float') return null;
    if (float.has(node)) return 'stay in float because of another entry';
    return unrounded().has(node) ? 'are never quantized themselves' : null;
  };

  for (const [place, { entry, nodes, isWhole }] of [...selected.entries()].reverse()) {
    const keys = settingsOf(entry);
    if (isWhole && nodes.length > 0) {
      const reasons = keys.map((key) => [key, nodes.map((node) => reason(node, key))] as const);
      const settings = reasons.flatMap(([key, some]) =>
        some.includes(null) ? [] : [[key, together(some)] as const],
      );
      const isIdle = keys.length > 0 && settings.length === keys.length;
      const whole = isIdle ? together(reasons.flatMap(([, some]) => some)) : null;
      if (settings.length > 0) idle.set(place, { reason: whole, settings: new Map(settings) });
    }

    for (const key of keys) {
      const stated = later.get(key) ?? new Set();
      for (const node of nodes) stated.add(node);
      later.set(key, stated);
    }
  }

  return idle;
}

const together = (reasons: readonly (string | null)[]) => [...new Set(reasons)].join(' or ');

const SELECTING: ReadonlySet<string> = new Set<keyof Rules>(['names', 'patterns', 'types']);
const settingsOf = (entry: Entry) => Object.keys(entry).filter((key) => !SELECTING.has(key));

interface Selected {
  readonly nodes: readonly ModelNode[];
  /** Whether each of the rules selects something, and all that they select is known. */
  readonly isWhole: boolean;
}

/** Finds the operators that rules select, those of bodies and functions too. */
function selector(index: ModelIndex): (rules: Rules) => Selected {
  const nodes = index.nodes();
  const byName = grouped(nodes, 'name');
  const byType = grouped(nodes, 'op');
  const match: Matcher = createMatcher({ nodes });
  const matched = (pattern: string): readonly ModelNode[] => {
    const matches = match(pattern);
    return matches !== null && 'nodes' in matches ? matches.nodes : [];
  };

  return ({ names = [], types = [], patterns = [] }) => {
    const groups = [
      ...names.map((name) => byName.get(name) ?? []),
      ...types.map((type) => byType.get(type) ?? []),
      ...patterns.map(matched),
    ];
    return { nodes: [...new Set(groups.flat())], isWhole: groups.every((group) => group.length > 0) };
  };
}

function grouped(nodes: readonly ModelNode[], by: 'name' | 'op'): ReadonlyMap<string, readonly ModelNode[]> {
  const groups = new Map<string, ModelNode[]>();
  for (const node of nodes) {
    const group = groups.get(node[by]);
    if (group === undefined) groups.set(node[by], [node]);
    else group.push(node);
  }

  return groups;
}

/** What certainly stays in float: `float: false` may mean more operators than it names, such as one with a folded BatchNormalization. */
function keptFloat(selected: readonly (Selected & { readonly entry: Entry })[]): ReadonlySet<ModelNode> {
  const last = selected.findLastIndex(({ entry }) => entry.float === false);
  const float = selected.slice(last + 1).filter(({ entry }) => entry.float === true);
  return new Set(float.flatMap(({ nodes }) => nodes));
}

const readsShape = isKnownTo('shape-only');
const onlyReshapes = isKnownTo('reshapes');
const copies = isKnownTo('copies');

/**
 * The operators of the graph itself that no bits, mode or range apply to. Left out are copies and what may be folded into a constant,
 * such as the transposition of a weight or arithmetic with shapes: the name of what is gone stands for the operator behind it.
 */
function neverRounded({ inputs, nodes }: ModelSummary): ReadonlySet<ModelNode> {
  const values = new Set(inputs.map(({ name }) => name));
  const never = new Set<ModelNode>();
  // A valid model's nodes stand in the order in which they compute.
  for (const node of nodes) {
    const isValue = (tensor: string) => values.has(tensor);
    if (!node.inputs.some(isValue)) continue;
    if (!readsShape(node)) for (const tensor of node.outputs) values.add(tensor);
    const others = node.inputs.filter((tensor, input) => !isValue(tensor) && !(input in node.constants));
    const isPlain = onlyReshapes(node) || others.every((tensor) => tensor === '');
    const isKept = !copies(node) && node.bodies.length === 0;
    if (isKept && isPlain && isValue(node.inputs[0] ?? '') && staysFloat(node)) never.add(node);
  }

  return never;
}
