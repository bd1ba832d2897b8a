import type { FormattingOptions, TextEdit } from 'vscode-languageserver-types';
import type { ConfigDocument } from '../document/document.js';
import type { Entry, MappingNode, SequenceNode, TreeNode } from '../document/tree.js';

/** More empty lines in a row say no more than these. */
const MAX_EMPTY = 1;

/** What stands before the content of lines, by their numbers, and by how much lines within values move. */
interface Layout {
  readonly leads: Map<number, string>;
  readonly shifts: Map<number, number>;
  /** White space around the colon of an entry, as offsets and what replaces it, by the line. */
  readonly gaps: Map<number, { readonly start: number; readonly end: number; readonly text: string }>;
}

/** Edits, one for each line that changes, that lay out block YAML. Whether they change a value is not checked. */
export function layOut(document: ConfigDocument, step: number, options: FormattingOptions): TextEdit[] {
  const layout: Layout = { leads: new Map(), shifts: new Map(), gaps: new Map() };
  if (document.tree.root !== null) place(document, document.tree.root, 0, step, layout);
  const lines = document.text.getText().split('\n');
  const after = lines.map((line, number) => laidOut(document, line, number, layout));
  alignComments(lines, after, layout);

  const isFixed = (number: number) => layout.shifts.has(number);
  return [
    ...lines.flatMap((line, number) => {
      const isSurplus =
        line.trim() === '' &&
        !isFixed(number) &&
        number >= MAX_EMPTY &&
        number < lines.length - 1 &&
        lines.slice(number - MAX_EMPTY, number).every((other) => other.trim() === '');

      if (isSurplus) return [replaced(number, 0, number + 1, 0, '')];
      const next = isFixed(number) ? after[number]! : trimmed(after[number]!);
      return next === line ? [] : [lineEdit(number, line, next)];
    }),
    ...finalNewline(lines, options),
  ];
}

/** A line with its indentation and the gaps around its colon; comments are not known yet. */
function laidOut(document: ConfigDocument, line: string, number: number, layout: Layout): string {
  const { leads, shifts, gaps } = layout;
  const lead = leads.get(number);
  const begin = document.text.offsetAt({ line: number, character: 0 });
  const gap = gaps.get(number) ?? null;
  const text =
    gap === null ? line : line.slice(0, gap.start - begin) + gap.text + line.slice(gap.end - begin);
  if (lead !== undefined) {
    const dashes = lead.split('-').length - 1;
    return lead + text.replace(new RegExp(`^[ \\t]*(?:-[ \\t]*){${dashes}}`), '');
  }

  const by = shifts.get(number) ?? 0;
  if (by === 0 || text.trim() === '') return text;
  return by > 0 ? ' '.repeat(by) + text : text.replace(new RegExp(`^ {0,${-by}}`), '');
}

/** Comments on lines of their own stand where the line that they stood below or above stands now. */
function alignComments(lines: readonly string[], after: string[], { leads, shifts }: Layout): void {
  for (let number = lines.length - 1; number >= 0; number--) {
    const line = lines[number]!;
    if (leads.has(number) || shifts.has(number) || !line.trimStart().startsWith('#')) continue;
    const column = indentOf(line);
    const next = nearest(lines, leads, number, 1);
    let like = next;
    if (next === null || indentOf(lines[next]!) !== column) {
      let above = nearest(lines, leads, number, -1);
      while (above !== null && indentOf(lines[above]!) > column) above = nearest(lines, leads, above, -1);
      if (above !== null && indentOf(lines[above]!) === column) like = above;
    }

    if (like !== null) after[number] = ' '.repeat(indentOf(after[like]!)) + line.trimStart();
  }
}

/** The closest line with an indentation of its own; null: there is none. */
function nearest(
  lines: readonly string[],
  leads: ReadonlyMap<number, string>,
  from: number,
  by: 1 | -1,
): number | null {
  for (let number = from + by; number >= 0 && number < lines.length; number += by)
    if (leads.has(number)) return number;
  return null;
}

const indentOf = (line: string) => line.length - line.trimStart().length;

const trimmed = (line: string) => line.replace(/[ \t]+(?=\r?$)/, '');

function finalNewline(
  lines: readonly string[],
  { insertFinalNewline = false }: FormattingOptions,
): TextEdit[] {
  const last = lines.length - 1;
  const { length } = lines[last]!;
  const eol = lines[0]!.endsWith('\r') ? '\r\n' : '\n';
  return insertFinalNewline && length > 0 ? [replaced(last, length, last, length, eol)] : [];
}

/** What differs between a line and what it becomes. */
function lineEdit(number: number, line: string, next: string): TextEdit {
  let start = 0;
  while (start < Math.min(line.length, next.length) && line[start] === next[start]) start++;
  let tail = 0;
  const max = Math.min(line.length, next.length) - start;
  while (tail < max && line.at(-1 - tail) === next.at(-1 - tail)) tail++;
  return replaced(number, start, number, line.length - tail, next.slice(start, next.length - tail));
}

const replaced = (line: number, from: number, last: number, to: number, newText: string): TextEdit => ({
  range: { start: { line, character: from }, end: { line: last, character: to } },
  newText,
});

/** Gives the lines of a block collection their indentation, and those of what is in it. */
function place(document: ConfigDocument, node: TreeNode, column: number, step: number, layout: Layout): void {
  if (node.kind === 'mapping' && isBlock(document, node))
    for (const entry of node.entries) placeEntry(document, entry, column, step, layout);
  else if (node.kind === 'sequence' && isBlock(document, node))
    for (const item of node.items) placeItem(document, node, item, column, step, layout);
  else placeWithin(document, node, column, layout);
}

function placeEntry(
  document: ConfigDocument,
  entry: Entry,
  column: number,
  step: number,
  layout: Layout,
): void {
  const { line, character } = document.text.positionAt(entry.start);
  if (lineText(document, line).slice(0, character).trim() === '') layout.leads.set(line, ' '.repeat(column));
  const { value } = entry;
  if (value === null) return;

  const begin = document.text.positionAt(value.start);
  if (begin.line === line) {
    gap(document, entry, value, layout);
    // Lines of a value that goes on move with its key.
    shift(line + 1, document.text.positionAt(value.end).line, column - character, layout);
    return;
  }

  const isFlush = value.kind === 'sequence' && isBlock(document, value) && begin.character === character;
  place(document, value, isFlush ? column : column + step, step, layout);
}

function placeItem(
  document: ConfigDocument,
  sequence: SequenceNode,
  item: TreeNode,
  column: number,
  step: number,
  layout: Layout,
): void {
  const dash = dashBefore(document, sequence, item);
  if (dash === null) return;
  const { line } = dash;
  const lead = layout.leads.get(line);
  const start = document.text.positionAt(item.start);
  // `- - a`: the dash of the list around stands there already.
  layout.leads.set(line, lead !== undefined && lead.endsWith('- ') ? `${lead}- ` : `${' '.repeat(column)}- `);

  if (start.line !== line) place(document, item, column + step, step, layout);
  else if (isBlock(document, item)) place(document, item, column + 2, step, layout);
  else shift(line + 1, document.text.positionAt(item.end).line, column - dash.character, layout);
}

/** A scalar or a flow collection on lines of its own. */
function placeWithin(document: ConfigDocument, node: TreeNode, column: number, layout: Layout): void {
  const { line, character } = document.text.positionAt(node.start);
  const isFirst = lineText(document, line).slice(0, character).trim() === '';
  const move = isFirst ? column - character : 0;
  shift(line, document.text.positionAt(node.end).line, move, layout);
}

function shift(from: number, to: number, by: number, { shifts }: Layout): void {
  for (let line = from; line <= to; line++) shifts.set(line, by);
}

/** One space behind the colon of a value on the line, none before it. */
function gap({ text }: ConfigDocument, entry: Entry, value: TreeNode, { gaps }: Layout): void {
  const start = entry.keySpan.end;
  const between = /^[ \t]*:[ \t]+/.exec(text.getText().slice(start, value.start));
  if (between !== null && between[0] !== ': ')
    gaps.set(text.positionAt(start).line, { start, end: start + between[0].length, text: ': ' });
}

/** The dash of an item: the nearest before it that begins a line or stands behind other dashes. */
function dashBefore({ text }: ConfigDocument, sequence: SequenceNode, item: TreeNode) {
  const content = text.getText();
  const column = text.positionAt(sequence.start).character;
  for (let line = text.positionAt(item.start).line; line >= text.positionAt(sequence.start).line; line--) {
    const offset = text.offsetAt({ line, character: column });
    const before = content.slice(offset - column, offset);
    if (content[offset] === '-' && /^[\s-]*$/.test(before) && offset < item.start)
      return { line, character: column };
  }

  return null;
}

const isBlock = ({ text }: ConfigDocument, node: TreeNode): node is MappingNode | SequenceNode =>
  (node.kind === 'mapping' || node.kind === 'sequence') && !/[[{]/.test(text.getText().charAt(node.start));

function lineText({ text }: ConfigDocument, line: number): string {
  return text.getText({ start: { line, character: 0 }, end: { line: line + 1, character: 0 } });
}
