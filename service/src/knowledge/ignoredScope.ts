import { type ConfigPath } from '@quantsmith/schemas';
import type { Position } from 'vscode-languageserver-types';
import type { ConfigDocument } from '../document/document.js';
import { findNode, nodeAt, resolved, type ScalarNode, type TreeNode } from '../document/tree.js';

/** The lists of an ignored scope that say which operators are meant. */
export type ScopeList = 'names' | 'types' | 'patterns';

/** A place of a config that names a layer. */
export interface Mention {
  readonly name: string;
  readonly node: ScalarNode;
}

const SCOPE = ['quantization', 'ignored_scope'] as const;
const OVERRIDES = ['quantization', 'overrides'] as const;

/** What holds lists of names, patterns and types: the ignored scope, or an entry of `overrides`. */
export type ScopePath = typeof SCOPE | readonly [...typeof OVERRIDES, number];

/** The layers that a config names: in ignored_scope.names, at the borders of its subgraphs, and in overrides. */
export function mentionsOf(document: ConfigDocument): Mention[] {
  const named = [SCOPE, ...overridePaths(document)].map((path) =>
    findNode(document.tree, [...path, 'names'] as const),
  );
  return collected([...named, ...borderLists(document)]);
}

/** The places of the entries of `overrides` in this text. */
function overridePaths({ tree }: ConfigDocument): ScopePath[] {
  const overrides = targetOf(findNode(tree, OVERRIDES));
  const indexes = overrides?.kind === 'sequence' ? [...overrides.items.keys()] : [];
  return indexes.map((index) => [...OVERRIDES, index] as const);
}

/** Those at the borders of subgraphs alone. */
export function bordersOf(document: ConfigDocument): Mention[] {
  return collected(borderLists(document));
}

function borderLists({ tree }: ConfigDocument): (TreeNode | null)[] {
  const subgraphs = targetOf(findNode(tree, [...SCOPE, 'subgraphs']));
  const indexes = subgraphs?.kind === 'sequence' ? [...subgraphs.items.keys()] : [];
  return indexes.flatMap((index) =>
    (['inputs', 'outputs'] as const).map((side) => findNode(tree, [...SCOPE, 'subgraphs', index, side])),
  );
}

function collected(lists: readonly (TreeNode | null)[]): Mention[] {
  const mentions: Mention[] = [];
  const seen = new Set<TreeNode>();
  for (const list of lists.map(targetOf)) {
    if (list?.kind !== 'sequence') continue;
    for (const node of list.items) {
      if (node.kind !== 'scalar' || typeof node.value !== 'string' || seen.has(node)) continue;
      seen.add(node);
      mentions.push({ name: node.value, node });
    }
  }

  return mentions;
}

const targetOf = (node: TreeNode | null): TreeNode | null =>
  node?.kind === 'alias' ? (node.target ?? null) : node;

/** The layer named at a position. */
export function layerAt(document: ConfigDocument, position: Position): Mention | null {
  const node = nodeAt(document.tree, document.text.offsetAt(position));
  return mentionsOf(document).find((mention) => mention.node === node) ?? null;
}

/** A node that is a text. */
type TextNode = ScalarNode & { readonly value: string };

/** The strings of one list of the ignored scope; one that an alias brings stands where the alias does. */
export function stringsAt(document: ConfigDocument, list: ScopeList): readonly TextNode[] {
  return stringsOf(document, [...SCOPE, list]);
}

/** The same of any list. */
export function stringsOf(document: ConfigDocument, path: ConfigPath): readonly TextNode[] {
  const node = resolved(findNode(document.tree, path));
  if (node?.kind !== 'sequence') return [];
  if (node.items.every(isText)) return node.items;
  const texts: TextNode[] = [];
  for (const item of node.items) {
    const target = resolved(item);
    if (target === null || !isText(target)) continue;
    texts.push(target === item ? target : { ...target, start: item.start, end: item.end });
  }

  return texts;
}

const isText = (node: TreeNode): node is TextNode => node.kind === 'scalar' && typeof node.value === 'string';
