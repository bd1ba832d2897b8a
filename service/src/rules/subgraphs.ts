import { readersByTensor } from '@quantsmith/model/graph';
import { isKnownTo } from '@quantsmith/model/operators';
import type { ConfigPath, ModelNode, ModelSummary } from '@quantsmith/schemas';
import type { ConfigDocument } from '../document/document.js';
import { findNode, resolved } from '../document/tree.js';
import type { Finding, Severity } from '../findings/finding.js';

const PATH = ['quantization', 'ignored_scope', 'subgraphs'] as const;

/** `subgraph-empty`: no path leads from the first nodes of a subgraph to its last ones. Names are checked elsewhere. */
export function subgraphFindings(
  document: ConfigDocument,
  { nodes }: ModelSummary,
  severity: Severity,
): Finding[] {
  const list = resolved(findNode(document.tree, PATH));
  if (list?.kind !== 'sequence' || list.items.length === 0) return [];
  // What their bodies read does not stand among their inputs.
  if (nodes.some(isKnownTo('runs-bodies'))) return [];
  const byName = new Map(nodes.map((node) => [node.name, node]));
  const readers = readersByTensor(nodes);

  return list.items.flatMap((item, index): Finding[] => {
    const names = (side: 'inputs' | 'outputs') => namesAt(document, [...PATH, index, side]);
    const [first, last] = [names('inputs'), names('outputs')];
    if (first.length === 0 || last.length === 0) return [];
    const known = [...first, ...last].every((name) => byName.has(name));
    const starts = first.flatMap((name) => byName.get(name) ?? []);
    if (!known || reaches(starts, new Set(last), readers)) return [];
    const message = `No path leads from ${first.join(', ')} to ${last.join(', ')}: nothing is ignored by this.`;
    const { start, end } = item;

    return [{ code: 'subgraph-empty', severity, message, start, end, path: [...PATH, index] }];
  });
}

function namesAt(document: ConfigDocument, path: ConfigPath): string[] {
  const list = resolved(findNode(document.tree, path));
  const items = list?.kind === 'sequence' ? list.items.map((item) => resolved(item)) : [];
  return items.flatMap((item) =>
    item?.kind === 'scalar' && typeof item.value === 'string' ? [item.value] : [],
  );
}

function reaches(
  starts: readonly ModelNode[],
  wanted: ReadonlySet<string>,
  readers: ReadonlyMap<string, readonly ModelNode[]>,
): boolean {
  const seen = new Set(starts);
  for (const node of seen) {
    if (wanted.has(node.name)) return true;
    for (const tensor of node.outputs) for (const reader of readers.get(tensor) ?? []) seen.add(reader);
  }

  return false;
}
