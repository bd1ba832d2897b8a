import { compilePattern } from '@quantsmith/engine/placement/pattern';
import type { ModelSummary } from '@quantsmith/engine/protocol';
import { resolveConfig, type QuantizationConfig } from '@quantsmith/schemas';
import { InlayHintKind, type InlayHint, type Range } from 'vscode-languageserver';
import type { ConfigDocument } from '../document/document.js';
import { findEntry, type Span } from '../document/tree.js';
import { stringsAt } from '../rules/ignoredScope.js';

/** What settings come to: the integers that weights take, how many nodes a pattern or type matches. */
export function inlayHints(
  document: ConfigDocument,
  range: Range,
  context: { readonly model: ModelSummary | null; readonly config: QuantizationConfig | null },
): InlayHint[] {
  const hint = ({ end }: Span, label: string): InlayHint => ({
    position: document.text.positionAt(end),
    label,
    kind: InlayHintKind.Type,
    paddingLeft: true,
  });
  const hints = [
    ...matches(document, context.model).map(({ span, count }) =>
      hint(span, `${count} ${count === 1 ? 'node' : 'nodes'}`),
    ),
    ...integers(document, context.config).map(({ span, text }) => hint(span, text)),
  ];
  return hints.filter(({ position: { line } }) => range.start.line <= line && line <= range.end.line);
}

function matches(document: ConfigDocument, model: ModelSummary | null): { span: Span; count: number }[] {
  if (model === null) return [];
  const patterns = stringsAt(document, 'patterns').flatMap((span) => {
    const regex = compilePattern(String(span.value));
    if (typeof regex === 'string') return [];
    return [{ span, count: model.nodes.filter((node) => regex.matcher(node.name).lookingAt()).length }];
  });
  const types = stringsAt(document, 'types').map((span) => ({
    span,
    count: model.nodes.filter((node) => node.op === span.value).length,
  }));
  return [...patterns, ...types];
}

/** The range of integers that `num_bits` gives, where it is written. */
function integers(
  document: ConfigDocument,
  config: QuantizationConfig | null,
): { span: Span; text: string }[] {
  if (config === null) return [];
  const advanced = resolveConfig(config).quantization.advanced_parameters;
  const path = ['quantization', 'advanced_parameters', 'weights_quantization_params', 'num_bits'];
  const entry = findEntry(document.tree, path);
  if (entry?.value?.kind !== 'scalar') return [];
  const { num_bits: bits, narrow_range: narrow, mode } = advanced.weights_quantization_params;
  const half = 2 ** (bits - 1);
  const text = mode === 'asymmetric' ? `[0, ${2 * half - 1}]` : `[${narrow ? 1 - half : -half}, ${half - 1}]`;
  return [{ span: entry.value, text }];
}
