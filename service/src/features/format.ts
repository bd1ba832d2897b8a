import { largest, smallest } from '@quantsmith/schemas';
import { format as formatJson } from 'jsonc-parser';
import { TextDocument } from 'vscode-languageserver-textdocument';
import type { FormattingOptions, Range, TextEdit } from 'vscode-languageserver-types';
import { parseConfig, type ConfigDocument } from '../document/document.js';
import { withoutMark } from '../document/json.js';
import type { Tree, TreeNode } from '../document/tree.js';
import { layOut } from './layout.js';

/** Indentation that is taken for none: YAML needs two columns below a dash, and more than eight nobody reads. */
const MIN_STEP = 2;
const MAX_STEP = 8;

/** Ends a line for editors, but not for the YAML library: what stands on which line is not clear. */
const LONE_CR = /\r(?!\n)/;

/**
 * White space as it should be: indentation, one space behind a colon and a dash, none at line ends, no heaps of empty
 * lines. What a person decided stays: comments, anchors, quotes, order, and what stands on one line. `range`: only the
 * sections that it touches. Nothing while the text cannot be read, or where anything but white space would change.
 */
export function formatting(
  document: ConfigDocument,
  options: FormattingOptions,
  range: Range | null = null,
): TextEdit[] {
  const { text, tree } = document;
  if (tree.root === null || tree.problems.length > 0) return [];
  if (tree.language === 'yaml' && LONE_CR.test(text.getText())) return [];
  const wanted = range === null ? null : sectionsOf(document, range);
  const edits =
    tree.language === 'json' ? jsonEdits(document, options) : layOut(document, stepOf(options), options);

  const chosen = edits.filter(
    ({ range: { start, end } }) => wanted === null || (wanted.first <= start.line && end.line <= wanted.last),
  );

  if (chosen.length === 0) return [];
  const after = TextDocument.applyEdits(text, chosen);
  const next = parseConfig(TextDocument.create(text.uri, text.languageId, text.version, after));

  return next.tree.problems.length === 0 && meaning(next.tree) === meaning(tree) ? chosen : [];
}

const stepOf = ({ tabSize }: FormattingOptions) => Math.min(MAX_STEP, Math.max(MIN_STEP, tabSize));

function jsonEdits({ text }: ConfigDocument, options: FormattingOptions): TextEdit[] {
  const content = text.getText();
  const { tabSize, insertSpaces, insertFinalNewline = false } = options;
  const eol = content.includes('\r\n') ? '\r\n' : '\n';
  const edits = formatJson(withoutMark(content), undefined, {
    tabSize,
    insertSpaces,
    insertFinalNewline,
    eol,
    // What stands on one line was put there by a person.
    keepLines: true,
  });

  // A list of numbers reads better without spaces in its brackets; who has them keeps them.
  const isPadding = ({ offset, length, content: added }: (typeof edits)[number]) =>
    length === 0 && added === ' ' && (content[offset - 1] === '[' || content[offset] === ']');

  const isMark = ({ offset }: (typeof edits)[number]) => offset === 0 && content.startsWith('\uFEFF');

  return edits
    .filter((edit) => !isPadding(edit) && !isMark(edit))
    .map(({ offset, length, content: newText }) => ({
      range: { start: text.positionAt(offset), end: text.positionAt(offset + length) },
      newText,
    }));
}

/** The lines of the sections at the top that a range touches: within one, indentation hangs together. */
function sectionsOf({ text, tree: { root, language } }: ConfigDocument, { start, end }: Range) {
  const entries = language === 'yaml' && root?.kind === 'mapping' ? root.entries : [];
  const lines = entries.map((entry) => ({
    first: text.positionAt(entry.start).line,
    last: text.positionAt(entry.end).line,
  }));
  const touched = lines.filter(({ first, last }) => first <= end.line && start.line <= last);

  return {
    first: Math.min(start.line, smallest(touched.map(({ first }) => first))),
    last: Math.max(end.line, largest(touched.map(({ last }) => last))),
  };
}

/** Everything that a text says, white space left out: values with their types and quotes, keys in order, anchors, comments. */
function meaning({ root, comments }: Tree): string {
  return JSON.stringify([
    contentOf(root),
    comments.map(({ text }) => text.replace(/[^\S\n]*\r?\n\s*/g, '\n').trim()),
  ]);
}

function contentOf(node: TreeNode | null): unknown {
  if (node === null) return null;
  const anchor = node.anchor?.name ?? '';
  switch (node.kind) {
    case 'alias':
      return ['*', node.name];
    case 'scalar':
      return [anchor, node.quoted, typeof node.value, String(node.value)];
    case 'sequence':
      return [anchor, '-', ...node.items.map(contentOf)];
    case 'mapping':
      return [anchor, ':', ...node.entries.map(({ key, value }) => [key, contentOf(value)])];
  }
}
