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
import type { ConfigDocument } from '../document/document.js';
import { languageOf } from '../document/document.js';
import { entriesOf, findNode, resolved } from '../document/tree.js';
import { allowedValues, keysAt, schemaOf, typeName, type AllowedValue } from '../knowledge/schema.js';
import { cursorAt, type Cursor } from './cursor.js';
import { keyDocumentation, render } from './hover.js';

export interface CompletionContext {
  readonly model: ModelSummary | null;
  /** The config's folder, for file names. */
  readonly baseDir: string | null;
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
  const items = cursor.kind === 'key' ? keyItems(document, cursor, context) : valueItems(cursor, context);
  return items.map((item, index) => ({ ...item, sortText: item.sortText ?? String(index).padStart(4, '0') }));
}

function keyItems(document: ConfigDocument, cursor: Cursor, context: CompletionContext): CompletionItem[] {
  const mapping = resolved(findNode(document.tree, cursor.path));
  const present = new Set(mapping?.kind === 'mapping' ? entriesOf(mapping).map((entry) => entry.key) : []);
  // The key being typed may be complete already: it stays in the list.
  if (cursor.word !== '') present.delete(cursor.word);
  const json = languageOf(document.text) === 'json';
  return keysAt(cursor.path)
    .filter((key) => !present.has(key.name))
    .map(({ name, schema, required }) => ({
      label: name,
      kind: CompletionItemKind.Property,
      detail: `${required ? 'required, ' : ''}${typeName(schema)}`,
      documentation: documentation(keyDocumentation([...cursor.path, name]), context),
      filterText: json ? `"${name}"` : name,
      insertTextFormat: InsertTextFormat.PlainText,
      textEdit: TextEdit.replace(cursor.range, keyText(name, [schema.type ?? []].flat(), cursor, json)),
    }));
}

/** `key: ` for a value on the line, `key:` and a new indented line for a mapping or list. */
function keyText(name: string, types: readonly string[], cursor: Cursor, json: boolean): string {
  if (json) return cursor.hasColon ? `"${name}"` : `"${name}": `;
  if (cursor.hasColon) return name;
  const block = types.length > 0 && types.every((type) => type === 'object' || type === 'array');
  if (!block) return `${name}: `;
  return types.includes('array')
    ? `${name}:\n${cursor.indent}${cursor.step}- `
    : `${name}:\n${cursor.indent}${cursor.step}`;
}

function valueItems(cursor: Cursor, context: CompletionContext): CompletionItem[] {
  const schema = schemaOf(cursor.path) ?? {};
  const listed = allowedValues(schema).map((allowed) => valueItem(allowed, cursor, schema.default, context));
  return [...listed, ...modelItems(cursor, context), ...fileItems(cursor, context)];
}

function valueItem(
  allowed: AllowedValue,
  cursor: Cursor,
  fallback: unknown,
  context: CompletionContext,
): CompletionItem {
  const text = allowed.value === null ? 'null' : String(allowed.value);
  const quoted = cursor.quotes && typeof allowed.value === 'string' ? JSON.stringify(text) : text;
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
    filterText: quoted,
    textEdit: TextEdit.replace(cursor.range, quoted),
  };
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
  const written = cursor.quotes || !/^[\w/.][\w/.:-]*$/.test(text) ? JSON.stringify(text) : text;
  return {
    label: text,
    kind,
    detail,
    filterText: written,
    textEdit: TextEdit.replace(cursor.range, written),
  };
}

const FILES: Readonly<Record<string, RegExp | 'folder'>> = {
  model: /\.onnx$/i,
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
