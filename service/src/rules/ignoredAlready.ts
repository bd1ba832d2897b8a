import type { ModelSummary } from '@quantsmith/schemas';
import type { ConfigDocument } from '../document/document.js';
import { removeItem } from '../document/removeItem.js';
import { walk, type TreeNode } from '../document/tree.js';
import type { Finding } from '../findings/finding.js';
import { fix, type FixTable } from '../findings/fix.js';
import type { ModelIndex } from '../facts/modelIndex.js';
import { createMatcher } from '../knowledge/matching.js';
import { stringsAt } from '../knowledge/ignoredScope.js';
import type { ListMemory } from './listMemory.js';
import { defineRule } from './rule.js';

/** `ignored-already`: a name, type or pattern that is listed twice, or a name that a type or pattern covers. */
function ignoredAlreadyFindings(
  document: ConfigDocument,
  model: ModelSummary | null,
  index: ModelIndex | null,
  lists: ListMemory,
): Finding[] {
  const patterns = model === null ? new Map<string, string>() : patternOfNode(document, model);
  const types = new Set(stringsAt(document, 'types').map(({ value }) => value));
  const isCovering = types.size > 0 || patterns.size > 0;
  const cover = (name: string): string | null => {
    const op = isCovering ? index?.operators().get(name) : undefined;
    if (op === undefined) return null;
    if (types.has(op)) return `types has ${op}`;
    const pattern = patterns.get(name);
    return pattern === undefined ? null : `the pattern "${pattern}" matches it`;
  };

  return (['names', 'types', 'patterns'] as const).flatMap((list) => {
    const texts = stringsAt(document, list);
    const isDoubled = lists.hasDouble(
      list,
      texts.map(({ value }) => value),
    );
    if (!isDoubled && !(list === 'names' && isCovering)) return [];

    const seen = new Set<string>();
    return texts.flatMap(({ value: text, start, end }): Finding[] => {
      const reason = seen.has(text) ? 'it is listed twice' : list === 'names' ? cover(text) : null;
      seen.add(text);
      if (reason === null) return [];
      const path = ['quantization', 'ignored_scope', list] as const;
      const message = `"${text}" is already ignored: ${reason}.`;
      return [{ code: 'ignored-already', severity: 'hint', message, start, end, path, data: {} }];
    });
  });
}

/** The first pattern that matches each node, by the node's name. */
function patternOfNode(document: ConfigDocument, model: ModelSummary): Map<string, string> {
  const match = createMatcher(model);
  const covered = new Map<string, string>();
  for (const { value } of stringsAt(document, 'patterns')) {
    const matched = match(value);
    if (matched === null || !('nodes' in matched)) continue;
    for (const { name } of matched.nodes) if (!covered.has(name)) covered.set(name, value);
  }

  return covered;
}

const ignoredAlreadyFixes: FixTable = {
  'ignored-already'(document, { start, end }) {
    let item = null as TreeNode | null;
    walk(document.tree.root, (node) => {
      const isText = node.kind === 'scalar' || node.kind === 'alias';
      if (isText && node.start === start && node.end === end) item = node;
    });
    return item === null ? [] : fix('Remove it', removeItem(document, item), true);
  },
};

export const rule = defineRule({
  codes: ['ignored-already'],
  needs: 'value',
  check: ({ document, model, index, lists }) => ignoredAlreadyFindings(document, model, index, lists),
  fixes: ignoredAlreadyFixes,
  suppressible: true,
  sections: {
    'ignored-already':
      'Severity: hint.\n\nA name, type or pattern of the ignored scope is listed twice, or a name is covered by a type or pattern. The fix removes it.',
  },
  examples: [
    {
      code: 'ignored-already',
      before:
        'model: model.onnx\ndata: {calibration: {images: ./train}}\nquantization:\n  ignored_scope: {types: [Conv, Gemm, Conv]}\n',
      after:
        'model: model.onnx\ndata: {calibration: {images: ./train}}\nquantization:\n  ignored_scope: {types: [Conv, Gemm]}\n',
    },
  ],
});
