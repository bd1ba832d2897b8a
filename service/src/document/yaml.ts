import { reasonOf } from '@quantsmith/schemas';
import {
  Composer,
  CST,
  isAlias,
  isMap,
  isPair,
  isScalar,
  isSeq,
  Lexer,
  Parser,
  type Node,
  type Pair,
  type Alias,
  type YAMLMap,
  type YAMLSeq,
} from 'yaml';
import type {
  AliasNode,
  Anchor,
  Entry,
  MappingNode,
  SequenceNode,
  SyntaxProblem,
  Tree,
  TreeNode,
} from './tree.js';

type Comment = Tree['comments'][number];

const NO_PARENT = null;

/** Parses YAML 1.2. Never throws: what cannot be understood becomes problems. Only the first document counts. */
export function parseYaml(text: string): Tree {
  const problems: SyntaxProblem[] = [];
  const comments: Comment[] = [];
  const documents = parse(text, problems, comments);
  const document = documents[0];
  if (document === undefined) return { root: null, problems, comments, anchored: false, language: 'yaml' };
  for (const error of document.errors) {
    const [start, end] = error.pos;
    problems.push({ start, end: Math.max(end, start + 1), message: plainReason(error.message) });
  }

  for (const other of documents.slice(1)) {
    problems.push({
      start: other.range[0],
      end: other.range[1],
      message: 'A config is a single document; the second one is ignored.',
    });
  }

  const anchors = new Map<string, TreeNode>();
  const root = document.contents === null ? null : convert(document.contents, text, anchors);

  return { root, problems, comments, anchored: anchors.size > 0, language: 'yaml' };
}

function parse(text: string, problems: SyntaxProblem[], comments: Comment[]) {
  try {
    const composer = new Composer({
      version: '1.2',
      merge: false,
      strict: true,
      // The library compares every key with every other one; rules/syntax.ts does it in one pass.
      uniqueKeys: false,
      prettyErrors: false,
      logLevel: 'silent',
    });

    return [...composer.compose(tokens(text, comments))];
  } catch (error) {
    problems.push({
      start: 0,
      end: Math.min(1, text.length),
      message: plainReason(reasonOf(error)),
    });
    return [];
  }
}

/** A key as a mapping has it. */
const scalarText = (value: unknown) =>
  typeof value === 'string' ? value : value === null || value === undefined ? '' : JSON.stringify(value);

/** The first line of the library's message; what it says of its own stack means one thing. */
function plainReason(message: string): string {
  if (/call stack/i.test(message)) return 'Values are nested too deeply to be read.';
  return message.split('\n')[0] ?? message;
}

function convert(node: Node, text: string, anchors: Map<string, TreeNode>): TreeNode {
  if (isAlias(node)) {
    const [start, end] = rangeOf(node);
    const { source: name } = node;
    const alias: AliasNode = {
      kind: 'alias',
      start,
      end,
      parent: NO_PARENT,
      name,
      target: anchors.get(name),
    };
    return alias;
  }

  if (isMap(node)) return convertMapping(node, text, anchors);
  return isSeq(node) ? convertSequence(node, text, anchors) : convertScalar(node, text, anchors);
}

function convertMapping(node: YAMLMap, text: string, anchors: Map<string, TreeNode>): MappingNode {
  const [start, end] = rangeOf(node);
  const place = { start, end, parent: NO_PARENT, ...anchorOf(node, text) };
  const mapping: MappingNode = { kind: 'mapping', entries: [], ...place };

  if (node.anchor !== undefined) anchors.set(node.anchor, mapping);
  for (const pair of node.items)
    if (isPair(pair)) addEntry(mapping, pair as Pair<Node, Node | null>, text, anchors);
  if (node.flow !== true) settle(mapping);

  return mapping;
}

function convertSequence(node: YAMLSeq, text: string, anchors: Map<string, TreeNode>): SequenceNode {
  const [start, end] = rangeOf(node);
  const place = { start, end, parent: NO_PARENT, ...anchorOf(node, text) };
  const sequence: SequenceNode = { kind: 'sequence', items: [], ...place };

  if (node.anchor !== undefined) anchors.set(node.anchor, sequence);
  for (const item of node.items) {
    const child = isPair(item) ? null : convert(item as Node, text, anchors);
    if (child === null) continue;
    child.parent = sequence;
    sequence.items.push(child);
  }

  if (node.flow !== true) settle(sequence);

  return sequence;
}

function convertScalar(
  node: Exclude<Node, Alias | YAMLMap | YAMLSeq>,
  text: string,
  anchors: Map<string, TreeNode>,
): TreeNode {
  const [start, end] = rangeOf(node);
  const place = { start, end, parent: NO_PARENT, ...anchorOf(node, text) };
  const quoted = /^["']/.test(text.slice(start, start + 1));
  const scalar: TreeNode = {
    kind: 'scalar',
    value: isScalar(node) ? plain(node.value) : null,
    quoted,
    ...place,
  };
  if (node.anchor !== undefined) anchors.set(node.anchor, scalar);

  return scalar;
}

function addEntry(
  mapping: MappingNode,
  pair: Pair<Node, Node | null>,
  text: string,
  anchors: Map<string, TreeNode>,
): void {
  const [keyStart, keyEnd] = rangeOf(pair.key);
  const key = isScalar(pair.key) ? scalarText(pair.key.value) : text.slice(keyStart, keyEnd);
  const present = pair.value !== null && pair.value !== undefined && !isEmptyScalar(pair.value);
  const value = present ? convert(pair.value as Node, text, anchors) : null;
  const end = value?.end ?? keyEnd + (/^\s*:/.exec(text.slice(keyEnd, keyEnd + 80))?.[0].length ?? 0);
  const entry: Entry = {
    kind: 'entry',
    key,
    keySpan: { start: keyStart, end: keyEnd },
    start: keyStart,
    end: Math.max(end, keyEnd),
    value,
    parent: mapping,
  };

  if (value !== null) value.parent = entry;
  mapping.entries.push(entry);
}

/** A collection in block style ends where its last child does, whatever blank lines and comments follow. */
function settle(node: MappingNode | SequenceNode): void {
  (node as { end: number }).end = endOf(node);
}

/** The end of an entry or of a collection in block style, by what is in it. */
export function endOf(node: Entry | MappingNode | SequenceNode): number {
  if (node.kind === 'entry') return Math.max(node.value?.end ?? node.end, node.keySpan.end);
  const last = node.kind === 'mapping' ? node.entries.at(-1) : node.items.at(-1);
  return last?.end ?? node.end;
}

/** The `&name` that stands before a node (the library gives its name only): it is looked for backwards. */
function anchorOf(node: Node, text: string): { anchor?: Anchor } {
  const name = 'anchor' in node ? node.anchor : undefined;
  if (name === undefined) return {};
  const [start] = rangeOf(node);
  const position = text.lastIndexOf(`&${name}`, start);
  return position === -1 ? {} : { anchor: { name, start: position, end: position + name.length + 1 } };
}

/** `key:` with nothing behind it. */
function isEmptyScalar(node: Node): boolean {
  return (
    isScalar(node) && node.value === null && (node.source === '' || node.source === undefined) && !node.anchor
  );
}

function plain(value: unknown): string | number | boolean | null {
  if (typeof value === 'bigint') return Number(value);
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? value : null;
}

/** Start and end of the value itself, without the white space and comments behind it. */
function rangeOf(node: Node | null | undefined): [number, number] {
  const range = node?.range;
  return range ? [range[0], range[1]] : [0, 0];
}

/** The tokens of a text. Its comments, which trees of values have no place for, are noted on the way. */
function* tokens(text: string, comments: Comment[]): Generator<CST.Token> {
  const parser = new Parser();
  let offset = 0;
  let isScalar = false;
  for (const lexeme of new Lexer().lex(text)) {
    yield* parser.next(lexeme);
    // Marks of the lexer's own stand in no text; behind that of a scalar comes its source, whatever it begins with.
    const type: string | null = isScalar ? 'source' : CST.tokenType(lexeme);
    isScalar = type === 'scalar';
    if (isScalar || type === 'doc-mode' || type === 'flow-error-end') continue;

    if (type === 'comment') comments.push({ start: offset, end: offset + lexeme.length, text: lexeme });
    offset += lexeme.length;
  }

  yield* parser.end();
}
