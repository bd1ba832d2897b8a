import { parsePlainLine } from './plainLine.js';
import type { Entry, MappingNode, SequenceNode, Span, Tree, TreeNode } from './tree.js';
import { endOf, parseYaml } from './yaml.js';

/** A text with its tree. */
interface Parsed {
  readonly content: string;
  readonly tree: Tree;
  /** Whether the tree is known to be made of parts; left out: that is found out. */
  readonly isSeparable?: boolean;
}

type Collection = MappingNode | SequenceNode;
type Child = Entry | TreeNode;

/** An entry or item that begins a line of its own, with the lines up to the next one. */
interface Unit extends Span {
  readonly parent: Collection;
  readonly index: number;
}

/** A part of the text that was replaced by another, and by how much everything behind it moves. */
interface Edit extends Span {
  readonly shift: number;
}

/** A changed text, as far as it is asked for. */
export interface Changed {
  /** What was replaced of the text before. */
  readonly edit: Edit;
  /** A part of the text as it is now. */
  readonly slice: (start: number, end: number) => string;
}

/** What became of a text. */
export const changedTo = (before: string, after: string): Changed => ({
  edit: difference(before, after),
  slice: (start, end) => after.slice(start, end),
});

/** What begins or ends a document or says how to read it, and keys with a question mark or none, concern more than their lines. */
const FAR_REACHING = /^(---|\.\.\.|%|\uFEFF|[ -]*[?:](\s|$))/m;

/** Whether the lines of a text can be parsed on their own. */
function isSeparable(text: string): boolean {
  return !FAR_REACHING.test(text.replace(/^---[ \t]*\r?\n/, ''));
}

/**
 * The tree of a changed text by parsing just the lines of the smallest entry or item that holds the change; null where
 * that does not do. The nodes of the old tree are moved and used again, so the old tree must not be used any more. The
 * result equals that of a whole parse.
 */
export function reparseYaml(old: Parsed, { edit, slice }: Changed): Tree | null {
  const { tree } = old;
  if (tree.problems.length > 0 || tree.root === null) return null;
  if (old.isSeparable !== true && !isSeparable(old.content)) return null;
  const units = unitsAround(old, edit);
  // The smallest first; when its neighbours turn out to be concerned, the next larger one, then the whole text.
  for (const unit of units.reverse().slice(0, 2)) {
    const replaced = parseUnit(old, unit, slice(unit.start, unit.end + edit.shift));
    if (replaced === null) continue;
    splice(unit, replaced.collection, edit);
    return { ...tree, comments: replaceComments(tree, unit, replaced.comments, edit) };
  }

  return null;
}

/** Texts are compared by pieces of this length, which is many times as quick as by characters. */
const PIECE = 2048;

/** What two texts do not have in common. */
export function difference(before: string, after: string): Edit {
  const max = Math.min(before.length, after.length);
  let start = 0;
  while (start + PIECE <= max && before.slice(start, start + PIECE) === after.slice(start, start + PIECE))
    start += PIECE;
  while (start < max && before.charCodeAt(start) === after.charCodeAt(start)) start++;
  const [left, right] = [before.length, after.length];
  let same = 0;
  const pieceBefore = (end: number, text: string) => text.slice(end - PIECE, end);
  while (same + PIECE <= max - start && pieceBefore(left - same, before) === pieceBefore(right - same, after))
    same += PIECE;
  while (same < max - start && before.charCodeAt(left - 1 - same) === after.charCodeAt(right - 1 - same))
    same++;

  return { start, end: left - same, shift: right - left };
}

const childrenOf = (node: Collection): readonly Child[] =>
  node.kind === 'mapping' ? node.entries : node.items;
const isCollection = (node: TreeNode | null): node is Collection =>
  node?.kind === 'mapping' || node?.kind === 'sequence';

/** The units that contain the edit, the largest first. */
function unitsAround({ content, tree }: Parsed, edit: Edit): Unit[] {
  const units: Unit[] = [];
  let node = tree.root;
  let end = content.length;
  while (isCollection(node) && !/[[{]/.test(content.charAt(node.start))) {
    const children = childrenOf(node);
    const index = lastBefore(children, edit.start, content);
    const child = children[index];
    const next = children[index + 1];
    const start = child === undefined ? null : lineStart(content, node, child);
    if (child === undefined || start === null || start > edit.start) break;
    const after = next === undefined ? end : lineStart(content, node, next);
    // The line end before the neighbour must stay.
    if (after === null || (edit.end >= after && after < content.length)) break;
    units.push({ parent: node, index, start, end: after });
    end = after;
    node = child.kind === 'entry' ? child.value : child;
  }

  return units;
}

/** The last child that begins on or before the line of an offset. */
function lastBefore(children: readonly Child[], offset: number, content: string): number {
  const line = content.indexOf('\n', offset);
  const limit = line === -1 ? content.length : line;
  let low = 0;
  let high = children.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (children[middle]!.start <= limit) low = middle + 1;
    else high = middle;
  }

  // An item that begins on the line behind the offset (`- ` being typed before it) belongs to it as well.
  return low - 1;
}

/** Where the line of a child begins, if nothing but its indentation and dash stands before it. */
function lineStart(content: string, parent: Collection, child: Child): number | null {
  const start = content.lastIndexOf('\n', child.start - 1) + 1;
  const before = content.slice(start, child.start);
  return (parent.kind === 'mapping' ? /^ *$/ : /^ *- *$/).test(before) ? start : null;
}

/** The collection of the new children in place of a unit, and its comments; null when its text is no longer a part of the same collection. */
function parseUnit(
  { content, tree }: Parsed,
  { parent, index, start }: Unit,
  text: string,
): { collection: Collection; comments: Tree['comments'] } | null {
  const indent = indentOf(content, start);
  if (FAR_REACHING.test(text) || hasLineBefore(indent, text)) return null;
  const old = childrenOf(parent)[index]!;
  const { root, problems, comments } = parsePlainLine(text) ?? parseYaml(text);
  if (problems.length > 0 || root === null || !isCollection(root) || root.kind !== parent.kind) return null;
  const first = childrenOf(root)[0];
  const line = first === undefined ? null : lineStart(text, parent, first);
  if (line === null || indentOf(text, line) !== indent) return null;
  // Flow style.
  if (/[[{]/.test(text.charAt(root.start))) return null;
  // Names of anchors are known in the whole text.
  if (hasAnchor(root) || (tree.anchored && hasAnchor(old))) return null;
  moveAll(root, start);

  return { collection: root, comments };
}

/** Whether a line begins left of a column: in the whole text even a comment there ends the collection, on its own it does not. */
const hasLineBefore = (indent: number, text: string) =>
  indent > 0 && new RegExp(`^ {0,${indent - 1}}[^ \\r\\n]`, 'm').test(text);

const indentOf = (text: string, start: number) => /^ */.exec(text.slice(start, start + 200))![0].length;

function hasAnchor(child: Child): boolean {
  const stack: (Child | null)[] = [child];
  for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
    if (node === null) continue;
    if (node.kind === 'alias' || (node.kind !== 'entry' && node.anchor !== undefined)) return true;
    if (node.kind === 'entry') stack.push(node.value);
    else if (isCollection(node)) for (const inner of childrenOf(node)) stack.push(inner);
  }

  return false;
}

/** Puts the children in the unit's place, and moves everything behind it. */
function splice({ parent, index }: Unit, replaced: Collection, { shift }: Edit): void {
  const children = childrenOf(parent) as Child[];
  for (const child of childrenOf(replaced)) (child as { parent: Child }).parent = parent;
  if (index === 0) (parent as { start: number }).start = replaced.start;
  for (let i = index + 1; i < children.length; i++) moveAll(children[i]!, shift);
  children.splice(index, 1, ...childrenOf(replaced));
  let inner: Child = parent;
  for (;;) {
    (inner as { end: number }).end = endOf(inner);
    const outer: Entry | Collection | null = inner.parent;
    if (outer === null) return;
    if (outer.kind !== 'entry') {
      const siblings = childrenOf(outer);
      for (let i = siblings.length - 1; siblings[i] !== inner; i--) moveAll(siblings[i]!, shift);
    }

    inner = outer;
  }
}

/** Moves a node with everything in it. */
function moveAll(root: Child, shift: number): void {
  if (shift === 0) return;
  // The items of long lists need no stack, which would be made for each of them.
  if (root.kind === 'scalar' && root.anchor === undefined) {
    move(root, shift);
    return;
  }

  const stack: (Child | null)[] = [root];
  for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
    if (node === null) continue;
    move(node, shift);
    if (node.kind === 'entry') {
      move(node.keySpan, shift);
      stack.push(node.value);
      continue;
    }

    if (node.anchor !== undefined) move(node.anchor, shift);
    if (isCollection(node)) for (const inner of childrenOf(node)) stack.push(inner);
  }
}

function move(span: Span, shift: number): void {
  const movable = span as { start: number; end: number };
  movable.start += shift;
  movable.end += shift;
}

function replaceComments(
  tree: Tree,
  unit: Unit,
  comments: Tree['comments'],
  { shift }: Edit,
): Tree['comments'] {
  for (const comment of comments) move(comment, unit.start);
  const behind = tree.comments.filter((comment) => comment.start >= unit.end);
  if (shift !== 0) for (const comment of behind) move(comment, shift);

  return [...tree.comments.filter((comment) => comment.start < unit.start), ...comments, ...behind];
}
