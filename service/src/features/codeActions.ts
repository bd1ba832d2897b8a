import { append, type ConfigPath } from '@quantsmith/schemas';
import {
  CodeActionKind,
  DiagnosticSeverity,
  type CodeAction,
  type CodeActionContext,
  type Diagnostic,
  type TextEdit,
} from 'vscode-languageserver-types';
import { difference, edited } from '../document/compose.js';
import type { ConfigDocument } from '../document/document.js';
import { SOURCE } from './diagnostics.js';
import type { Finding, FindingData } from '../findings/finding.js';
import type { Fix, Fixable } from '../findings/fix.js';
import { fixesOf, isSuppressible, spellingFix } from '../rules/all.js';
import { syntaxFindings } from '../rules/syntax.js';

/** Every spelling at once; editors can run it on save. */
export const FIX_ALL = `${CodeActionKind.SourceFixAll}.quantsmith`;

/** What can be done about diagnostics: fixes, the best first and preferred, then leaving the finding out by a comment. */
export function codeActions(
  document: ConfigDocument,
  { diagnostics, only }: Pick<CodeActionContext, 'diagnostics' | 'only'>,
): CodeAction[] {
  if (!wants(only, CodeActionKind.QuickFix)) return [];
  return diagnostics.filter(isOurs).flatMap((diagnostic) => {
    const fixing = fixable(document, diagnostic);
    const fixes = fixesOf(document, fixing).map((fix) => quickFix(document, diagnostic, fix));
    return [...fixes, ...suppression(document, diagnostic, fixing)];
  });
}

/**
 * One action with everything that is no more than another spelling: it changes no number and removes no setting. `find`
 * judges a text anew, since a corrected key brings out what is wrong below it: applying the action twice changes nothing
 * more. Nothing while the text cannot be read.
 */
export function fixAll(
  document: ConfigDocument,
  find: (document: ConfigDocument) => readonly Finding[],
): CodeAction[] {
  let current = document;
  for (;;) {
    const next = respelled(current, find(current));
    if (next === null) break;
    current = next;
  }

  const edit = difference(document, current.text.getText());
  if (edit === null) return [];

  return [
    {
      title: 'Fix all auto-fixable problems',
      kind: FIX_ALL,
      edit: { changes: { [document.text.uri]: [edit] } },
    },
  ];
}

/** The text with its spelling fixes, as many as do not touch each other; null where there is none that can be made. */
function respelled(document: ConfigDocument, findings: readonly Finding[]): ConfigDocument | null {
  const fixes = findings.flatMap(
    (finding) => spellingFix(document, { ...finding, data: finding.data ?? {} }) ?? [],
  );

  const edits = apart(document, fixes);
  if (edits.length === 0 || syntaxFindings(document).length > 0) return null;
  const all = edited(document, edits);
  if (syntaxFindings(all).length === 0) return all;

  // One of them makes the text unreadable: they are made one by one.
  for (const fix of fixes) {
    const edit = edited(document, fix.edits);
    if (syntaxFindings(edit).length === 0) return edit;
  }

  return null;
}

/** The edits of fixes; where two touch the same text, the first one. */
function apart({ text }: ConfigDocument, fixes: readonly Fix[]): TextEdit[] {
  const edits: TextEdit[] = [];
  let free = 0;
  for (const fix of fixes) {
    if (fix.edits.some(({ range }) => text.offsetAt(range.start) < free)) continue;
    append(edits, fix.edits);
    for (const { range } of fix.edits) free = Math.max(free, text.offsetAt(range.end) + 1);
  }

  return edits;
}

/** Whether a kind of action is among those asked for; the empty kind is that of all. */
export function wants(only: readonly string[] | null | undefined, kind: string): boolean {
  return (only ?? ['']).some((wanted) => wanted === '' || kind === wanted || kind.startsWith(`${wanted}.`));
}

/** Other servers find things in the same text. */
const isOurs = ({ source }: Diagnostic) => source === undefined || source === SOURCE;

function fixable(document: ConfigDocument, diagnostic: Diagnostic): Fixable {
  const data = (diagnostic.data ?? {}) as FindingData & { path?: ConfigPath };
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
    title: `Disable ${code} for this line`,
    edits: [{ range: { start, end: start }, newText }],
    preferred: false,
  };

  return [quickFix(document, diagnostic, fix)];
}
