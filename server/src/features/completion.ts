import type { ModelSummary } from '@quantsmith/engine/protocol';
import { readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import {
  CompletionItemKind,
  CompletionItemTag,
  InsertTextFormat,
  MarkupKind,
  TextEdit,
  type CompletionItem,
  type MarkupContent,
  type Position,
} from 'vscode-languageserver';
import type { SchemaNode } from '@quantsmith/schemas';
import type { ConfigDocument } from '../document/document.js';
import { languageOf } from '../document/document.js';
import { quoted } from '../document/edit.js';
import { anchorsOf, findNode, pathOf, resolved } from '../document/tree.js';
import { inheritedAt, NOTHING_INHERITED, type Inherited } from '../extends/inherit.js';
import { DATA_SOURCES } from '../extends/merge.js';
import { allowedValues, keysAt, schemaOf, typeName, type AllowedValue } from '../knowledge/schema.js';
import { cursorAt, type Cursor } from './cursor.js';
import { keyDocumentation, render } from './hover.js';

export interface CompletionContext {
  readonly model: ModelSummary | null;
  /** The config's folder, for file names. */
  readonly baseDir: string | null;
  /** What holds where the config says nothing. */
  readonly inherited?: Inherited;
  /** Whether the client shows Markdown. */
  readonly markdown: boolean;
  /** Whether the client understands snippets. */
  readonly snippets: boolean;
}

/** What may be typed at a position: keys, values, names from the model, files. Every item replaces the word at the cursor. */
export function complete(
  document: ConfigDocument,
  position: Position,
  context: CompletionContext,
): CompletionItem[] {
  const cursor = cursorAt(document, position);
  if (cursor === null) return [];
  const items =
    cursor.kind === 'key' ? keyItems(document, cursor, context) : valueItems(document, cursor, context);
  return items.map((item, index) => ({ ...item, sortText: item.sortText ?? String(index).padStart(4, '0') }));
}

function keyItems(document: ConfigDocument, cursor: Cursor, context: CompletionContext): CompletionItem[] {
  const mapping = resolved(findNode(document.tree, cursor.path));
  const own = mapping?.kind === 'mapping' ? mapping.entries.map((entry) => entry.key) : [];
  const present = new Set(own);
  // The key being typed may be complete already: it stays in the list.
  present.delete(cursor.word.replace(/["']/g, ''));
  const json = languageOf(document.text) === 'json';
  const isSource = (name: string) =>
    cursor.path[0] === 'data' && (DATA_SOURCES as readonly string[]).includes(name);
  const sourced = [...present].some(isSource);
  const { inherited = NOTHING_INHERITED } = context;
  const keys = keysAt(cursor.path)
    // A section takes one source.
    .filter(({ name }) => !present.has(name) && !(sourced && isSource(name)))
    .map((key) => ({ ...key, above: inheritedAt(inherited, [...cursor.path, key.name]) }));
  const first = keys.filter(({ required, above }) => required && above === null);
  return [...first, ...keys.filter((key) => !first.includes(key))].map(
    ({ name, schema, required, above }) => {
      const { text, snippet } = json ? jsonKey(name, schema, cursor, context) : yamlKey(name, schema, cursor);
      return {
        label: name,
        kind: CompletionItemKind.Property,
        detail: `${required && above === null ? 'required, ' : ''}${typeName(schema)}${above === null ? '' : `, inherited${shown(above.value)}`}`,
        documentation: documentation(keyDocumentation([...cursor.path, name]), context),
        filterText:
          cursor.quote !== '' && cursor.word !== '' ? `${cursor.quote}${name}${cursor.quote}` : name,
        insertTextFormat: snippet ? InsertTextFormat.Snippet : InsertTextFormat.PlainText,
        textEdit: TextEdit.replace(cursor.range, `${cursor.prefix}${text}`),
        ...(cursor.repairs.length > 0 ? { additionalTextEdits: [...cursor.repairs] } : {}),
      };
    },
  );
}

/** A scalar as a person reads it in a list of keys; nothing for mappings and lists. */
const shown = (value: unknown) => (typeof value === 'object' && value !== null ? '' : `: ${String(value)}`);

/** `key: ` for a value on the line, `key:` and a new indented line for a mapping or list. */
function yamlKey(name: string, schema: SchemaNode, cursor: Cursor): { text: string; snippet: boolean } {
  const types = [schema.type ?? []].flat();
  if (cursor.hasColon) return { text: name, snippet: false };
  const block = types.length > 0 && types.every((type) => type === 'object' || type === 'array');
  // In flow style everything stays on the line.
  if (!block || cursor.step === '') return { text: `${name}: `, snippet: false };
  const below = `${name}:\n${cursor.indent}${cursor.prefix.replace(/./g, ' ')}${cursor.step}`;
  return { text: types.includes('array') ? `${below}- ` : below, snippet: false };
}

/** `"key": ` with the brackets or quotes of its value, so that the document stays valid where that is possible. */
function jsonKey(name: string, schema: SchemaNode, cursor: Cursor, context: CompletionContext) {
  if (cursor.hasColon) return { text: JSON.stringify(name), snippet: false };
  const types = [schema.type ?? []].flat();
  const [open, close] = types.includes('object')
    ? ['{', '}']
    : types[0] === 'array'
      ? ['[', ']']
      : types[0] === 'string' && allowedValues(schema).length === 0
        ? ['"', '"']
        : ['', ''];
  const hole = context.snippets ? '$0' : '';
  const key = context.snippets ? JSON.stringify(name).replaceAll('$', '\\$') : JSON.stringify(name);
  return { text: `${key}: ${open}${hole}${close}${cursor.suffix}`, snippet: context.snippets };
}

function valueItems(document: ConfigDocument, cursor: Cursor, context: CompletionContext): CompletionItem[] {
  const schema = schemaOf(cursor.path) ?? {};
  const listed = allowedValues(schema).map((allowed) => valueItem(allowed, cursor, schema.default, context));
  return [
    ...listed,
    ...modelItems(cursor, context),
    ...fileItems(cursor, context),
    ...aliasItems(document, cursor),
  ];
}

function valueItem(
  allowed: AllowedValue,
  cursor: Cursor,
  fallback: unknown,
  context: CompletionContext,
): CompletionItem {
  const text = allowed.value === null ? 'null' : String(allowed.value);
  const written = typeof allowed.value === 'string' ? quoted(text, cursor.quote) : text;
  return {
    label: text,
    kind: typeof allowed.value === 'string' ? CompletionItemKind.EnumMember : CompletionItemKind.Value,
    ...(fallback === allowed.value ? { detail: 'default' } : {}),
    documentation: documentation(
      allowed.replacedBy === undefined
        ? allowed.description
        : `${allowed.description}; use ${allowed.replacedBy}`,
      context,
    ),
    ...(allowed.replacedBy === undefined ? {} : { tags: [CompletionItemTag.Deprecated], sortText: 'z' }),
    ...edited(written, cursor),
  };
}

/** The edit that puts a text where the cursor is; clients filter by the text that they see there. */
function edited(written: string, cursor: Cursor): Pick<CompletionItem, 'filterText' | 'textEdit'> {
  return {
    filterText:
      cursor.word === '' || /^["']/.test(cursor.word) ? written : written.replace(/^["']|["']$/g, ''),
    textEdit: TextEdit.replace(cursor.range, `${cursor.prefix}${written}${cursor.suffix}`),
  };
}

/** `*name` of nodes above that stand under the same key, such as a shared preprocess. */
function aliasItems(document: ConfigDocument, cursor: Cursor): CompletionItem[] {
  if (document.tree.language === 'json') return [];
  const offset = document.text.offsetAt(cursor.range.start);
  return anchorsOf(document.tree)
    .filter(({ node }) => node.end <= offset && pathOf(node).at(-1) === cursor.path.at(-1))
    .map(({ anchor }) => ({
      label: `*${anchor.name}`,
      kind: CompletionItemKind.Reference,
      detail: 'alias',
      ...edited(`*${anchor.name}`, cursor),
    }));
}

/** Node names and operator types of the model, for the ignored scope. */
function modelItems(cursor: Cursor, { model }: CompletionContext): CompletionItem[] {
  const place = cursor.path.filter((step) => typeof step === 'string').join('.');
  const match = /^quantization\.ignored_scope\.(names|types|subgraphs\.(?:inputs|outputs))$/.exec(place);
  if (model === null || match === null) return [];
  if (match[1] === 'types') {
    const counts = new Map<string, number>();
    for (const node of model.nodes) counts.set(node.op, (counts.get(node.op) ?? 0) + 1);
    return [...counts]
      .sort((a, b) => b[1] - a[1])
      .map(([op, count]) => textItem(op, `${count} nodes`, CompletionItemKind.Class, cursor));
  }
  const weighted = (inputs: Readonly<Record<number, unknown>>) => (Object.keys(inputs).length > 0 ? 0 : 1);
  return [...model.nodes]
    .sort((a, b) => weighted(a.constants) - weighted(b.constants))
    .slice(0, 500)
    .map((node) => textItem(node.name, node.op, CompletionItemKind.Reference, cursor));
}

function textItem(text: string, detail: string, kind: CompletionItemKind, cursor: Cursor): CompletionItem {
  return { label: text, kind, detail, ...edited(quoted(text, cursor.quote), cursor) };
}

const FILES: Readonly<Record<string, RegExp | 'folder'>> = {
  model: /\.onnx$/i,
  extends: /\.(ya?ml|jsonc?)$/i,
  labels: /\.(csv|npy)$/i,
  arrays: /\.np[yz]$/i,
  images: 'folder',
  tensors: 'folder',
  loader: /\.[cm]?[jt]s$/i,
  metric: /\.[cm]?[jt]s$/i,
};

/** Files and folders that fit the key, one level at a time. */
function fileItems(cursor: Cursor, { baseDir }: CompletionContext): CompletionItem[] {
  const wanted = FILES[String(cursor.path.at(-1))];
  if (wanted === undefined || baseDir === null) return [];
  const typed = cursor.word.replace(/^["']|["']$/g, '');
  const folder = typed.includes('/') ? `${dirname(`${typed}x`)}/` : '';
  try {
    return readdirSync(join(baseDir, folder), { withFileTypes: true })
      .filter(
        (entry) =>
          !entry.name.startsWith('.') &&
          (entry.isDirectory() || (wanted !== 'folder' && wanted.test(entry.name))),
      )
      .slice(0, 200)
      .map((entry) =>
        textItem(
          `${folder}${entry.name}`,
          entry.isDirectory() ? 'folder' : 'file',
          entry.isDirectory() ? CompletionItemKind.Folder : CompletionItemKind.File,
          cursor,
        ),
      );
  } catch {
    return [];
  }
}

function documentation(markdown: string, context: CompletionContext): MarkupContent | string {
  return context.markdown ? { kind: MarkupKind.Markdown, value: markdown } : render(markdown, false);
}
