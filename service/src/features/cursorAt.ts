import { above, below, writtenPath } from '@quantsmith/schemas';
import { getLocation } from 'jsonc-parser';
import type { Position } from 'vscode-languageserver-types';
import { languageOf, type ConfigDocument } from '../document/document.js';
import { isFlow } from '../document/edit.js';
import { withoutMark } from '../document/json.js';
import { containerAt, pathOf } from '../document/tree.js';
import type { Cursor } from './cursor.js';
import { openString } from './quotes.js';
import { blockCursor } from './yamlCursor.js';

/** Where the cursor is; null where nothing can be completed. Lines that are still being typed need not parse. */
export function cursorAt(document: ConfigDocument, position: Position): Cursor | null {
  const offset = document.text.offsetAt(position);
  if (document.tree.comments.some((comment) => comment.start < offset && offset <= comment.end))
    return commentCursor(document, position);
  if (languageOf(document.text) === 'json') return jsonCursor(document, offset);
  return flowCursor(document, offset) ?? blockCursor(document, position, offset);
}

function commentCursor(document: ConfigDocument, { line, character }: Position): Cursor {
  const text = document.text.getText({
    start: { line, character: 0 },
    end: { line: line + 1, character: 0 },
  });
  const head = /[\w-]*$/.exec(text.slice(0, character))![0].length;
  const tail = /^[\w-]*/.exec(text.slice(character))![0].length;
  const [start, end] = [character - head, character + tail];

  return {
    kind: 'comment',
    path: [],
    word: text.slice(start, end),
    range: { start: { line, character: start }, end: { line, character: end } },
    prefix: '',
    suffix: '',
    siblings: [],
    indent: '',
    step: '',
    hasColon: false,
    quote: '',
    repairs: [],
  };
}

/** The word around the cursor in JSON or flow YAML: a string with its quotes or a run of plain characters. */
function wordAt(document: ConfigDocument, offset: number) {
  const text = document.text.getText();
  const lineStart = text.lastIndexOf('\n', offset - 1) + 1;
  const line = text.slice(lineStart, offset);
  const opened = openString(line);
  const plainEnd = /^[^\s,:{}[\]"']*/.exec(text.slice(offset, offset + 200))![0].length;
  if (opened === null) {
    const start = offset - /[^\s,:{}[\]"']*$/.exec(line)![0].length;
    return { start, end: offset + plainEnd, quote: '' as const };
  }

  const quote = line[opened] as '"' | "'";
  const rest = /^[^\n\r]*/.exec(text.slice(offset, offset + 1000))![0];
  const closing = rest.search(quote === '"' ? /(?<!\\)"/ : /'/);

  // Without a closing quote only what is certainly part of the word is replaced.
  return { start: lineStart + opened, end: offset + (closing === -1 ? plainEnd : closing + 1), quote };
}

function jsonCursor(document: ConfigDocument, offset: number): Cursor | null {
  const text = document.text.getText();
  const { start, end, quote } = wordAt(document, offset);
  const before = text.slice(0, start).trimEnd();
  const after = text.slice(end, end + 200);
  const previous = before.at(-1) ?? '';
  const isEmpty = withoutMark(text).trim() === '';
  const place = isEmpty ? ({ kind: 'key', path: [] } as const) : jsonPlace(document, offset, previous);
  if (place === null) return null;
  const comma = /["}\]\w]/.test(previous);
  const edge = document.text.positionAt(before.length);

  return {
    ...place,
    word: text.slice(start, end),
    range: { start: document.text.positionAt(start), end: document.text.positionAt(end) },
    prefix: isEmpty ? '{ ' : previous === ':' && start === before.length ? ' ' : '',
    suffix: isEmpty ? ' }' : /^\s*"/.test(after) ? ',' : '',
    indent: '',
    siblings: [],
    step: '  ',
    quote: quote === '' ? '"' : quote,
    hasColon: /^\s*:/.test(after),
    repairs: comma ? [{ range: { start: edge, end: edge }, newText: ',' }] : [],
  };
}

/** What may stand at an offset of JSON, by the tree and the character before the word. */
function jsonPlace(
  { tree, text }: ConfigDocument,
  offset: number,
  previous: string,
): Pick<Cursor, 'kind' | 'path'> | null {
  const container = containerAt(tree.root, offset);
  if (/["}\]\w]/.test(previous)) {
    // A value stands before: what follows is the next key or item, only the comma is missing.
    if (container === null || container.end === offset) return null;
    const path = pathOf(container);
    if (container.kind === 'mapping') return { kind: 'key', path };
    return { kind: 'value', path: below(path, container.items.filter((item) => item.end < offset).length) };
  }

  const location = getLocation(withoutMark(text.getText()), offset);
  const path = writtenPath(location.path);
  if (previous === '' || path.length === 0) return null;
  const key = previous !== ':' && (location.isAtPropertyKey || previous === '{');

  return key ? { kind: 'key', path: above(path) } : { kind: 'value', path };
}

/** The cursor inside `{…}` or `[…]` of YAML; null in block style. */
function flowCursor(document: ConfigDocument, offset: number): Cursor | null {
  const container = containerAt(document.tree.root, offset);
  if (container === null || !isFlow(document, container) || container.start >= offset) return null;
  const text = document.text.getText();
  if (offset === container.end && /[\]}]/.test(text.charAt(offset - 1))) return null;
  const { start, end, quote } = wordAt(document, offset);
  const before = text.slice(0, start).trimEnd();
  const previous = before.at(-1) ?? '';
  const path = pathOf(container);
  const key = previous === ':' ? /["']?([\w$<.-]+)["']?\s*:$/.exec(before)?.[1] : undefined;
  const inList = container.kind === 'sequence';
  const index = inList ? container.items.filter((item) => item.end < start).length : 0;

  return {
    kind: key !== undefined || inList ? 'value' : 'key',
    path: key !== undefined ? below(path, key) : inList ? below(path, index) : path,
    word: text.slice(start, end),
    range: { start: document.text.positionAt(start), end: document.text.positionAt(end) },
    prefix: (previous === ':' || previous === ',') && start === before.length ? ' ' : '',
    suffix: '',
    indent: '',
    siblings: [],
    step: '',
    quote,
    hasColon: /^\s*:/.test(text.slice(end, end + 80)),
    repairs: [],
  };
}
