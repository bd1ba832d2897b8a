import type { ConfigPath } from '@quantsmith/schemas';
import type { TextEdit } from 'vscode-languageserver-types';
import { sliceOf, type ConfigDocument } from './document.js';
import {
  findEntry,
  resolved,
  type TreeNode,
  type Entry,
  type MappingNode,
  type SequenceNode,
} from './tree.js';

/** A value as it is written into a config. */
export type Written =
  string | number | boolean | null | readonly Written[] | { readonly [key: string]: Written };

/** The rest of a path, below a mapping. */
type Keys = readonly (string | number)[];

/**
 * The edits that set the value at a path of keys, with the mappings that lead there. Everything else (comments, quotes,
 * line ends, order) stays as it is. null where the text has no place for it, such as below a text or an alias.
 */
export function setValue(document: ConfigDocument, path: ConfigPath, value: Written): TextEdit[] | null {
  let mapping = document.tree.root;
  // A document marker alone is a config of nothing.
  if (mapping === null || (mapping.kind === 'scalar' && mapping.start === mapping.end))
    return insertInto(document, null, path, value);
  for (const [depth, step] of path.entries()) {
    // In an entry of a list, such as one of `overrides`.
    if (mapping.kind === 'sequence') {
      const item: TreeNode | undefined = typeof step === 'number' ? mapping.items[step] : undefined;
      if (item === undefined) return null;
      mapping = item;
      continue;
    }

    if (mapping.kind !== 'mapping') return null;
    const entry: Entry | undefined = mapping.entries.find((candidate) => candidate.key === step);
    const rest = path.slice(depth);
    if (entry === undefined) return insertInto(document, mapping, rest, value);
    const last = depth === path.length - 1;
    if (entry.value === null) return fillEmpty(document, entry, rest.slice(1), value);
    if (last) {
      const text = inline(value, document.tree.language);
      return isPlain(value) || isFlow(document, entry.value) || entry.value.kind === 'scalar'
        ? [edit(document, entry.value.start, entry.value.end, text)]
        : null;
    }

    mapping = entry.value;
  }

  return null;
}

/** The edits that add items to the list at a path, which is made where it does not exist. */
export function appendItems(
  document: ConfigDocument,
  path: ConfigPath,
  items: readonly Written[],
): TextEdit[] | null {
  const entry = findEntry(document.tree, path);
  if (entry === undefined || entry.value === null) return setValue(document, path, items);
  const list = entry.value.kind === 'alias' ? null : resolved(entry.value);
  if (list?.kind !== 'sequence') return null;
  const { language } = document.tree;
  if (isFlow(document, list)) {
    const added = items.map((item) => inline(item, language)).join(', ');
    const last = list.items.at(-1);
    const insertion = last?.end ?? list.start + 1;
    return [edit(document, insertion, insertion, last === undefined ? added : `, ${added}`)];
  }

  const first = list.items[0];
  if (first === undefined) return null;
  const dash = dashColumn(document, list);
  const insertion = endOfLine(document, list.items.at(-1)!.end);
  const lines = items.map((item) => `${' '.repeat(dash)}- ${inline(item, language)}`);

  return [edit(document, insertion, insertion, eolOf(document) + lines.join(eolOf(document)))];
}

/** The edits that take out the key at a path, and mappings that become empty by it; null where it does not stand there. */
export function removeKey(document: ConfigDocument, path: ConfigPath): TextEdit[] | null {
  const entry = findEntry(document.tree, path);
  return entry === undefined ? null : removeEntry(document, entry);
}

/** The same for an entry, which need not be the first of its name. */
export function removeEntry(document: ConfigDocument, removed: Entry): TextEdit[] | null {
  let entry = removed;
  while (entry.parent.entries.length === 1 && entry.parent.parent?.kind === 'entry')
    entry = entry.parent.parent;
  const { entries } = entry.parent;
  const index = entries.indexOf(entry);
  const text = document.text.getText();
  if (isFlow(document, entry.parent)) {
    const next = entries[index + 1];
    const previous = entries[index - 1];
    if (next !== undefined) return [edit(document, entry.start, next.start, '')];
    return [edit(document, previous?.end ?? entry.start, entry.end, '')];
  }

  const start = text.lastIndexOf('\n', entry.start - 1) + 1;
  // The first key of a list item stands behind its dash.
  if (text.slice(start, entry.start).trim() !== '') return null;
  const end = endOfLine(document, entry.end);
  const newline = /^\r?\n/.exec(text.slice(end, end + 2))?.[0].length ?? 0;

  return [edit(document, start, end + newline, '')];
}

function insertInto(
  document: ConfigDocument,
  mapping: MappingNode | null,
  path: Keys,
  value: Written,
): TextEdit[] | null {
  const [key, ...rest] = path;
  if (typeof key !== 'string') return null;
  const nested = rest.reduceRight<Written>((inner, step) => ({ [step]: inner }), value);
  const text = document.text.getText();
  const eol = eolOf(document);
  if (mapping === null) {
    const gap = text === '' || text.endsWith('\n') ? '' : eol;
    const whole =
      document.tree.language === 'json'
        ? `${inline({ [key]: nested }, 'json')}${eol}`
        : `${block(key, nested, '', stepOf(document)).join(eol)}${eol}`;

    return [edit(document, text.length, text.length, gap + whole)];
  }

  const last = mapping.entries.at(-1);
  if (isFlow(document, mapping)) {
    const written = `${inline(key, document.tree.language)}: ${inline(nested, document.tree.language)}`;
    if (last === undefined) return [edit(document, mapping.start + 1, mapping.start + 1, written)];
    const line = text.slice(text.lastIndexOf('\n', last.start - 1) + 1, last.start);
    const gap = line.trim() === '' && mapping.start < last.start - line.length ? eol + line : ' ';
    return [edit(document, last.end, last.end, `,${gap}${written}`)];
  }

  if (last === undefined) return null;
  const column = document.text.positionAt(mapping.entries[0]!.start).character;
  const insertion = endOfLine(document, last.end);
  const lines = block(key, nested, ' '.repeat(column), stepOf(document));

  return [edit(document, insertion, insertion, eol + lines.join(eol))];
}

/** `key:` without a value: what it gets stands on the line or, for mappings, below. */
function fillEmpty(document: ConfigDocument, entry: Entry, path: Keys, value: Written): TextEdit[] {
  const nested = path.reduceRight<Written>((inner, step) => ({ [step]: inner }), value);
  const { language } = document.tree;
  if (language === 'json' || isPlain(nested) || isFlow(document, entry.parent))
    return [edit(document, entry.end, entry.end, ` ${inline(nested, language)}`)];
  const eol = eolOf(document);
  const column = document.text.positionAt(entry.start).character;
  const insertion = endOfLine(document, entry.end);
  const lines = below(nested, ' '.repeat(column) + stepOf(document), stepOf(document));

  return [edit(document, insertion, insertion, eol + lines.join(eol))];
}

/** `key: value` as lines of block YAML. */
export function block(key: string, value: Written, indent: string, step: string): string[] {
  if (isPlain(value)) return [`${indent}${inline(key, 'yaml')}: ${inline(value, 'yaml')}`];
  return [`${indent}${inline(key, 'yaml')}:`, ...below(value, indent + step, step)];
}

function below(value: Written, indent: string, step: string): string[] {
  if (Array.isArray(value)) return value.map((item) => `${indent}- ${inline(item as Written, 'yaml')}`);
  return Object.entries(value as Record<string, Written>).flatMap(([key, child]) =>
    block(key, child, indent, step),
  );
}

/** Whether a value is written on one line: scalars, empty collections and lists of numbers. */
function isPlain(value: Written): boolean {
  if (typeof value !== 'object' || value === null) return true;
  if (Array.isArray(value)) return value.every((item) => typeof item === 'number');
  return Object.keys(value).length === 0;
}

/** A value on one line, in JSON or flow YAML. */
export function inline(value: Written, language: 'yaml' | 'json'): string {
  if (typeof value === 'string') return language === 'json' ? JSON.stringify(value) : quoted(value, '');
  if (typeof value !== 'object' || value === null) return String(value);
  if (Array.isArray(value)) return `[${value.map((item) => inline(item as Written, language)).join(', ')}]`;
  const entries = Object.entries(value).map(
    ([key, child]) => `${inline(key, language)}: ${inline(child, language)}`,
  );

  return entries.length === 0
    ? '{}'
    : language === 'json'
      ? `{ ${entries.join(', ')} }`
      : `{${entries.join(', ')}}`;
}

/** A text of one line in single quotes, in which YAML knows no escape but for the quote itself. */
export const singleQuoted = (text: string): string => `'${text.replaceAll("'", "''")}'`;

/** A text in the given quotes; plain when there are none and YAML would read it back as the same text. */
export function quoted(text: string, quote: '' | '"' | "'"): string {
  if (quote === "'" && !/[\n\r\t]/.test(text)) return singleQuoted(text);
  const plain =
    /^[A-Za-z_/$.][\w/.$-]*$/.test(text) && !/^(true|false|null|yes|no|on|off|y|n|\.inf|\.nan)$/i.test(text);

  return quote === '' && plain ? text : JSON.stringify(text);
}

/** Whether a collection stands in brackets. */
export const isFlow = ({ tree, text }: ConfigDocument, { start }: { start: number }) =>
  tree.language === 'json' || /[[{]/.test(sliceOf(text, start, start + 1));

function dashColumn(document: ConfigDocument, list: SequenceNode): number {
  return document.text.positionAt(list.start).character;
}

/** The end of the line on which what ends at `offset` really ends; comments behind it stay before the new line. */
function endOfLine(document: ConfigDocument, offset: number): number {
  const text = document.text.getText();
  const content = text.slice(0, offset).trimEnd().length;
  const newline = text.indexOf('\n', content);
  const end = newline === -1 ? text.length : newline;
  return text[end - 1] === '\r' && newline !== -1 ? end - 1 : end;
}

export const eolOf = (document: ConfigDocument) => (document.text.getText().includes('\r\n') ? '\r\n' : '\n');

function stepOf(document: ConfigDocument): string {
  return /^( {1,8})[\w"'-]/m.exec(document.text.getText())?.[1] ?? '  ';
}

function edit(document: ConfigDocument, start: number, end: number, newText: string): TextEdit {
  return {
    range: { start: document.text.positionAt(start), end: document.text.positionAt(end) },
    newText,
  };
}
