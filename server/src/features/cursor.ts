import type { Position, Range } from 'vscode-languageserver';
import { languageOf, type ConfigDocument } from '../document/document.js';
import { nodeAt, pathOf, type Entry, type Path, type TreeNode } from '../document/tree.js';
import { schemaOf } from '../knowledge/schema.js';

/** What is being typed. */
export interface Cursor {
  /** key: a key of the mapping at `path`; value: the value at `path`. */
  readonly kind: 'key' | 'value';
  readonly path: Path;
  /** The word that a completion replaces. */
  readonly word: string;
  readonly range: Range;
  /** White space before the key. */
  readonly indent: string;
  /** One level of indentation in this document. */
  readonly step: string;
  /** Whether a colon follows the key already. */
  readonly hasColon: boolean;
  /** Whether text values stand in double quotes. */
  readonly quotes: boolean;
}

/** Where the cursor is; null inside a comment. Lines that are still being typed need not parse. */
export function cursorAt(document: ConfigDocument, position: Position): Cursor | null {
  const offset = document.text.offsetAt(position);
  if (document.tree.comments.some((comment) => comment.start < offset && offset <= comment.end)) return null;
  return languageOf(document.text) === 'json'
    ? jsonCursor(document, position)
    : yamlCursor(document, position);
}

interface Line {
  readonly indent: number;
  /** Number of `- ` before the content; each opens a level. */
  readonly dashes: readonly number[];
  readonly key: string | null;
  readonly keyColumn: number;
  /** Column of the first character behind the colon and its spaces. */
  readonly valueColumn: number;
  readonly blank: boolean;
}

const LINE = /^(\s*)((?:-\s+)*)(?:(["']?)([\w$.<-]+)\3\s*:(?=\s|$)(\s*))?/;

function readLine(text: string): Line {
  const match = LINE.exec(text)!;
  const [whole, space = '', dash = '', , key] = match;
  const dashes: number[] = [];
  for (let i = 0; i < dash.length; i++) if (dash[i] === '-') dashes.push(space.length + i);
  const lone = /^(\s*)-\s*$/.exec(text);
  if (lone !== null && dashes.length === 0) dashes.push(lone[1]!.length);
  return {
    indent: space.length,
    dashes,
    key: key ?? null,
    keyColumn: space.length + dash.length,
    valueColumn: whole.length,
    blank: text.trim() === '' || text.trimStart().startsWith('#'),
  };
}

/** Block YAML is read by indentation, line by line upwards, which also works while a line is incomplete. */
function yamlCursor(document: ConfigDocument, position: Position): Cursor {
  const lines = document.text.getText().split(/\r?\n/);
  const text = lines[position.line] ?? '';
  const flow = flowPath(document, position);
  if (flow !== null) return flow;
  const line = readLine(text);
  const step = indentStep(lines);
  if (
    line.key !== null &&
    position.character >= line.valueColumn - (/:\s+/.test(text.slice(0, line.valueColumn)) ? 0 : -1) &&
    position.character > text.indexOf(':', line.keyColumn)
  ) {
    const parent = parentPath(lines, position.line, line.keyColumn, line);
    return valueCursor([...parent, line.key], text, position, line.valueColumn, step);
  }
  const column =
    line.dashes.length > 0 && line.key === null
      ? Math.min(position.character, firstContent(text, line))
      : line.key !== null
        ? line.keyColumn
        : Math.min(position.character, text.length - text.trimStart().length || position.character);
  const path = parentPath(lines, position.line, column, line);
  if (line.key === null && takesScalar(path)) return valueCursor(path, text, position, column, step);
  const word = /[\w$<]*$/.exec(text.slice(column, position.character))?.[0] ?? '';
  const rest = /^[\w$]*/.exec(text.slice(position.character))?.[0] ?? '';
  const after = text.slice(position.character + rest.length);
  return {
    kind: 'key',
    path,
    word: `${word}${rest}`,
    range: {
      start: { line: position.line, character: position.character - word.length },
      end: { line: position.line, character: position.character + rest.length },
    },
    indent: ' '.repeat(column),
    step,
    hasColon: /^\s*:/.test(after),
    quotes: false,
  };
}

/** A position where no keys can be: an item of a list of texts, the value of a key that is no mapping. */
function takesScalar(path: Path): boolean {
  const schema = schemaOf(path);
  return schema !== undefined && schema.properties === undefined;
}

function firstContent(text: string, line: Line): number {
  const last = line.dashes.at(-1) ?? 0;
  const content = /\S/.exec(text.slice(last + 1));
  return content === null ? Math.max(text.length, last + 2) : last + 1 + content.index;
}

function valueCursor(path: Path, text: string, position: Position, from: number, step: string): Cursor {
  const start = Math.min(from, position.character);
  const comment = text.search(/\s#/);
  const contentEnd = comment === -1 ? text.trimEnd().length : comment;
  const end = Math.max(position.character, Math.max(start, contentEnd));
  const gap = /:$/.test(text.slice(0, start)) ? ' ' : '';
  const word = text.slice(start, end);
  void gap;
  return {
    kind: 'value',
    path,
    word,
    range: { start: { line: position.line, character: start }, end: { line: position.line, character: end } },
    indent: '',
    step,
    hasColon: false,
    quotes: word.startsWith('"'),
  };
}

/** The path of the mapping or list whose content starts at `column` of the line. */
function parentPath(lines: readonly string[], lineNumber: number, column: number, own: Line): Path {
  const path: (string | number)[] = [];
  let limit = column;
  const climb = (line: Line, number: number) => {
    for (const dash of [...line.dashes].reverse()) {
      if (dash >= limit) continue;
      path.unshift(itemIndex(lines, number, dash));
      limit = dash;
    }
  };
  climb(own, lineNumber);
  for (let number = lineNumber - 1; number >= 0 && limit > 0; number--) {
    const line = readLine(lines[number] ?? '');
    if (line.blank) continue;
    // A list may stand at the same column as its key.
    const inList = typeof path[0] === 'number';
    if (
      line.key !== null &&
      (line.keyColumn < limit || (inList && line.keyColumn === limit && line.dashes.length === 0))
    ) {
      path.unshift(line.key);
      limit = line.keyColumn;
      climb(line, number);
    } else if (line.dashes.some((dash) => dash < limit) && line.key === null) climb(line, number);
  }
  if (limit === 0 || typeof path[0] !== 'number') return path;
  return path;
}

/** Which item of its list a dash begins: the dashes above it at the same column are counted. */
function itemIndex(lines: readonly string[], lineNumber: number, column: number): number {
  let index = 0;
  for (let number = lineNumber - 1; number >= 0; number--) {
    const line = readLine(lines[number] ?? '');
    if (line.blank) continue;
    if (line.dashes.includes(column)) index++;
    else if (line.indent <= column) break;
  }
  return index;
}

function indentStep(lines: readonly string[]): string {
  for (const line of lines) {
    const match = /^( +)[\w"'-]/.exec(line);
    if (match !== null) return match[1]!.length <= 8 ? match[1]! : '  ';
  }
  return '  ';
}

/** Inside `{…}` or `[…]` on the same line the tree says where the cursor is. */
function flowPath(document: ConfigDocument, position: Position): Cursor | null {
  const line = document.text.getText({ start: { line: position.line, character: 0 }, end: position });
  const open = [...line.replace(/"[^"]*"|'[^']*'/g, (quoted) => '_'.repeat(quoted.length))].reduce(
    (depth, char) => depth + (/[[{]/.test(char) ? 1 : /[\]}]/.test(char) ? -1 : 0),
    0,
  );
  if (open <= 0) return null;
  return treeCursor(document, position, false);
}

function jsonCursor(document: ConfigDocument, position: Position): Cursor | null {
  return treeCursor(document, position, true);
}

/** The cursor from the tree and the characters around it, for JSON and flow YAML. */
function treeCursor(document: ConfigDocument, position: Position, json: boolean): Cursor {
  const text = document.text.getText();
  const offset = document.text.offsetAt(position);
  const before = text.slice(0, offset);
  const head = /"[^"\n]*$|[\w./$-]*$/.exec(before)?.[0] ?? '';
  const tail = /^[^"\n,}\]:\s]*"?/.exec(text.slice(offset))?.[0] ?? '';
  const word = head + tail;
  const previous =
    before
      .slice(0, before.length - head.length)
      .trimEnd()
      .at(-1) ?? '';
  const container = containerAt(document.tree.root, offset);
  const path = container === null ? [] : pathOf(container);
  const range = {
    start: document.text.positionAt(offset - head.length),
    end: document.text.positionAt(offset + tail.length),
  };
  const common = {
    word,
    range,
    indent: '',
    step: '  ',
    quotes: json,
    hasColon: /^\s*:/.test(text.slice(offset + tail.length)),
  };
  if (previous === ':') {
    const key = /["']?([\w$]+)["']?\s*:\s*$/.exec(before.slice(0, before.length - head.length))?.[1];
    const inside = key === undefined || path.at(-1) === key ? path : [...path, key];
    return { kind: 'value', path: inside, ...common };
  }
  if (container?.kind === 'sequence')
    return { kind: 'value', path: [...path, container.items.length], ...common };
  return { kind: 'key', path, ...common };
}

/** The innermost mapping or list around the offset. */
function containerAt(
  root: TreeNode | null,
  offset: number,
): Exclude<TreeNode, { kind: 'scalar' | 'alias' }> | null {
  if (root === null) return null;
  let node: TreeNode | Entry | null = nodeAt({ root, problems: [], comments: [], language: 'json' }, offset);
  while (node !== null) {
    if ((node.kind === 'mapping' || node.kind === 'sequence') && node.start < offset && offset <= node.end)
      return node;
    node = node.parent;
  }
  return null;
}
