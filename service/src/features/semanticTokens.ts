import { configSchema, resolveRef, type SchemaNode } from '@quantsmith/schemas';
import type { Range, SemanticTokens } from 'vscode-languageserver-types';
import type { ConfigDocument } from '../document/document.js';
import type { Span, TreeNode } from '../document/tree.js';
import { allowedValues } from '../knowledge/schema.js';

/** What the numbers of semantic tokens stand for. */
export const TOKEN_LEGEND = {
  tokenTypes: [
    'property',
    'enumMember',
    'string',
    'number',
    'keyword',
    'regexp',
    'class',
    'function',
    'variable',
    'comment',
  ],
  tokenModifiers: ['declaration', 'deprecated'],
};
type TokenType =
  | 'property'
  | 'enumMember'
  | 'string'
  | 'number'
  | 'keyword'
  | 'regexp'
  | 'class'
  | 'function'
  | 'variable'
  | 'comment';

const DECLARATION = 1;
const DEPRECATED = 2;
/** Deeper than any config is. */
const DEEPEST = 100;

interface Token extends Span {
  readonly type: TokenType;
  readonly modifiers: number;
}

/** What names and values are: keys that the schema knows, allowed values, layers, operators, patterns, anchors. */
export function semanticTokens(document: ConfigDocument, range: Range | null): SemanticTokens {
  const { text, tree } = document;
  const from = range === null ? 0 : text.offsetAt(range.start);
  const to = range === null ? Number.POSITIVE_INFINITY : text.offsetAt(range.end);
  const tokens: Token[] = [];
  const add = ({ start, end }: Span, type: TokenType, modifiers = 0) => {
    if (start < to && end > from && end > start) tokens.push({ start, end, type, modifiers });
  };

  const visit = (node: TreeNode | null, schema: SchemaNode | null, place: string, depth: number): void => {
    if (node === null || depth > DEEPEST || node.start >= to || node.end <= from) return;
    if (node.anchor !== undefined) add(node.anchor, 'variable', DECLARATION);
    if (node.kind === 'alias') return add(node, 'variable');
    if (node.kind === 'sequence') {
      const items = schema?.items === undefined ? null : resolveRef(configSchema, schema.items);
      for (const item of node.items) visit(item, items, place, depth + 1);
      return;
    }

    if (node.kind === 'scalar') {
      const [type, modifiers] = scalarToken(node.value, schema, place);
      return add(node, type, modifiers);
    }

    for (const { key, keySpan, value } of node.entries) {
      const known = schema?.properties?.[key];
      const child = known === undefined ? null : resolveRef(configSchema, known);
      if (key === '<<') add(keySpan, 'keyword');
      // A key that is unknown stays without colour.
      else if (child !== null) add(keySpan, 'property');
      const merged = key === '<<' ? schema : child;
      visit(value, merged, key === '<<' ? place : `${place}.${key}`, depth + 1);
    }
  };

  for (const comment of tree.comments) add(comment, 'comment');
  visit(tree.root, configSchema, '', 0);

  return encoded(document, tokens);
}

/** Lists of names, by where they stand. */
const NAMES: Readonly<Record<string, TokenType>> = {
  '.quantization.ignored_scope.names': 'function',
  '.quantization.ignored_scope.subgraphs.inputs': 'function',
  '.quantization.ignored_scope.subgraphs.outputs': 'function',
  '.quantization.ignored_scope.types': 'class',
  '.quantization.ignored_scope.patterns': 'regexp',
  '.quantization.overrides.names': 'function',
  '.quantization.overrides.types': 'class',
  '.quantization.overrides.patterns': 'regexp',
};

function scalarToken(value: unknown, schema: SchemaNode | null, place: string): [TokenType, number] {
  if (typeof value === 'number') return ['number', 0];
  if (typeof value !== 'string') return ['keyword', 0];
  const name = NAMES[place];
  if (name !== undefined) return [name, 0];
  const allowed =
    schema === null ? undefined : allowedValues(schema).find((candidate) => candidate.value === value);

  if (allowed === undefined) return ['string', 0];

  return ['enumMember', allowed.replacedBy === undefined ? 0 : DEPRECATED];
}

/** In the order of the text; what goes over several lines is one token on each. */
function encoded({ text }: ConfigDocument, tokens: Token[]): SemanticTokens {
  const data: number[] = [];
  let last = 0;
  let previous = { line: 0, character: 0 };
  for (const { start, end, type, modifiers } of tokens.sort((a, b) => a.start - b.start)) {
    if (start < last) continue;
    last = end;
    const kind = TOKEN_LEGEND.tokenTypes.indexOf(type);
    let offset = start;
    for (const part of text
      .getText()
      .slice(start, end)
      .split(/(?<=\n|\r(?!\n))/)) {
      const word = part.trimEnd();
      const lead = word.length - word.trimStart().length;
      const { line, character } = text.positionAt(offset + lead);
      if (word.trim() !== '') {
        // Places are told from the token before; in a new line, from its beginning.
        const column = line === previous.line ? character - previous.character : character;
        data.push(line - previous.line, column, word.trim().length, kind, modifiers);
        previous = { line, character };
      }

      offset += part.length;
    }
  }

  return { data };
}
