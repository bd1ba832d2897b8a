import type { ModelSummary } from '@quantsmith/engine/protocol';
import { compilePattern } from '@quantsmith/engine/placement/pattern';
import type { ConfigDocument } from '../document/document.js';
import { findNode, resolved, type ScalarNode } from '../document/tree.js';
import type { Code, Finding } from '../diagnostics.js';
import { nearest } from './nearest.js';

/** `unknown-node`, `unknown-operator`, `pattern-invalid`, `pattern-unmatched`, `pattern-matches-all`: the ignored scope against the model. */
export function ignoredScopeFindings(document: ConfigDocument, model: ModelSummary | null): Finding[] {
  const patterns = stringsAt(document, 'patterns').flatMap((node) => patternFinding(node, model));
  // Without the model nothing can be said about names.
  if (model === null) return patterns;
  const names = model.nodes.map((node) => node.name);
  const types = [...new Set(model.nodes.map((node) => node.op))];
  return [
    ...stringsAt(document, 'names').flatMap((node) => unknown(node, names, 'unknown-node', 'node', 'names')),
    ...stringsAt(document, 'types').flatMap((node) =>
      unknown(node, types, 'unknown-operator', 'operator of type', 'types'),
    ),
    ...patterns,
  ];
}

/** The strings of one list of the ignored scope. */
export function stringsAt(document: ConfigDocument, list: string): ScalarNode[] {
  const node = resolved(findNode(document.tree, ['quantization', 'ignored_scope', list]));
  if (node?.kind !== 'sequence') return [];
  return node.items.flatMap((item) =>
    item.kind === 'scalar' && typeof item.value === 'string' ? [item] : [],
  );
}

function unknown(
  node: ScalarNode,
  known: readonly string[],
  code: Code,
  what: string,
  list: string,
): Finding[] {
  const value = String(node.value);
  if (known.includes(value)) return [];
  const suggestions = nearest(value, known);
  const hint = suggestions.length > 0 ? ` Did you mean "${suggestions[0]}"?` : '';
  const message = `The model has no ${what} "${value}".${hint}`;
  return [
    {
      code,
      severity: 'error',
      message,
      start: node.start,
      end: node.end,
      path: ['quantization', 'ignored_scope', list],
      data: { suggestions },
    },
  ];
}

function patternFinding(node: ScalarNode, model: ModelSummary | null): Finding[] {
  const pattern = String(node.value);
  const path = ['quantization', 'ignored_scope', 'patterns'];
  const regex = compilePattern(pattern);
  if (typeof regex === 'string') {
    return [
      {
        code: 'pattern-invalid',
        severity: 'error',
        message: `"${pattern}" is no regular expression: ${regex}.`,
        start: node.start,
        end: node.end,
        path,
      },
    ];
  }
  if (model === null) return [];
  const matched = model.nodes.filter((candidate) => regex.matcher(candidate.name).lookingAt()).length;
  const { start, end } = node;
  if (matched === 0) {
    const message = `"${pattern}" matches no node of the model (patterns are matched from the start of the name).`;
    return [{ code: 'pattern-unmatched', severity: 'error', message, start, end, path }];
  }
  if (matched < model.nodes.length) return [];
  const message = `"${pattern}" matches every node of the model: nothing would be quantized.`;
  return [{ code: 'pattern-matches-all', severity: 'warning', message, start, end, path }];
}
