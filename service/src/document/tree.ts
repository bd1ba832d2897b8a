import { type ConfigPath, writtenPath } from '@quantsmith/schemas';
/** Offsets into the text; `end` is exclusive. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** One tree for YAML and JSON. Nodes know their parents, so that a path is found from any of them. */
export type TreeNode = MappingNode | SequenceNode | ScalarNode | AliasNode;

interface NodeBase extends Span {
  parent: Entry | SequenceNode | null;
  /** `&name` in front of the node. */
  readonly anchor?: Anchor;
}
export interface Anchor extends Span {
  readonly name: string;
}
export interface MappingNode extends NodeBase {
  readonly kind: 'mapping';
  readonly entries: Entry[];
}
export interface SequenceNode extends NodeBase {
  readonly kind: 'sequence';
  readonly items: TreeNode[];
}
export interface ScalarNode extends NodeBase {
  readonly kind: 'scalar';
  readonly value: string | number | boolean | null;
  /** Whether the value stands in quotes. */
  readonly quoted: boolean;
}
export interface AliasNode extends NodeBase {
  readonly kind: 'alias';
  readonly name: string;
  /** The anchored node, undefined where there is none before. */
  readonly target: TreeNode | undefined;
}

/** `key: value` of a mapping. */
export interface Entry extends Span {
  readonly kind: 'entry';
  readonly key: string;
  readonly keySpan: Span;
  value: TreeNode | null;
  readonly parent: MappingNode;
}

/** Something the parser could not make sense of. */
export interface SyntaxProblem extends Span {
  readonly message: string;
}

export interface Tree {
  readonly root: TreeNode | null;
  readonly problems: readonly SyntaxProblem[];
  readonly comments: readonly (Span & { readonly text: string })[];
  /** Whether there are anchors. */
  readonly anchored: boolean;
  readonly language: 'yaml' | 'json';
}

/** Follows an alias (and aliases of aliases) to the node it stands for. */
export function resolved(node: TreeNode | null | undefined, hops = 16): Exclude<TreeNode, AliasNode> | null {
  if (node === null || node === undefined) return null;
  if (node.kind !== 'alias') return node;
  return hops === 0 ? null : resolved(node.target, hops - 1);
}

/** The keys and indexes from the root to a node. */
export function pathOf(node: TreeNode | Entry): ConfigPath {
  const path: (string | number)[] = [];
  let current: TreeNode | Entry | null = node;
  while (current !== null) {
    if (current.kind === 'entry') path.unshift(current.key);
    const parent: Entry | SequenceNode | MappingNode | null = current.parent;
    if (parent?.kind === 'sequence' && current.kind !== 'entry') path.unshift(parent.items.indexOf(current));
    current = parent;
  }

  return writtenPath(path);
}

/** The entry at a path, following aliases and merge keys; undefined where there is none. */
export function findEntry(tree: Tree, path: ConfigPath): Entry | undefined {
  let node = resolved(tree.root);
  let match: Entry | undefined;
  for (const step of path) {
    match = undefined;
    if (node?.kind === 'sequence' && typeof step === 'number') node = resolved(node.items[step]);
    else if (node?.kind === 'mapping') {
      match = entriesOf(node).find((entry) => entry.key === step);
      node = resolved(match?.value);
    } else return undefined;
  }

  return match;
}

/** The node at a path, following aliases and merge keys. */
export function findNode(tree: Tree, path: ConfigPath): TreeNode | null {
  let node: TreeNode | null = tree.root;
  for (const step of path) {
    const current = resolved(node);
    if (current?.kind === 'sequence' && typeof step === 'number') node = current.items[step] ?? null;
    else if (current?.kind === 'mapping')
      node = entriesOf(current).find((entry) => entry.key === step)?.value ?? null;
    else return null;
  }

  return node;
}

/**
 * Own entries, then those that come in through `<<` and are not overridden. Each source is read once, however many
 * aliases lead to it: what it gives first is what counts.
 */
export function entriesOf(mapping: MappingNode, visited: Set<MappingNode> = new Set()): Entry[] {
  visited.add(mapping);
  const written = mapping.entries.filter((entry) => entry.key !== '<<');
  if (written.length === mapping.entries.length) return written;
  const known = new Set(written.map((entry) => entry.key));
  for (const entry of mapping.entries.filter((candidate) => candidate.key === '<<')) {
    const value = resolved(entry.value);
    const sources = value?.kind === 'sequence' ? value.items.map((item) => resolved(item)) : [value];
    for (const source of sources) {
      if (source?.kind !== 'mapping' || visited.has(source)) continue;
      for (const inherited of entriesOf(source, visited)) {
        if (known.has(inherited.key)) continue;
        known.add(inherited.key);
        written.push(inherited);
      }
    }
  }

  return written;
}

/** More nodes than this are not expanded: an alias bomb ends here instead of filling the memory. */
const VALUE_BUDGET = 100_000;

/**
 * The plain value of the tree, aliases and merge keys resolved; undefined when it is too large. `keys`: those of a mapping at the top
 * that are wanted, all where they are left out.
 */
export function valueOf(tree: Tree, keys?: readonly string[]): unknown {
  let budget = VALUE_BUDGET;
  const convert = (node: TreeNode | null, depth: number): unknown => {
    const target = resolved(node);
    if (--budget < 0 || depth > 100) return undefined;
    if (target === null) return null;
    if (target.kind === 'scalar') return target.value;
    if (target.kind === 'sequence') return items(target, depth + 1);
    return fields(target, depth + 1);
  };

  const isWanted = ({ key }: Entry, depth: number) => depth > 1 || keys === undefined || keys.includes(key);

  // Of their own, so that a scalar among thousands costs no closure.
  const fields = (mapping: MappingNode, depth: number) =>
    Object.fromEntries(
      entriesOf(mapping).flatMap((entry) =>
        isWanted(entry, depth) ? [[entry.key, convert(entry.value, depth)]] : [],
      ),
    );

  const items = ({ items: nodes }: SequenceNode, depth: number) => nodes.map((item) => convert(item, depth));
  const value = convert(tree.root, 0);

  return budget < 0 ? undefined : value;
}

/** The innermost node or entry that contains the offset; an entry when the offset is on its key. */
export function nodeAt(tree: Tree, offset: number): TreeNode | Entry | null {
  return innermost(tree.root, offset);
}

function innermost(root: TreeNode | null, offset: number): TreeNode | Entry | null {
  const inside = (span: Span) => span.start <= offset && offset <= span.end;
  let current: TreeNode | null = root;
  if (current === null || !inside(current)) return null;
  for (;;) {
    if (current.kind === 'mapping') {
      const entry: Entry | undefined = current.entries.find(inside);
      if (entry === undefined) return current;
      if (inside(entry.keySpan) || entry.value === null || !inside(entry.value)) return entry;
      current = entry.value;
    } else if (current.kind === 'sequence') {
      const item: TreeNode | undefined = current.items.find(inside);
      if (item === undefined) return current;
      current = item;
    } else return current;
  }
}

/** The innermost mapping or list around the offset. */
export function containerAt(root: TreeNode | null, offset: number): MappingNode | SequenceNode | null {
  let node: TreeNode | Entry | null = innermost(root, offset);
  while (node !== null) {
    if ((node.kind === 'mapping' || node.kind === 'sequence') && node.start < offset && offset <= node.end)
      return node;
    node = node.parent;
  }

  return null;
}

/** Calls `visit` for every node of the text once; aliases are not followed. */
export function walk(root: TreeNode | null, visit: (node: TreeNode) => void): void {
  if (root === null) return;
  visit(root);
  if (root.kind === 'mapping') for (const { value } of root.entries) walk(value, visit);
  else if (root.kind === 'sequence')
    for (const item of root.items) {
      if (item.kind === 'scalar') visit(item);
      else walk(item, visit);
    }
}

/** All anchored nodes in the order of the text. */
export function anchorsOf(tree: Tree): { anchor: Anchor; node: TreeNode }[] {
  const occurrences: { anchor: Anchor; node: TreeNode }[] = [];
  walk(tree.root, (node) => {
    if (node.anchor !== undefined) occurrences.push({ anchor: node.anchor, node });
  });
  return occurrences;
}

/** Whether aliases bring the text of a node to other places too: what changes there changes everywhere. */
export function isShared(tree: Tree, node: TreeNode | Entry): boolean {
  if (!tree.anchored) return false;
  const anchored = new Set<TreeNode>();
  for (let current: TreeNode | Entry | null = node; current !== null; current = current.parent)
    if (current.kind !== 'entry' && current.anchor !== undefined) anchored.add(current);
  let shared = false;
  walk(anchored.size === 0 ? null : tree.root, (other) => {
    if (other.kind === 'alias' && other.target !== undefined && anchored.has(other.target)) shared = true;
  });

  return shared;
}
