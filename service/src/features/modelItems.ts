import {
  type ConfigPath,
  above,
  type ModelNode,
  type ModelSummary,
  type QuantizationReport,
} from '@quantsmith/schemas';
import { CompletionItemKind, type CompletionItem } from 'vscode-languageserver-types';
import type { ConfigDocument } from '../document/document.js';
import { findNode, resolved } from '../document/tree.js';
import { layerCosts, layerSummary } from '../reports/costs.js';
import type { Change } from '../context/context.js';
import { createMatcher } from '../knowledge/matching.js';
import { bestFitting, textItem } from './completionItem.js';
import type { Cursor } from './cursor.js';

/** Names that are offered at most: clients get slow with more. */
export const MAX_NAMES = 500;
const MAX_PATTERNS = 40;

/** The list of the ignored scope or of an override that a path is in: names, types, patterns, or the borders of a subgraph. */
export function scopeList(path: ConfigPath): 'names' | 'types' | 'patterns' | null {
  const place = path.filter((step) => typeof step === 'string').join('.');
  const match =
    /^quantization\.(?:ignored_scope|overrides)\.(names|types|patterns|subgraphs\.(?:inputs|outputs))$/.exec(
      place,
    );

  if (match === null) return null;
  return match[1] === 'types' || match[1] === 'patterns' ? match[1] : 'names';
}

/** Node names, operator types and patterns that fit the model, less those that the list has already. */
export function modelItems(
  document: ConfigDocument,
  cursor: Cursor,
  {
    model,
    report,
    changed,
  }: { model: ModelSummary | null; report?: QuantizationReport | null; changed?: Change },
): CompletionItem[] {
  const list = scopeList(cursor.path);
  if (model === null || list === null) return [];
  const present = siblings(document, cursor);
  if (list === 'types') return typeItems(model, cursor, present);
  if (list === 'patterns') return patternItems(model, cursor, present);
  // The figures of another model say nothing.
  const names = nameItems(model, cursor, present, changed === 'model' ? null : (report ?? null));

  return [...names, ...tensorItems(model, cursor, present)];
}

/** What the other items of the list say. */
export function siblings(
  document: ConfigDocument,
  { path, word }: Pick<Cursor, 'path' | 'word'>,
): ReadonlySet<string> {
  const list = resolved(findNode(document.tree, above(path)));
  const lastKey = path.at(-1);
  const values = list?.kind === 'sequence' ? list.items : [];
  const texts = values.flatMap((item, index) => {
    const target = resolved(item);
    return target?.kind === 'scalar' && (index !== lastKey || word === '') ? [String(target.value)] : [];
  });

  return new Set(texts);
}

function typeItems(model: ModelSummary, cursor: Cursor, present: ReadonlySet<string>): CompletionItem[] {
  const counts = new Map<string, number>();
  for (const node of model.nodes) counts.set(node.op, (counts.get(node.op) ?? 0) + 1);
  return [...counts]
    .filter(([op]) => !present.has(op))
    .sort((a, b) => b[1] - a[1])
    .map(([op, count]) => textItem(op, nodes(count), CompletionItemKind.Class, cursor));
}

/** After a run the layers that cost most come first, else those with weights. */
function nameItems(
  model: ModelSummary,
  cursor: Cursor,
  present: ReadonlySet<string>,
  report: QuantizationReport | null,
): CompletionItem[] {
  const costs = report === null ? new Map<string, never>() : layerCosts(report);
  const place = ({ name, constants }: ModelNode) =>
    costs.get(name)?.rank ?? costs.size + (Object.keys(constants).length > 0 ? 0 : 1);

  const ranked = model.nodes
    .filter(({ name }) => !present.has(name))
    .map((node) => ({ node, rank: place(node) }))
    .sort((a, b) => a.rank - b.rank);

  return bestFitting(ranked, cursor.word, MAX_NAMES, ({ node }) => node.name).map(({ node }) => {
    const summary = report === null ? '' : layerSummary(report, node.name, costs.get(node.name));
    const detail = summary === '' ? node.op : `${node.op}, ${summary}`;
    return textItem(node.name, detail, CompletionItemKind.Reference, cursor);
  });
}

/** Tensors by whose name somebody may look for a node, last: what is written is the node that gives them. */
function tensorItems(model: ModelSummary, cursor: Cursor, present: ReadonlySet<string>): CompletionItem[] {
  const tensors = model.nodes
    .filter(({ name }) => !present.has(name))
    .flatMap(({ name, op, outputs }) =>
      // A name that begins with the node's leads to the node anyway.
      outputs
        .filter((tensor) => tensor !== '' && !tensor.startsWith(name))
        .map((tensor) => ({ name, op, tensor })),
    );

  return bestFitting(tensors, cursor.word, MAX_NAMES, ({ tensor }) => tensor).map(({ name, op, tensor }) => ({
    ...textItem(name, `the tensor that ${name} (${op}) gives`, CompletionItemKind.Variable, cursor),
    label: tensor,
    filterText: tensor,
  }));
}

/** The pattern being typed with its matches, then the beginnings that several names share. */
function patternItems(model: ModelSummary, cursor: Cursor, present: ReadonlySet<string>): CompletionItem[] {
  const typed = cursor.word.replace(/^["']|["']$/g, '');
  const match = createMatcher(model);
  const counted = (pattern: string) => {
    const matched = match(pattern);
    return matched !== null && 'nodes' in matched ? matched.nodes.length : null;
  };

  const item = (pattern: string, count: number) => ({
    ...textItem(pattern, `${count} of ${nodes(model.nodes.length)}`, CompletionItemKind.Value, cursor),
  });

  const typedItem = typed === '' ? null : counted(typed);
  const shared = beginnings(model)
    .filter((pattern) => pattern !== typed && !present.has(pattern))
    .slice(0, MAX_PATTERNS);

  return [
    ...(typedItem === null ? [] : [{ ...item(typed, typedItem), preselect: true }]),
    ...shared.flatMap((pattern) => {
      const count = counted(pattern);
      return count === null ? [] : [item(pattern, count)];
    }),
  ];
}

/**
 * Patterns for the beginnings of names that several but not all nodes share, the shortest first: cut at / and ., and, of
 * nodes without a name in the file, before the number that they are told apart by.
 */
function beginnings(model: ModelSummary): string[] {
  const counts = new Map<string, number>();
  const count = (beginning: string) => counts.set(beginning, (counts.get(beginning) ?? 0) + 1);
  for (const { name } of model.nodes) {
    for (const { index } of name.matchAll(/[/.]/g)) if (index > 0) count(name.slice(0, index + 1));
    const numbered = /^([A-Za-z]\w*_)\d+$/.exec(name);
    if (numbered !== null) count(numbered[1]!);
  }

  return [...counts]
    .filter(([, count]) => count > 1 && count < model.nodes.length)
    .sort(([a], [b]) => a.length - b.length || (a < b ? -1 : 1))
    .map(([beginning]) => `${beginning.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}.*`);
}

const nodes = (count: number) => (count === 1 ? '1 node' : `${count} nodes`);
