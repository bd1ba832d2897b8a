import { parseTree, printParseErrorCode, createScanner, type Node, type ParseError } from 'jsonc-parser';
import type { Entry, MappingNode, SequenceNode, Tree, TreeNode } from './tree.js';

/** jsonc-parser's number for the token kinds of comments. */
const LINE_COMMENT = 12;
const BLOCK_COMMENT = 13;
const END_OF_FILE = 17;

/** A text without the byte order mark that some editors leave in front of it; every offset stays. */
export const withoutMark = (text: string) => text.replace(/^\uFEFF/, ' ');

/** Parses JSON with comments and trailing commas. Never throws: what cannot be understood becomes problems. */
export function parseJson(content: string): Tree {
  const text = withoutMark(content);
  const errors: ParseError[] = [];
  const root = parseTree(text, errors, { allowTrailingComma: true, allowEmptyContent: true });
  return {
    root: root === undefined ? null : convert(root, text),
    problems: errors.map(({ error, offset, length }) => ({
      start: offset,
      end: offset + Math.max(1, length),
      message: inWords(printParseErrorCode(error)),
    })),
    comments: commentsOf(text),
    anchored: false,
    language: 'json',
  };
}

/** What is said of a string that its line does not end. */
export const NO_CLOSING_QUOTE = 'This string has no closing double quote.';

/** The parser's errors as people say them; of others its own name stays. */
const WORDS: ReadonlyMap<string, string> = new Map([
  ['InvalidSymbol', 'This is not JSON: strings need double quotes, and entries need commas between them.'],
  ['UnexpectedEndOfString', NO_CLOSING_QUOTE],
  ['UnexpectedEndOfComment', 'This comment has no */ at its end.'],
  ['EndOfFileExpected', 'The config has ended before this text.'],
]);

/** CloseBraceExpected → "Close brace expected." */
function inWords(code: string): string {
  const words = code.replace(/([a-z])([A-Z])/g, '$1 $2').toLowerCase();
  return WORDS.get(code) ?? `${words.charAt(0).toUpperCase()}${words.slice(1)}.`;
}

function convert(node: Node, text: string): TreeNode {
  const start = node.offset;
  const end = node.offset + node.length;
  if (node.type === 'object') {
    const mapping: MappingNode = { kind: 'mapping', start, end, parent: null, entries: [] };
    for (const property of node.children ?? []) addEntry(mapping, property, text);
    return mapping;
  }

  if (node.type === 'array') {
    const sequence: SequenceNode = { kind: 'sequence', start, end, parent: null, items: [] };
    for (const item of node.children ?? []) {
      const child = convert(item, text);
      child.parent = sequence;
      sequence.items.push(child);
    }

    return sequence;
  }

  const value = node.value as string | number | boolean | null;

  return { kind: 'scalar', start, end, parent: null, value, quoted: node.type === 'string' };
}

function addEntry(mapping: MappingNode, property: Node, text: string): void {
  const [key, content] = property.children ?? [];
  if (key === undefined) return;
  const value = content === undefined ? null : convert(content, text);
  const entry: Entry = {
    kind: 'entry',
    key: String(key.value),
    keySpan: { start: key.offset, end: key.offset + key.length },
    start: property.offset,
    end: Math.max(property.offset + property.length, value?.end ?? 0),
    value,
    parent: mapping,
  };

  if (value !== null) value.parent = entry;
  mapping.entries.push(entry);
}

function commentsOf(text: string): { start: number; end: number; text: string }[] {
  const scanner = createScanner(text, false);
  const comments: { start: number; end: number; text: string }[] = [];
  for (let kind: number = scanner.scan(); kind !== END_OF_FILE; kind = scanner.scan()) {
    if (kind !== LINE_COMMENT && kind !== BLOCK_COMMENT) continue;
    const start = scanner.getTokenOffset();
    const end = start + scanner.getTokenLength();
    comments.push({ start, end, text: text.slice(start, end) });
  }

  return comments;
}
