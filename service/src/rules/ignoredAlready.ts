import { compilePattern } from '@quantsmith/model/scope';
import type { ModelSummary } from '@quantsmith/schemas';
import type { ConfigDocument } from '../document/document.js';
import { removeItem } from '../document/removeItem.js';
import { walk, type TreeNode } from '../document/tree.js';
import type { Finding } from '../findings/finding.js';
import { fix, type FixTable } from '../findings/fix.js';
import { stringsAt } from '../knowledge/ignoredScope.js';

/** `ignored-already`: a name, type or pattern that stands in its list twice, or a name that a type or pattern covers. */
export function ignoredAlreadyFindings(document: ConfigDocument, model: ModelSummary | null): Finding[] {
  const patterns = stringsAt(document, 'patterns').flatMap(({ value }) => {
    const regex = compilePattern(String(value));
    return typeof regex === 'string' ? [] : [{ value: String(value), regex }];
  });
  const types = new Set(stringsAt(document, 'types').map(({ value }) => String(value)));
  const operators = new Map(model?.nodes.map(({ name, op }) => [name, op]));
  const cover = (name: string): string | null => {
    const op = operators.get(name);
    if (op === undefined) return null;
    if (types.has(op)) return `types has ${op}`;
    const pattern = patterns.find(({ regex }) => regex.matcher(name).lookingAt());
    return pattern === undefined ? null : `the pattern "${pattern.value}" matches it`;
  };
  return ['names', 'types', 'patterns'].flatMap((list) => {
    const seen = new Set<string>();
    return stringsAt(document, list).flatMap(({ value, start, end }): Finding[] => {
      const text = String(value);
      const reason = seen.has(text) ? 'it stands in this list twice' : list === 'names' ? cover(text) : null;
      seen.add(text);
      if (reason === null) return [];
      const path = ['quantization', 'ignored_scope', list];
      const message = `"${text}" is ignored already: ${reason}.`;
      return [{ code: 'ignored-already', severity: 'hint', message, start, end, path, data: {} }];
    });
  });
}

export const ignoredAlreadyFixes: FixTable = {
  'ignored-already'(document, { start, end }) {
    let item: TreeNode | null = null;
    walk(document.tree.root, (node) => {
      const isText = node.kind === 'scalar' || node.kind === 'alias';
      if (isText && node.start === start && node.end === end) item = node;
    });
    return item === null ? [] : fix('Remove it', removeItem(document, item), true);
  },
};
