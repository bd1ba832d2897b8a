import { below, type ModelSummary } from '@quantsmith/schemas';
import { InlayHintKind, type InlayHint, type Range } from 'vscode-languageserver-types';
import type { ConfigDocument } from '../document/document.js';
import { findEntry, type Span } from '../document/tree.js';
import { dataHints } from './dataHints.js';
import { choiceLabel } from '../reports/choices.js';
import { resolvedHints, type HintContext } from './resolvedHints.js';
import { createMatcher } from '../knowledge/matching.js';
import { stringsAt } from '../knowledge/ignoredScope.js';

/** What settings come to: the codes that weights take, defaults that depend on others, how many nodes are matched. */
export function inlayHints(document: ConfigDocument, range: Range, context: HintContext): InlayHint[] {
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
    ...resolvedHints(document, context).map(({ span, text }) => hint(span, text)),
    ...(context.facts === undefined ? [] : dataHints(document, context.facts)).map(({ span, text }) =>
      hint(span, text),
    ),
    ...chosen(document, context).map(({ span, text }) => hint(span, text)),
  ];

  return hints.filter(({ position: { line } }) => range.start.line <= line && line <= range.end.line);
}

/** What the last run chose: on the keys that are written but left open, the others on `quantization`. */
function chosen(document: ConfigDocument, { report, changed }: HintContext): { span: Span; text: string }[] {
  const choices = changed === null ? (report?.choices ?? []) : [];
  const section = findEntry(document.tree, ['quantization'])?.keySpan;
  const placed = choices.map((choice) => {
    const written =
      findEntry(document.tree, below(['quantization'], ...choice.setting.split('.')))?.value ?? null;
    return { own: written, setting: String(choice.setting.split('.').at(-1)), label: choiceLabel(choice) };
  });

  const others = placed
    .filter(({ own: written }) => written === null)
    .map(({ setting, label }) => `${setting} ${label}`);
  const above =
    section === undefined || others.length === 0 ? [] : [{ span: section, text: others.join(', ') }];

  return [
    ...placed.flatMap(({ own: written, label }) =>
      written === null ? [] : [{ span: written, text: label }],
    ),
    ...above,
  ];
}

function matches(document: ConfigDocument, model: ModelSummary | null): { span: Span; count: number }[] {
  if (model === null) return [];
  const match = createMatcher(model);
  const patterns = stringsAt(document, 'patterns').flatMap((span) => {
    const matched = match(span.value);
    return matched !== null && 'nodes' in matched ? [{ span, count: matched.nodes.length }] : [];
  });
  const types = stringsAt(document, 'types').map((span) => ({
    span,
    count: model.nodes.filter((node) => node.op === span.value).length,
  }));

  return [...patterns, ...types];
}
