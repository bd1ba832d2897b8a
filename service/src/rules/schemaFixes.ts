import { above, below, placeText, writtenPath, type ConfigPath } from '@quantsmith/schemas';
import type { TextEdit } from 'vscode-languageserver-types';
import { inOrder } from '../document/compose.js';
import type { ConfigDocument } from '../document/document.js';
import { inline, removeKey, setValue, type Written } from '../document/edit.js';
import { findEntry, findNode, type MappingNode, type TreeNode } from '../document/tree.js';
import { fix, type Fix, type FixTable } from '../findings/fix.js';
import { keysAt, schemaOf } from '../knowledge/schema.js';

export const schemaFixes: FixTable = {
  'missing-key': (document, { path, data }) =>
    (Array.isArray(data['missing']) ? data['missing'] : []).flatMap((key) =>
      fix(
        `Add ${String(key)}`,
        setValue(document, below(path, String(key)), emptyValue(below(path, String(key)))),
        true,
      ),
    ),
  'wrong-type'(document, { path, data }) {
    if (data['isEmpty'] === true)
      return isRequired(path)
        ? fix(`Begin ${String(path.at(-1))}`, setValue(document, path, emptyValue(path)))
        : fix(`Remove ${String(path.at(-1))}`, removeKey(document, path));
    if (typeof data['colon'] === 'number' && typeof data['missing'] === 'string') {
      const start = (findNode(document.tree, path)?.start ?? 0) + data['colon'];
      const end = start + (data['missing'] === ':' ? 0 : data['missing'].length);
      const range = { start: document.text.positionAt(start), end: document.text.positionAt(end) };
      return fix('Insert a colon', [{ range, newText: ':' }], true);
    }

    if (typeof data['colon'] === 'number') {
      const place = document.text.positionAt((findNode(document.tree, path)?.start ?? 0) + data['colon']);
      return fix('Insert a space', [{ range: { start: place, end: place }, newText: ' ' }], true);
    }

    const node = findNode(document.tree, path);
    if (node?.kind !== 'scalar' || typeof node.value !== 'string' || data.suggestions !== undefined)
      return [];
    const schema = schemaOf(path);
    const items = schema?.items === undefined ? undefined : schemaOf(below(path, 0));
    if (items?.type !== 'string') return [];
    const end = document.text.positionAt(node.end);
    const start = document.text.positionAt(node.start);
    const texts = listed(node.value);
    const text = inline(texts, document.tree.language);

    // Whether several are meant, only the author knows.
    return fix('Make it a list', [{ range: { start, end }, newText: text }], texts.length === 1);
  },
  'unknown-key': (document, { path, data }) => [
    ...unwrapped(document, path, data['unwrapped']),
    ...moved(document, path, data['target']),
    ...fix(`Remove ${String(path.at(-1))}`, removeKey(document, path)),
  ],
};

/** The texts of one that is a list to its author: in brackets, with commas or over several lines. */
function listed(text: string): string[] {
  const inner = text.trim().replace(/^[[(](.*)[\])]$/s, '$1');
  const texts = inner
    .split(/\s*,\s*|\s+/)
    .map((part) => part.replace(/^(["'])(.*)\1$/, '$2'))
    .filter((part) => part !== '');

  return texts.length === 0 ? [text] : texts;
}

const isRequired = (path: ConfigPath) =>
  keysAt(above(path)).some(({ name, required }) => name === path.at(-1) && required);

/** The least that a required key can hold; its own required keys with it. */
function emptyValue(path: ConfigPath): Written {
  const schema = schemaOf(path) ?? {};
  const types = [schema.type ?? []].flat();
  if (!types.includes('object')) return types.includes('array') ? [] : '';
  const required = schema.required ?? [];
  return Object.fromEntries(required.map((key) => [key, emptyValue(below(path, key))]));
}

const isOnLineOf = ({ text }: ConfigDocument, a: number, other: number) =>
  text.positionAt(a).line === text.positionAt(other).line;

/** A comment behind the value at a path; null where something else stands there on the line. */
function noteBehind(document: ConfigDocument, path: ConfigPath, note: string): TextEdit[] | null {
  const end = findEntry(document.tree, path)?.end;
  if (end === undefined) return null;
  const start = document.text.positionAt(end);
  const rest = document.text.getText({ start, end: { line: start.line + 1, character: 0 } });
  return rest.trim() === '' ? [{ range: { start, end: start }, newText: ` ${note}` }] : null;
}

/** A key with a value that its right place takes, moved there, unless something stands there already. */
function moved(document: ConfigDocument, path: ConfigPath, place: unknown): Fix[] {
  const entry = findEntry(document.tree, path);
  const value = entry?.value;
  if (!Array.isArray(place) || value === undefined || value === null || value.anchor !== undefined) return [];
  const target = writtenPath(place as (string | number)[]);
  const isCommented = document.tree.comments.some(({ start, end }) => start > value.start && end < value.end);
  const written = isCommented ? undefined : movable(value, target);
  if (written === undefined || findEntry(document.tree, target) !== undefined) return [];
  const note = document.tree.comments.find(
    (comment) => isOnLineOf(document, comment.start, value.end) && comment.start >= value.end,
  );
  const edits = inOrder(document, [
    (current) => removeKey(current, path),
    (current) => setValue(current, target, written),
    (current) => (note === undefined ? [] : noteBehind(current, target, note.text)),
  ]);

  const isRenamed = path.at(-1) !== target.at(-1);
  const where = isRenamed ? target : above(target);

  return fix(`Move ${String(path.at(-1))} to ${where.length === 0 ? 'the top' : placeText(where)}`, edits);
}

/** The keys of a mapping in its place, where that takes them all and has none of them yet. */
function unwrapped(document: ConfigDocument, path: ConfigPath, taken: unknown): Fix[] {
  const value = findNode(document.tree, path);
  const inner = value?.kind === 'mapping' && value.anchor === undefined ? plainMapping(value) : undefined;
  if (!Array.isArray(taken) || typeof inner !== 'object' || inner === null) return [];
  const settings = Object.entries(inner).map(([key, written]) => ({
    key,
    written,
    place: below(above(path), key),
  }));
  const isFree = settings.every(
    ({ key, place }) => taken.includes(key) && findEntry(document.tree, place) === undefined,
  );
  if (!isFree) return [];
  const names = settings.map(({ key }) => key).join(', ');
  const edits = inOrder(document, [
    ...settings.map(
      ({ place, written }) =>
        (current: ConfigDocument) =>
          setValue(current, place, written),
    ),
    (current) => removeKey(current, path),
  ]);

  return fix(`Write ${names} without ${String(path.at(-1))}`, edits, true);
}

/** A value as it is written at another place; undefined where that takes no value of its type. */
function movable(value: TreeNode, target: ConfigPath): Written | undefined {
  const types = [schemaOf(target)?.type ?? []].flat();
  if (value.kind === 'sequence' && types.includes('array')) {
    const items = value.items.map((item) => (item.kind === 'scalar' ? item.value : null));
    return items.every((item) => typeof item === 'string') ? items : undefined;
  }

  if (value.kind === 'mapping' && types.includes('object')) return plainMapping(value);
  if (value.kind !== 'scalar') return undefined;
  const type = value.value === null ? 'null' : typeof value.value;
  const isTaken = types.includes(type) || (type === 'number' && types.includes('integer'));
  return isTaken ? value.value : undefined;
}

/** A mapping of plain values; undefined where it holds more than that. */
function plainMapping({ entries }: MappingNode): Written | undefined {
  const values = entries.map(
    ({ key, value }) => [key, value?.kind === 'scalar' ? value.value : undefined] as const,
  );
  const isPlain = entries.length > 0 && entries.every(({ value }) => value?.anchor === undefined);
  return isPlain && values.every(([, value]) => value !== undefined)
    ? (Object.fromEntries(values) as Written)
    : undefined;
}
