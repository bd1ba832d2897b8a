import type { ConfigDocument } from '../document/document.js';
import { findEntry, findNode, resolved, entriesOf } from '../document/tree.js';
import type { Finding } from '../diagnostics.js';

const SOURCES = ['images', 'arrays', 'tensors', 'loader'];

/** `data-source`: a data section names no source, or more than one. */
export function dataSourceFindings(document: ConfigDocument): Finding[] {
  return ['calibration', 'validation'].flatMap((section) => {
    const path = ['data', section];
    const node = resolved(findNode(document.tree, path));
    const entry = findEntry(document.tree, path);
    if (node?.kind !== 'mapping' || entry === undefined) return [];
    const named = entriesOf(node).filter((candidate) => SOURCES.includes(candidate.key));
    if (named.length === 1) return [];
    const [, second] = named;
    const span = second?.keySpan ?? entry.keySpan;
    const message =
      named.length === 0
        ? `data.${section} needs one of ${SOURCES.join(', ')}.`
        : `data.${section} takes one source, not ${named.map((candidate) => candidate.key).join(' and ')}.`;
    return [{ code: 'data-source', severity: 'error', message, ...span, path, data: {} }];
  });
}
