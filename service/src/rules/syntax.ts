import type { ConfigDocument } from '../document/document.js';
import { edited } from '../document/compose.js';
import { removeEntry } from '../document/edit.js';
import { linesIn, type Lines } from '../document/lines.js';
import { anchorsOf, pathOf, walk, type AliasNode, type Entry, type Tree } from '../document/tree.js';
import type { Finding } from '../findings/finding.js';
import { fix, type FixTable } from '../findings/fix.js';
import { nearest } from './nearest.js';
import { defineRule } from './rule.js';
import { causeOf } from './syntaxCauses.js';

/** A flood of follow-up errors is cut after as many. */
const MAX = 10;

/** `syntax`, `duplicate-key`, `unknown-anchor`: the text is not YAML or JSON, or does not hold together. */
export function syntaxFindings(document: ConfigDocument): Finding[] {
  const indented = overIndented(document);
  if (indented !== null) return [indented];

  const cause = causeOf(document);
  if (cause !== null) {
    const { start, end, message } = cause;
    return [{ code: 'syntax', severity: 'error', message, start, end, path: [], data: { hasCause: true } }];
  }

  const unreadable = independent(document).map(({ start, end, message }) => ({
    code: 'syntax' as const,
    severity: 'error' as const,
    message,
    // What is missing at the end is marked on the last character there is.
    start: Math.max(0, Math.min(start, document.text.getText().trimEnd().length - 1)),
    end,
    path: [] as const,
  }));

  return [...unreadable, ...duplicateKeys(document), ...unknownAnchors(document)];
}

/** The first problem: what a parser says behind it mostly follows from it. Missing commas of JSON stand each for itself. */
function independent({ tree: { problems, language } }: ConfigDocument): Tree['problems'] {
  const areCommas = language === 'json' && problems.every(({ message }) => message === 'Comma expected.');
  return problems.slice(0, areCommas ? MAX : 1);
}

/** What YAML says of a key that is indented deeper than the one above, which has a value already. */
const OVER_INDENTED =
  /^(Nested mappings|Implicit keys|All mapping items|A block sequence|All sequence items)/;
const KEY_LINE = /^( *)[\w"'$./-]+:(?= |$)/;
const ITEM_LINE = /^( *)- /;

/** The one cause of several such problems: a line that is indented deeper than a `key: value` above it; null: none is. */
function overIndented({ tree, text }: ConfigDocument): Finding | null {
  const [first] = tree.problems;
  if (tree.language !== 'yaml' || first === undefined || !OVER_INDENTED.test(first.message)) return null;
  const lines = linesIn(text);
  const { line } = text.positionAt(first.start);
  for (const row of [line + 1, line]) {
    const current = lines.line(row);
    const rowAbove = writtenAbove(lines, row);
    const above = lines.line(rowAbove);
    const item = misalignedItem(text, above, current, row);
    if (item !== null) return item;

    const [wanted, written] = [KEY_LINE.exec(above), KEY_LINE.exec(current)];
    // A block scalar, an anchor or an empty value may have more below it.
    if (wanted === null || written === null || !/: +[\w./"'-]/.test(above) || /: +[|>&]/.test(above))
      continue;
    const [indent, depth] = [wanted[1]!.length, written[1]!.length];
    if (depth === indent || (depth < indent && hasColumn(lines, rowAbove, depth))) continue;
    const start = text.offsetAt({ line: row, character: 0 });
    const message = `This line is indented by ${spaces(depth)}, the key above by ${indent}: keys of one mapping must be aligned.`;
    const span = { start: start + depth, end: start + written[0].length };

    return { code: 'syntax', severity: 'error', message, ...span, path: [], data: { indent } };
  }

  return null;
}

const spaces = (count: number) => (count === 1 ? '1 space' : `${count} spaces`);

/** The nearest line above with more than a comment on it. */
function writtenAbove(lines: Lines, row: number): number {
  let above = row - 1;
  while (above > 0 && /^\s*(#|$)/.test(lines.line(above))) above--;
  return above;
}

/** An item that begins left of the one above it. */
function misalignedItem(
  text: ConfigDocument['text'],
  above: string,
  current: string,
  row: number,
): Finding | null {
  const [wanted, written] = [ITEM_LINE.exec(above)?.[1], ITEM_LINE.exec(current)?.[1]];
  if (wanted === undefined || written === undefined || wanted.length <= written.length) return null;
  const start = text.offsetAt({ line: row, character: written.length });
  const message = `This item is indented by ${spaces(written.length)}, the one above by ${wanted.length}: items of one list must be aligned.`;
  const data = { indent: wanted.length };

  return { code: 'syntax', severity: 'error', message, start, end: start + 1, path: [], data };
}

/** Whether keys of a mapping around a line begin in a column. */
function hasColumn(lines: Lines, from: number, column: number): boolean {
  for (let row = from; row >= 0; row--) {
    const indent = KEY_LINE.exec(lines.line(row))?.[1]?.length;
    if (indent !== undefined && indent <= column) return indent === column;
  }

  return false;
}

function duplicateKeys({ tree, text }: ConfigDocument): Finding[] {
  const findings: Finding[] = [];
  walk(tree.root, (node) => {
    if (node.kind !== 'mapping') return;
    const seen = new Map<string, number>();
    for (const entry of node.entries) {
      const first = seen.get(entry.key);
      if (first === undefined) seen.set(entry.key, entry.start);
      else if (findings.length < MAX && entry.key !== '<<') {
        const line = text.positionAt(first).line + 1;
        const message = `Duplicate key "${entry.key}"; the first is on line ${line}.`;
        const { start, end } = entry.keySpan;
        findings.push({ code: 'duplicate-key', severity: 'error', message, start, end, path: pathOf(entry) });
      }
    }
  });
  return findings;
}

const syntaxFixes: FixTable = {
  syntax(document, { start, data }) {
    if (typeof data['indent'] === 'number') {
      const { line, character } = document.text.positionAt(start);
      const range = { start: { line, character: 0 }, end: { line, character } };
      return fix(
        `Indent by ${spaces(data['indent'])}`,
        [{ range, newText: ' '.repeat(data['indent']) }],
        true,
      );
    }

    if (data['hasCause'] === true) {
      const cause = causeOf(document);
      return cause === null ? [] : fix(cause.title, cause.edits, true);
    }

    if (document.tree.language !== 'json') return [];
    const place = document.text.positionAt(endOfText(document, start));
    const edits = [{ range: { start: place, end: place }, newText: ',' }];
    const mended = edited(document, edits).tree.problems.length < document.tree.problems.length;
    return mended ? fix('Insert a comma', edits, true) : [];
  },
  'duplicate-key'(document, { start }) {
    let duplicate: Entry | undefined;
    walk(document.tree.root, (node) => {
      if (node.kind === 'mapping') duplicate ??= node.entries.find((entry) => entry.keySpan.start === start);
    });
    if (duplicate === undefined) return [];
    return fix(`Remove this ${duplicate.key}`, removeEntry(document, duplicate));
  },
};

/** The end of what stands before an offset, white space and comments left aside. */
function endOfText({ text, tree }: ConfigDocument, offset: number): number {
  const content = text.getText();
  let end = content.slice(0, offset).trimEnd().length;
  for (const comment of [...tree.comments].reverse())
    if (comment.end === end) end = content.slice(0, comment.start).trimEnd().length;
  return end;
}

function unknownAnchors({ tree }: ConfigDocument): Finding[] {
  const unknown: AliasNode[] = [];
  walk(tree.root, (node) => {
    if (node.kind === 'alias' && node.target === undefined) unknown.push(node);
  });

  if (unknown.length === 0) return [];
  const anchors = anchorsOf(tree);

  return unknown.slice(0, MAX).map((node) => {
    const names = anchors.filter(({ anchor }) => anchor.start < node.start).map(({ anchor }) => anchor.name);

    const suggestions = nearest(node.name, names).map((name) => `*${name}`);
    const hint = suggestions.length > 0 ? ` Did you mean "${suggestions[0]}"?` : '';

    return {
      code: 'unknown-anchor',
      severity: 'error',
      message: `Undefined anchor "${node.name}".${hint}`,
      start: node.start,
      end: node.end,
      path: pathOf(node),
      data: { suggestions },
    };
  });
}

function tooLarge({ tree }: ConfigDocument, value: unknown): Finding[] {
  if (value !== undefined || tree.root === null) return [];
  const message = 'The aliases of this config expand to more than 100000 values.';
  return [{ code: 'syntax', severity: 'error', message, start: 0, end: 1, path: [] }];
}

export const rule = defineRule({
  codes: ['syntax', 'duplicate-key', 'unknown-anchor'],
  needs: 'text',
  check: ({ document, value }) => [...syntaxFindings(document), ...tooLarge(document, value)],
  fixes: syntaxFixes,
  suppressible: false,
  sections: {
    syntax:
      'Severity: error.\n\nThe text is not YAML 1.2 or JSON with comments. Text that could not be parsed produces no further diagnostics. A comment cannot disable it.',
    'duplicate-key':
      'Severity: error.\n\nA duplicate key in one mapping. YAML forbids it, and JSON readers keep one of the two without saying which.',
    'unknown-anchor': 'Severity: error.\n\nAn alias (`*name`) without an anchor (`&name`) before it.',
  },
  examples: [
    {
      code: 'syntax',
      before: '{"model": "model.onnx" "data": {"calibration": {"images": "train"}}}\n',
      after: '{"model": "model.onnx", "data": {"calibration": {"images": "train"}}}\n',
    },
    {
      code: 'duplicate-key',
      before: 'model: model.onnx\ndata: {calibration: {images: ./train}}\nmodel: other.onnx\n',
      after: 'model: model.onnx\ndata: {calibration: {images: ./train}}\n',
    },
    {
      code: 'unknown-anchor',
      before:
        'model: model.onnx\ndata:\n  calibration: {images: ./train, preprocess: &prep {color: rgb}}\n  validation: {images: ./val, preprocess: *prepp}\n',
      after:
        'model: model.onnx\ndata:\n  calibration: {images: ./train, preprocess: &prep {color: rgb}}\n  validation: {images: ./val, preprocess: *prep}\n',
    },
  ],
});
