import { DATA_KIND_NAMES, below, DATA_SECTIONS } from '@quantsmith/schemas';
import type { ConfigDocument } from '../document/document.js';
import { entriesOf, findEntry, findNode, resolved } from '../document/tree.js';
import { isMapping } from '../extends/merge.js';
import { removeKey } from '../document/edit.js';
import type { Finding } from '../findings/finding.js';
import { fix, type FixTable } from '../findings/fix.js';
import { defineRule } from './rule.js';

const SOURCES: readonly string[] = DATA_KIND_NAMES;

/** `data-source`: a data section names no source, or more than one. `value`: the config with what it inherits. */
function dataSourceFindings(document: ConfigDocument, value: unknown): Finding[] {
  return DATA_SECTIONS.flatMap((section) => {
    const path = ['data', section] as const;
    const node = resolved(findNode(document.tree, path));
    const entry = findEntry(document.tree, path);
    if (node?.kind !== 'mapping' || entry === undefined) return [];
    const named = entriesOf(node).filter((candidate) => SOURCES.includes(candidate.key));
    if (named.length === 1 || (named.length === 0 && hasSource(value, section))) return [];
    const [, second] = named;
    const span = second?.keySpan ?? entry.keySpan;
    const message =
      named.length === 0
        ? `data.${section} needs one of ${SOURCES.join(', ')}.`
        : `data.${section} takes one source, not ${named.map((candidate) => candidate.key).join(' and ')}.`;

    const data = { sources: named.map((candidate) => candidate.key) };

    return [{ code: 'data-source', severity: 'error', message, ...span, path, data }];
  });
}

const dataFixes: FixTable = {
  'data-source': (document, { path, data }) =>
    (Array.isArray(data['sources']) && data['sources'].length > 1 ? data['sources'].map(String) : []).flatMap(
      (key) => fix(`Remove ${key}`, removeKey(document, below(path, key))),
    ),
};

function hasSource(value: unknown, section: string): boolean {
  const data = isMapping(value) ? value['data'] : null;
  const source = isMapping(data) ? data[section] : null;
  return isMapping(source) && SOURCES.some((key) => key in source);
}

export const rule = defineRule({
  codes: ['data-source'],
  needs: 'value',
  check: ({ document, value }) => dataSourceFindings(document, value),
  fixes: dataFixes,
  suppressible: true,
  sections: {
    'data-source':
      'Severity: error.\n\nA data section names no source, or more than one. It takes exactly one of `images`, `arrays`, `tensors`, `texts`, `audio` and `loader`.',
  },
  examples: [
    {
      code: 'data-source',
      before: 'model: model.onnx\ndata:\n  calibration: {images: ./train, arrays: ./train.npy}\n',
      after: 'model: model.onnx\ndata:\n  calibration: {arrays: ./train.npy}\n',
    },
  ],
});
