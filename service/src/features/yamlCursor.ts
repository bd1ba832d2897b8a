import { type ConfigPath, below, writtenPath } from '@quantsmith/schemas';
import type { Position, TextEdit } from 'vscode-languageserver-types';
import { sliceOf, type ConfigDocument } from '../document/document.js';
import { linesIn, type Lines } from '../document/lines.js';
import { nodeAt } from '../document/tree.js';
import { schemaOf } from '../knowledge/schema.js';
import type { Cursor } from './cursor.js';

/** A line of block YAML as far as indentation decides about it. */
interface Line {
  /** Columns of the `- ` before the content; each opens a level. */
  readonly dashes: readonly number[];
  readonly key: string | null;
  /** Column where the content behind the dashes starts. */
  readonly column: number;
  /** Column behind the colon, its spaces, anchors and tags. */
  readonly valueColumn: number;
  /** Whether a value stands on the line itself. */
  readonly hasValue: boolean;
  readonly blank: boolean;
}

const LINE = /^(\s*)((?:-(?:\s+|$))*)(?:(["']?)([\w$.<-]+)\3\s*:(?=\s|$)(\s*(?:[&!]\S*(?:\s+|$))*))?/;

function readLine(text: string): Line {
  const [whole, space = '', dash = '', , key] = LINE.exec(text)!;
  const dashes = Array.from(dash).flatMap((char, index) => (char === '-' ? [space.length + index] : []));
  const rest = text.slice(whole.length).trim();

  return {
    dashes,
    key: key ?? null,
    column: space.length + dash.length,
    valueColumn: whole.length,
    hasValue: key !== undefined && rest !== '' && !rest.startsWith('#'),
    blank: text.trim() === '' || text.trimStart().startsWith('#') || /^(---|\.\.\.|%)/.test(text),
  };
}

/** Another line than that of the cursor: a byte order mark before the first one moves no column. */
const readOther = (lines: Lines, number: number) => readLine(lines.line(number).replace(/^\uFEFF/, ''));

/** Block YAML is read by indentation, line by line upwards, which also works while a line is incomplete. */
export function blockCursor(document: ConfigDocument, position: Position, offset: number): Cursor | null {
  const under = nodeAt(document.tree, offset);
  if (
    under?.kind === 'scalar' &&
    document.text.positionAt(under.start).line < position.line &&
    /[|>"']/.test(sliceOf(document.text, under.start, under.start + 1))
  )
    return null;
  const lines = linesIn(document.text);
  const text = lines.line(position.line);
  // Behind the beginning of a document on its line no key of a block can stand.
  if (/^---\s/.test(text) && position.character > 3) return null;
  const line = readLine(text);
  const step = indentStep(lines);
  // YAML takes no tabs, but fingers do: each counts as one level, and is mended.
  const lead = /^\s*/.exec(text)![0];
  const tabbed = lead.includes('\t') ? lead.replaceAll('\t', step).length : null;
  const colon = line.key === null ? -1 : text.indexOf(':', line.column + line.key.length);
  if (line.key !== null && position.character > colon) {
    const { path } = parentOf(lines, position.line, tabbed ?? line.column, line);
    const indent = ' '.repeat(tabbed ?? line.column);
    return { ...valueCursor(below(path, line.key), text, position, line.valueColumn, step), indent };
  }

  const opening = line.dashes.length > 0 || line.key !== null;
  const content = text.length - text.trimStart().length;
  const column = opening
    ? Math.max(line.column, (line.dashes.at(-1) ?? -2) + 2)
    : (tabbed ?? Math.min(position.character, text.trim() === '' ? position.character : content));

  if (opening && position.character < line.column && line.dashes.length > 0 && text.trim() !== '-')
    return null;
  const parent = parentOf(lines, position.line, column, line);
  if (parent.blocked) return null;
  const schema = schemaOf(parent.path);
  // A list takes items, a key without sub-keys a value, wherever the cursor stands.
  const startsItem = schema?.items !== undefined && schema.properties === undefined;
  const place = startsItem ? below(parent.path, 0) : parent.path;
  if (line.key === null && takesScalar(place))
    return {
      ...valueCursor(place, text, position, opening ? line.column : column, step),
      ...(startsItem ? { prefix: '- ' } : {}),
    };

  return keyCursor(lines, position, column, parent, step, opening, startsItem ? place : parent.path);
}

function keyCursor(
  lines: Lines,
  position: Position,
  column: number,
  parent: Parent,
  step: string,
  opening: boolean,
  path: ConfigPath,
): Cursor {
  const text = lines.line(position.line);
  // A tab is one character, but counts as a level.
  const from = Math.min(column, text.length - text.trimStart().length);
  const head = /[\w$<"']*$/.exec(text.slice(opening ? column : from, position.character))?.[0] ?? '';
  const tail = /^[\w$"']*/.exec(text.slice(position.character))?.[0] ?? '';
  const start = position.character - head.length;
  const wanted = opening ? column : (siblingColumn(lines, position.line, parent) ?? column);
  const indent = ' '.repeat(wanted);
  const written = text.slice(0, start);
  const astray = !opening && written.trim() === '' && written !== indent;
  const repairs: TextEdit[] = astray
    ? [
        {
          range: {
            start: { line: position.line, character: 0 },
            end: { line: position.line, character: start },
          },
          newText: indent,
        },
      ]
    : [];

  return {
    kind: 'key',
    path,
    word: `${head}${tail}`,
    range: {
      start: { line: position.line, character: start },
      end: { line: position.line, character: position.character + tail.length },
    },
    prefix: `${path !== parent.path ? '- ' : ''}${/-$/.test(written) ? ' ' : ''}`,
    suffix: '',
    indent,
    siblings: opening ? [] : siblingKeys(lines, position.line, parent),
    step,
    hasColon: /^\s*:/.test(text.slice(position.character + tail.length)),
    quote: '',
    repairs,
  };
}

/** A position where no keys can be: an item of a list of texts, the value of a key that is no mapping. */
function takesScalar(path: ConfigPath): boolean {
  const schema = schemaOf(path);
  // Keys of `states` and `constants` are inputs of the model.
  return schema !== undefined && schema.properties === undefined && ![schema.type].flat().includes('object');
}

function valueCursor(path: ConfigPath, text: string, position: Position, from: number, step: string): Cursor {
  const start = Math.min(from, position.character);
  const comment = /(^|\s)#/.exec(text.slice(start));
  const contentEnd =
    comment === null ? text.trimEnd().length : text.slice(0, start + comment.index).trimEnd().length;

  const end = Math.max(position.character, start, contentEnd);
  const word = text.slice(start, end);
  const quote = /^["']/.exec(word)?.[0] as '"' | "'" | undefined;

  return {
    kind: 'value',
    path,
    word,
    range: { start: { line: position.line, character: start }, end: { line: position.line, character: end } },
    prefix: /[:-]$/.test(text.slice(0, start)) ? ' ' : '',
    suffix: text[end] === '#' ? ' ' : '',
    indent: '',
    siblings: [],
    step,
    hasColon: false,
    quote: quote ?? '',
    repairs: [],
  };
}

interface Parent {
  readonly path: ConfigPath;
  /** The line of the parent key, -1 for the root. */
  readonly line: number;
  readonly column: number;
  /** The key above has its value already: nothing can stand below it. */
  readonly blocked: boolean;
}

/** The mapping or list whose content starts at `column` of the line. */
function parentOf(lines: Lines, lineNumber: number, column: number, current: Line): Parent {
  const path: (string | number)[] = [];
  let limit = column;
  let parent: { line: number; column: number; blocked: boolean } | null = null;
  const climb = (line: Line, number: number) => {
    for (const dash of [...line.dashes].reverse()) {
      if (dash >= limit) continue;
      path.unshift(itemIndex(lines, number, dash));
      parent ??= { line: number, column: dash, blocked: false };
      limit = dash;
    }
  };

  climb(current, lineNumber);
  for (let number = lineNumber - 1; number >= 0 && limit >= 0; number--) {
    const line = readOther(lines, number);
    if (line.blank) continue;
    // A list may stand at the same column as its key.
    const inList = typeof path[0] === 'number' && line.dashes.length === 0;
    if (line.key !== null && (line.column < limit || (inList && line.column === limit))) {
      path.unshift(line.key);
      parent ??= { line: number, column: line.column, blocked: line.hasValue };
      limit = line.column;
      climb(line, number);
    } else climb(line, number);
    if (limit === 0 && typeof path[0] !== 'number') break;
  }

  return { path: writtenPath(path), ...(parent ?? { line: -1, column: -1, blocked: false }) };
}

/** The keys below the same parent, line by line: a line that is being typed can hide them from the parser. */
function siblingKeys(lines: Lines, ownNumber: number, parent: Parent): string[] {
  const column = siblingColumn(lines, ownNumber, parent);
  const keys: string[] = [];
  for (let number = parent.line + 1; column !== null && number < lines.count; number++) {
    // Long lists below a key are stepped over.
    if (lines.isIndentedPast(number, column)) continue;
    const line = readOther(lines, number);
    if (line.blank || number === ownNumber) continue;
    if (Math.min(line.column, line.dashes[0] ?? line.column) < column) break;
    if (line.key !== null && line.column === column && line.dashes.length === 0) keys.push(line.key);
  }

  return keys;
}

/** The column of the keys that stand below the same parent, from the first line that is one. */
function siblingColumn(lines: Lines, ownNumber: number, parent: Parent): number | null {
  for (let number = parent.line + 1; number < lines.count; number++) {
    const line = readOther(lines, number);
    if (line.blank || number === ownNumber) continue;
    if (line.dashes.length > 0) return null;
    // A word that is still being typed.
    if (line.key === null) continue;
    return line.column > parent.column ? line.column : null;
  }

  return null;
}

/** Which item of its list a dash begins: the dashes above it at the same column are counted. */
function itemIndex(lines: Lines, lineNumber: number, column: number): number {
  let index = 0;
  for (let number = lineNumber - 1; number >= 0; number--) {
    const line = readOther(lines, number);
    if (line.blank) continue;
    if (line.dashes.includes(column)) index++;
    else if (Math.min(line.column, line.dashes[0] ?? line.column) <= column) break;
  }

  return index;
}

function indentStep(lines: Lines): string {
  for (let number = 0; number < lines.count; number++) {
    const match = /^( +)[\w"'-]/.exec(lines.line(number));
    if (match !== null) return match[1]!.length <= 8 ? match[1]! : '  ';
  }

  return '  ';
}
