import { type QuantizationConfig, isConfig } from '@quantsmith/schemas';
import { TextDocument } from 'vscode-languageserver-textdocument';
import { parseConfig, type ConfigDocument } from '../document/document.js';
import { quoted } from '../document/edit.js';
import { effectiveValue, NOTHING_INHERITED } from '../extends/inherit.js';
import type { Finding } from '../findings/finding.js';
import type { ConfigContext } from '../context/context.js';
import { accuracyFindings, accuracyFixes } from './accuracy.js';
import { findNode, walk, type Tree } from '../document/tree.js';
import { sampleFindings } from './samples.js';
import { fix, type Fix, type Fixable, type FixTable } from '../findings/fix.js';
import { NO_FACTS } from '../facts/facts.js';
import { dataInputFindings } from './dataInputs.js';
import { dataFixes, dataSourceFindings } from './data.js';
import { extendsFindings, extendsFixes } from './extends.js';
import { placeOf } from './place.js';
import { fileFindings } from './files.js';
import { ignoredAlreadyFindings, ignoredAlreadyFixes } from './ignoredAlready.js';
import { ignoredScopeFindings } from './ignoredScope.js';
import { metricFindings, metricFixes } from './metric.js';
import { outputFindings } from './output.js';
import { overflowFixes } from './overflow.js';
import { preprocessFindings } from './preprocess.js';
import { schemaFindings, schemaFixes } from './schema.js';
import { settingFindings, settingFixes } from './settings.js';
import { withoutSuppressed } from './suppress.js';
import { syntaxFindings, syntaxFixes } from './syntax.js';
import { versionFindings } from './version.js';
import { yamlVersionFindings } from './yamlVersions.js';

/** What the rules may look at beside the text; what is absent is not known, and not complained about. */
export type RuleContext = Partial<ConfigContext>;

/** All findings of a config, in the order of the text; the config has what it inherits written into it. */
export function findAll(
  document: ConfigDocument,
  context: RuleContext,
): { findings: Finding[]; config: QuantizationConfig | null } {
  const { baseDir = null, inherited = NOTHING_INHERITED, facts = NO_FACTS } = context;
  const { model = null, report = null, changed = null, output = null } = context;
  const value = effectiveValue(document, inherited);
  const syntax = syntaxFindings(document);
  const tooLarge: Finding[] =
    value === undefined && document.tree.root !== null
      ? [
          {
            code: 'syntax',
            severity: 'error',
            message: 'The aliases of this config expand to more than 100000 values.',
            start: 0,
            end: 1,
            path: [],
          },
        ]
      : [];
  const schema = tooLarge.length > 0 ? [] : schemaFindings(document, value, inherited);
  const config = syntax.length === 0 && isConfig(value) ? value : null;
  const findings = [
    ...syntax,
    ...tooLarge,
    ...versionFindings(document, schema),
    ...(baseDir === null ? [] : extendsFindings(document, inherited, baseDir, facts)),
    ...dataSourceFindings(document, value),
    ...yamlVersionFindings(document),
    ...(baseDir === null ? [] : fileFindings(document, baseDir, value, facts)),
    ...(baseDir === null || output === null ? [] : outputFindings(document, baseDir, output)),
    ...modelFinding(document, context),
    ...(model === null ? [] : dataInputFindings(document, model, value, facts)),
    ...ignoredScopeFindings(document, model, value),
    ...ignoredAlreadyFindings(document, model),
    ...(config === null ? [] : settingFindings(document, config)),
    ...(config === null ? [] : preprocessFindings(document, config, facts)),
    ...(config === null ? [] : metricFindings(document, config)),
    ...(config === null ? [] : sampleFindings(document, config, facts)),
    ...(config === null || report === null
      ? []
      : accuracyFindings(document, report, changed, config.quantization?.ignored_scope?.names)),
  ];
  const visible = withoutSuppressed(document, said(findings, syntax)).sort((a, b) => a.start - b.start);
  return { findings: visible, config };
}

const WRONG_VALUES: ReadonlySet<string> = new Set(['wrong-type', 'unknown-value', 'out-of-range']);

/**
 * What is worth saying: nothing twice (an alias brings the same text to several keys), nothing of the schema about what
 * could not be read, and nothing of what other readers take a value for that is wrong here already.
 */
function said(findings: readonly Finding[], syntax: readonly Finding[]): Finding[] {
  const unread = syntax.filter(({ code }) => code === 'syntax');
  const wrong = new Set(findings.flatMap(({ code, start }) => (WRONG_VALUES.has(code) ? [start] : [])));
  const seen = new Set<string>();
  return findings.filter((finding) => {
    const { code, start, end, message } = finding;
    if (code === 'unknown-key' && unread.some((other) => other.start < end && start < other.end))
      return false;
    if (code === 'yaml-version' && wrong.has(start)) return false;
    const key = `${start}:${end}:${code}:${message}`;
    return !seen.has(key) && seen.add(key);
  });
}

function modelFinding(document: ConfigDocument, context: RuleContext): Finding[] {
  const { modelProblem = null } = context;
  if (modelProblem === null) return [];
  const { start, end } = findNode(document.tree, ['model']) ?? placeOf(document, ['model']);
  return [
    {
      code: 'model-unreadable',
      severity: 'error',
      message: modelProblem,
      start,
      end,
      path: ['model'],
    },
  ];
}

/** The fixes of every rule, by code; suggestions are fixes of every code that has them. */
export const FIXES: FixTable = {
  ...syntaxFixes,
  ...schemaFixes,
  ...extendsFixes,
  ...dataFixes,
  ...ignoredAlreadyFixes,
  ...metricFixes,
  ...settingFixes,
  ...accuracyFixes,
  ...overflowFixes,
};

/** All fixes of a finding, the best first. */
export function fixesOf(document: ConfigDocument, found: Fixable): Fix[] {
  const { suggestions = [] } = found.data;
  const written = document.text.getText().slice(found.start, found.end);
  const range = { start: document.text.positionAt(found.start), end: document.text.positionAt(found.end) };
  const replaced = suggestions
    .slice(0, 5)
    .flatMap((suggestion) =>
      fix(
        `Change to ${suggestion}`,
        [{ range, newText: inQuotesOf(written, suggestion) }],
        suggestions.length === 1,
      ),
    );
  const others = FIXES[found.code]?.(document, found) ?? [];
  return [...replaced, ...others.filter(({ edits }) => keepsReadable(document, edits))];
}

/**
 * YAML has forms (explicit keys, tags over lines) that an edit by lines can break, and anchors that others need: such a fix
 * is not offered.
 */
function keepsReadable(document: ConfigDocument, edits: Fix['edits']): boolean {
  const { uri, languageId, version } = document.text;
  const after = TextDocument.applyEdits(document.text, [...edits]);
  const { tree } = parseConfig(TextDocument.create(uri, languageId, version, after));
  return (
    tree.problems.length <= document.tree.problems.length && lostAliases(tree) <= lostAliases(document.tree)
  );
}

function lostAliases({ root }: Tree): number {
  let count = 0;
  walk(root, (node) => {
    if (node.kind === 'alias' && node.target === undefined) count++;
  });
  return count;
}

/** A suggestion in the quotes that the text stands in; numbers, booleans and what is quoted already stay as they are. */
function inQuotesOf(written: string, suggestion: string): string {
  const quote = /^["']/.exec(written)?.[0] as '"' | "'" | undefined;
  if (/^["'*]|^(true|false|null|-?[\d.]+(e[+-]?\d+)?)$/i.test(suggestion)) return suggestion;
  return quoted(suggestion, quote ?? '');
}
