import {
  CodeActionKind,
  DiagnosticSeverity,
  type CodeAction,
  type CodeActionContext,
  type Diagnostic,
  type TextEdit,
} from 'vscode-languageserver-types';
import type { ConfigDocument } from '../document/document.js';
import type { Path } from '../document/tree.js';
import type { Finding, FindingData } from '../findings/finding.js';
import type { Fix, Fixable } from '../findings/fix.js';
import { fixesOf, isSuppressible } from '../rules/all.js';

/** Everything with one right answer at once; editors can run it on save. */
export const FIX_ALL = `${CodeActionKind.SourceFixAll}.quantsmith`;

/** What can be done about diagnostics: fixes, the best first and preferred, then leaving the finding out by a comment. */
export function codeActions(
  document: ConfigDocument,
  { diagnostics, only }: Pick<CodeActionContext, 'diagnostics' | 'only'>,
): CodeAction[] {
  if (!wants(only, CodeActionKind.QuickFix)) return [];
  return diagnostics.flatMap((diagnostic) => {
    const found = fixable(document, diagnostic);
    const fixes = fixesOf(document, found).map((fix) => quickFix(document, diagnostic, fix));
    return [...fixes, ...suppression(document, diagnostic, found)];
  });
}

/** One action with every preferred fix; where two touch the same text, the first one. */
export function fixAll(document: ConfigDocument, findings: readonly Finding[]): CodeAction[] {
  const edits: TextEdit[] = [];
  let free = 0;
  for (const finding of findings) {
    const [only, ...others] = fixesOf(document, { ...finding, data: finding.data ?? {} }).filter(
      (fix) => fix.preferred,
    );
    if (only === undefined || others.length > 0 || (finding.data?.suggestions?.length ?? 0) > 1) continue;
    const starts = only.edits.map(({ range }) => document.text.offsetAt(range.start));
    if (starts.some((start) => start < free)) continue;
    edits.push(...only.edits);
    free = Math.max(...only.edits.map(({ range }) => document.text.offsetAt(range.end) + 1));
  }
  if (edits.length === 0) return [];
  return [
    {
      title: 'Fix everything that has one right answer',
      kind: FIX_ALL,
      edit: { changes: { [document.text.uri]: edits } },
    },
  ];
}

export function wants(only: readonly string[] | undefined, kind: string): boolean {
  return only === undefined || only.some((wanted) => kind === wanted || kind.startsWith(`${wanted}.`));
}

function fixable(document: ConfigDocument, diagnostic: Diagnostic): Fixable {
  const data = (diagnostic.data ?? {}) as FindingData & { path?: Path };
  return {
    code: String(diagnostic.code),
    start: document.text.offsetAt(diagnostic.range.start),
    end: document.text.offsetAt(diagnostic.range.end),
    path: data.path ?? [],
    data,
  };
}

function quickFix(
  document: ConfigDocument,
  diagnostic: Diagnostic,
  { title, edits, command, preferred }: Fix,
): CodeAction {
  return {
    title,
    kind: CodeActionKind.QuickFix,
    diagnostics: [diagnostic],
    ...(preferred ? { isPreferred: true } : {}),
    ...(command === undefined
      ? { edit: { changes: { [document.text.uri]: [...edits] } } }
      : { command: { title, command, arguments: [document.text.uri] } }),
  };
}

/** A comment on a line of its own above; texts over several lines have no place for one. */
function suppression(document: ConfigDocument, diagnostic: Diagnostic, { code }: Fixable): CodeAction[] {
  if (!isSuppressible(code, diagnostic.severity === DiagnosticSeverity.Error)) return [];
  const { line } = diagnostic.range.start;
  const start = { line, character: 0 };
  const indent = /^\s*/.exec(document.text.getText({ start, end: diagnostic.range.start }))![0];
  const mark = document.tree.language === 'json' ? '//' : '#';
  const eol = document.text.getText().includes('\r\n') ? '\r\n' : '\n';
  const newText = `${indent}${mark} quantsmith-disable-next-line ${code}${eol}`;
  const fix = {
    title: `Leave out ${code} on this line`,
    edits: [{ range: { start, end: start }, newText }],
    preferred: false,
  };
  return [quickFix(document, diagnostic, fix)];
}
