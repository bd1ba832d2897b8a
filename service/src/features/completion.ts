import {
  above,
  DATA_KIND_NAMES,
  type ModelSummary,
  type QuantizationReport,
  type SchemaNode,
  below,
} from '@quantsmith/schemas';
import { fileURLToPath } from 'node:url';
import {
  CompletionItemKind,
  CompletionItemTag,
  InsertTextFormat,
  InsertTextMode,
  MarkupKind,
  TextEdit,
  type CompletionItem,
  type CompletionList,
  type MarkupContent,
  type Position,
} from 'vscode-languageserver-types';
import { type ConfigDocument, languageOf } from '../document/document.js';
import { block, eolOf, inline, quoted } from '../document/edit.js';
import { anchorsOf, entriesOf, findNode, pathOf, resolved, type TreeNode } from '../document/tree.js';
import type { FolderEntry } from '../facts/facts.js';
import { inheritedAt, NOTHING_INHERITED, type Inherited } from '../extends/inherit.js';
import { allowedValues, keysAt, schemaOf, typeName, type AllowedValue } from '../knowledge/schema.js';
import type { Change } from '../context/context.js';
import { aliasItems } from './aliasItems.js';
import { edited } from './completionItem.js';
import type { Cursor } from './cursor.js';
import { cursorAt } from './cursorAt.js';
import { fileItems, folderOffered } from './files.js';
import { isOnlyOf, isReadBy } from '../knowledge/sourceKeys.js';
import { keyDocumentation } from './hover.js';
import { inputsFor, likelySource } from './inputKeys.js';
import { cursorInside, mappingItems, takesMapping, takesSection } from './mappingItems.js';
import { likelyFirst } from './likelyValues.js';
import { knownValues, withoutMerges } from './knownValues.js';
import { render } from './markdown.js';
import { MAX_NAMES, modelItems, scopeList } from './modelItems.js';
import {
  hasNearFiles,
  hasSkeletons,
  modelSkeletons,
  nearFiles,
  skeletons,
  type Skeleton,
} from './skeletons.js';
import { suppressionItems } from './suppressions.js';

const NO_LISTINGS: ReadonlyMap<string, readonly FolderEntry[]> = new Map();

export interface CompletionContext {
  readonly model: ModelSummary | null;
  /** The config's folder, for file names. */
  readonly baseDir: string | null;
  /** What holds where the config says nothing. */
  readonly inherited?: Inherited;
  /** The last run, and what has changed since. */
  readonly report?: QuantizationReport | null;
  readonly changed?: Change;
  /** Entries of folders, for file names. */
  readonly listings?: ReadonlyMap<string, readonly FolderEntry[]>;
  /** Where the documentation that comes with the server lies, as a URI; null: nowhere. */
  readonly docs?: string | null;
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
  return completionList(document, position, context).items;
}

/** The same with whether it must be asked for again while the word is typed: counts of matches change with it. */
export function completionList(
  document: ConfigDocument,
  position: Position,
  context: CompletionContext,
): CompletionList {
  return completionAt(document, cursorAt(document, position), context);
}

/** A folder that a completion needs the entries of, with those of the folders in it. */
export interface WantedListing {
  readonly folder: string;
  /** With `data` in it. */
  readonly near: boolean;
}

/** What a completion at a cursor offers files from; null: nothing. */
export function listingWanted(cursor: Cursor | null, baseDir: string | null): WantedListing | null {
  if (cursor === null || baseDir === null) return null;
  if (cursor.kind === 'key' && hasSkeletons(cursor.path)) return { folder: baseDir, near: true };
  if (takesSection(cursor)) return { folder: baseDir, near: true };
  const folder = folderOffered(cursor, baseDir);
  if (cursor.kind === 'value' && hasNearFiles(cursor.path) && folder === baseDir)
    return { folder, near: true };

  return folder === null ? null : { folder, near: false };
}

/** The completions at a cursor. */
export function completionAt(
  document: ConfigDocument,
  cursor: Cursor | null,
  context: CompletionContext,
): CompletionList {
  if (cursor === null) return { isIncomplete: false, items: [] };
  const { items, isCut } = itemsAt(document, cursor, context);
  return {
    // Patterns follow what is typed, and lists that were cut have more.
    isIncomplete: isCut || (cursor.kind === 'value' && scopeList(cursor.path) === 'patterns'),
    items: items.map((item, index) => ({
      ...item,
      sortText: item.sortText ?? String(index).padStart(4, '0'),
      ...overLines(item, document),
    })),
  };
}

interface Items {
  readonly items: readonly CompletionItem[];
  /** Whether there are more. */
  readonly isCut: boolean;
}

function itemsAt(document: ConfigDocument, cursor: Cursor, context: CompletionContext): Items {
  switch (cursor.kind) {
    case 'comment':
      return { items: suppressionItems(document, cursor), isCut: false };
    case 'key':
      return { items: keyItems(document, cursor, context), isCut: false };
    case 'value':
      return valueItems(document, cursor, context);
  }
}

/** Lines are indented as they have to be: editors must not add to that. */
function overLines({ textEdit }: CompletionItem, document: ConfigDocument): Partial<CompletionItem> {
  if (textEdit?.newText.includes('\n') !== true) return {};
  const newText = textEdit.newText.replaceAll('\n', eolOf(document));
  return { insertTextMode: InsertTextMode.asIs, textEdit: { ...textEdit, newText } };
}

function keyItems(
  document: ConfigDocument,
  typed: Cursor,
  context: CompletionContext,
): readonly CompletionItem[] {
  const cursor = { ...typed, path: withoutMerges(typed.path) };
  const mapping = resolved(findNode(document.tree, cursor.path));
  const entries = mapping?.kind === 'mapping' ? mapping.entries : [];
  const merged = new Map(
    (mapping?.kind === 'mapping' ? entriesOf(mapping) : [])
      .filter((entry) => entry.parent !== mapping)
      .map((entry) => [entry.key, entry]),
  );

  const present = new Set([...entries.map((entry) => entry.key), ...cursor.siblings]);
  // The key being typed may be complete already: it stays in the list.
  present.delete(cursor.word.replace(/["']/g, ''));
  const json = languageOf(document.text) === 'json';
  const isSource = (name: string) =>
    cursor.path[0] === 'data' && (DATA_KIND_NAMES as readonly string[]).includes(name);

  const source = [...present, ...merged.keys()].find(isSource);
  const mayFollow = (before: string, name: string) =>
    before === name || (!isSource(name) && isReadBy(before, name));
  const { inherited = NOTHING_INHERITED } = context;
  const keys = keysAt(cursor.path)
    // A section takes one source.
    .filter(({ name }) => !present.has(name) && (source === undefined || mayFollow(source, name)))
    .map((key) => ({ ...key, above: inheritedAt(inherited, below(cursor.path, key.name)) }));

  const first = keys.filter(({ required, above }) => required && above === null);
  const { baseDir, listings = NO_LISTINGS, model } = context;
  const near = baseDir === null ? [] : skeletons(cursor.path, baseDir, listings, model);
  const fitting = cursor.hasColon ? [] : [...near, ...modelSkeletons(cursor.path, model, source)];

  const others = keys.filter((key) => !first.includes(key));
  const likely = source === undefined ? likelySource(model) : null;
  const isLikely = ({ name }: { readonly name: string }) =>
    source === undefined ? isSource(name) && likely === name : isOnlyOf(source, name);
  const ordered = [...first, ...others.filter(isLikely), ...others.filter((key) => !isLikely(key))];
  const items = ordered.flatMap((key) => {
    const { name, schema, required, above } = key;
    const { text, snippet } = json ? jsonKey(name, schema, cursor, context) : yamlKey(name, schema, cursor);
    const plain = keyItem(name, cursor, text, snippet);
    const inheritance = above === null ? '' : `, inherited${shown(above.value)}`;
    const merge = merged.get(name);
    const brought = merge === undefined ? inheritance : `, merged${shown(plainOf(merge.value))}`;

    return [
      {
        ...plain,
        detail: `${required && above === null ? 'required, ' : ''}${typeName(schema)}${brought}`,
        documentation: documentation(keyDocumentation(below(cursor.path, name), context.docs), context),
      },
      ...fitting
        .filter((skeleton) => skeleton.key === name)
        .map((skeleton) => skeletonItem(skeleton, cursor, json)),
    ];
  });

  return [...items, ...inputKeys(cursor, model, present), ...mergeKey(document, cursor, present)];
}

/** Inputs of the model, where they are the keys. */
function inputKeys(
  cursor: Cursor,
  model: ModelSummary | null,
  present: ReadonlySet<string>,
): CompletionItem[] {
  return inputsFor(cursor.path, model)
    .filter(({ name }) => !present.has(name))
    .map(({ name, type, dims }) => {
      const key = inline(name, cursor.quote === '"' ? 'json' : 'yaml');
      const text = cursor.hasColon ? key : `${key}: `;
      return {
        ...keyItem(name, cursor, text, false),
        detail: `an input of the model, ${type} [${dims.join(', ')}]`,
      };
    });
}

/** `<<` where there is a mapping above that it could bring in, last. */
function mergeKey(document: ConfigDocument, cursor: Cursor, present: ReadonlySet<string>): CompletionItem[] {
  if (document.tree.language === 'json' || cursor.path.length === 0 || present.has('<<')) return [];
  const offset = document.text.offsetAt(cursor.range.start);
  const isThere = anchorsOf(document.tree).some(
    ({ node }) => node.kind === 'mapping' && node.end <= offset && pathOf(node).length === cursor.path.length,
  );

  return isThere
    ? [{ ...keyItem('<<', cursor, cursor.hasColon ? '<<' : '<<: ', false), detail: 'merges a mapping above' }]
    : [];
}

function keyItem(name: string, cursor: Cursor, text: string, snippet: boolean): CompletionItem {
  return {
    label: name,
    kind: CompletionItemKind.Property,
    filterText: cursor.quote !== '' && cursor.word !== '' ? `${cursor.quote}${name}${cursor.quote}` : name,
    insertTextFormat: snippet ? InsertTextFormat.Snippet : InsertTextFormat.PlainText,
    textEdit: TextEdit.replace(cursor.range, `${cursor.prefix}${text}`),
    ...(cursor.repairs.length > 0 ? { additionalTextEdits: [...cursor.repairs] } : {}),
  };
}

/** A section with all that is in it, for files that are there. */
function skeletonItem({ key, label, value }: Skeleton, cursor: Cursor, json: boolean): CompletionItem {
  const below = `\n${cursor.indent}${cursor.prefix.replace(/./g, ' ')}`;
  const flow = json || cursor.step === '';
  const text = flow
    ? `${inline(key, json ? 'json' : 'yaml')}: ${inline(value, json ? 'json' : 'yaml')}${json ? cursor.suffix : ''}`
    : block(key, value, '', cursor.step).join(below);

  return {
    ...keyItem(key, cursor, text, false),
    label: `${key}: ${label}`,
    kind: CompletionItemKind.Snippet,
    detail:
      key !== 'data' && key !== 'calibration' && key !== 'validation'
        ? 'fits the model'
        : 'fits existing files',
  };
}

const plainOf = (node: TreeNode | null) => {
  const target = resolved(node);
  return target?.kind === 'scalar' ? target.value : {};
};

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

function valueItems(document: ConfigDocument, typed: Cursor, context: CompletionContext): Items {
  const cursor = { ...typed, path: typed.path.at(-1) === '<<' ? typed.path : withoutMerges(typed.path) };
  const schema = schemaOf(cursor.path) ?? {};
  const listed = (values: readonly AllowedValue[]) =>
    likelyFirst(document, cursor, values, context.model).map((allowed) =>
      valueItem(allowed, cursor, schema.default, context),
    );

  const allowed = allowedValues(schema);
  const { uri } = document.text;
  const currentPath = uri.startsWith('file:') ? fileURLToPath(uri) : uri;
  const { baseDir, listings = NO_LISTINGS } = context;
  const section = resolved(findNode(document.tree, above(cursor.path)));
  const beside = section?.kind === 'mapping' ? entriesOf(section) : [];
  const written = Object.fromEntries(beside.map(({ key, value }) => [key, plainOf(value)]));
  const near = baseDir === null ? [] : nearFiles(cursor.path, baseDir, listings, written);

  const names = modelItems(document, cursor, context);
  const files = fileItems(cursor, context.baseDir, listings, currentPath, near, written);
  const known = knownValues(cursor.path, context.model, document.tree.language);

  return {
    items: [
      ...listed(allowed.filter(({ value }) => value !== null)),
      ...known.map(({ text, detail }) => ({
        label: text,
        kind: CompletionItemKind.Value,
        detail,
        ...edited(text, cursor),
      })),
      ...names,
      ...files.items,
      ...aliasItems(document, cursor),
      ...(takesMapping(cursor) ? insideItems(document, cursor, written, context) : []),
      // "Nothing" is what few look for.
      ...listed(allowed.filter(({ value }) => value === null)),
    ],
    isCut: files.isCut || names.length >= MAX_NAMES,
  };
}

/** What a mapping may hold, behind its key. `beside`: what stands beside it. */
function insideItems(
  document: ConfigDocument,
  cursor: Cursor,
  beside: Readonly<Record<string, unknown>>,
  context: CompletionContext,
): CompletionItem[] {
  const { baseDir, listings = NO_LISTINGS, model, snippets } = context;
  const keys = keyItems(document, cursorInside(document, cursor), context).filter(
    ({ kind }) => kind !== CompletionItemKind.Snippet,
  );
  const place = above(cursor.path);
  const source = Object.keys(beside).find((key) => (DATA_KIND_NAMES as readonly string[]).includes(key));
  const near = baseDir === null ? [] : skeletons(place, baseDir, listings, model);
  const isEmpty = resolved(findNode(document.tree, cursor.path))?.kind !== 'mapping';
  const sections = isEmpty ? [...near, ...modelSkeletons(place, model, source)] : [];

  return mappingItems(document, cursor, { keys, sections }, snippets);
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

function documentation(markdown: string, context: CompletionContext): MarkupContent | string {
  return context.markdown ? { kind: MarkupKind.Markdown, value: markdown } : render(markdown, false);
}
