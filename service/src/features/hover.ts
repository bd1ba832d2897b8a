import { type ConfigPath, above } from '@quantsmith/schemas';
import { MarkupKind, type Hover, type Position } from 'vscode-languageserver-types';
import type { ConfigDocument } from '../document/document.js';
import { nodeAt, pathOf, resolved, type Entry, type TreeNode } from '../document/tree.js';
import { inheritedAt, NOTHING_INHERITED, type Inherited } from '../extends/inherit.js';
import { isMapping } from '../extends/merge.js';
import { effectText, type EffectContext } from './effects.js';
import { scopeText } from './layerHover.js';
import { code, codeBlock, render } from './markdown.js';
import { allowedValues, referenceAnchor, schemaOf, typeName } from '../knowledge/schema.js';

/** Lists of values are cut after this many. */
const MAX_VALUES = 12;

export interface HoverContext extends EffectContext {
  readonly markdown: boolean;
  readonly inherited?: Inherited;
  /** Where the documentation that comes with the server lies, as a URI; null: nowhere. */
  readonly docs?: string | null;
}

/** What the key or value under the cursor means; on a node name, what that node is. */
export function hover(document: ConfigDocument, position: Position, context: HoverContext): Hover | null {
  const offset = document.text.offsetAt(position);
  const place = nodeAt(document.tree, offset);
  if (place === null || (place.kind !== 'entry' && place.kind !== 'scalar' && place.kind !== 'alias'))
    return null;
  const path = pathOf(place);
  const { docs = null } = context;
  const text =
    (place.kind === 'scalar'
      ? ((typeof place.value === 'string' ? scopeText(place.value, path, context) : null) ??
        valueText(place.value, path, docs))
      : aliasText(document, place, docs)) ?? keyDocumentation(path, docs);

  if (text === '') return null;
  const effect = effectText(path, context);
  const above = inheritedText(path, context.inherited ?? NOTHING_INHERITED);
  const span = place.kind === 'entry' ? place.keySpan : place;

  return {
    contents: {
      kind: context.markdown ? MarkupKind.Markdown : MarkupKind.PlainText,
      value: render([text, effect, above].filter((part) => part !== '').join('\n\n'), context.markdown),
    },
    range: { start: document.text.positionAt(span.start), end: document.text.positionAt(span.end) },
  };
}

/** What an alias stands for, or a merge key brings in; null for anything else. */
function aliasText(document: ConfigDocument, place: Entry | TreeNode, docs: string | null): string | null {
  const merges = place.kind === 'entry' && place.key === '<<';
  const alias = merges ? place.value : place;
  if (alias?.kind !== 'alias') return null;
  const target = resolved(alias);
  if (target === null) return null;
  const merged = merges || pathOf(alias).at(-1) === '<<';
  const line = document.text.positionAt(target.start).line + 1;
  const text = document.text.getText().slice(target.start, target.end).split(/\r?\n/);
  const shown = text
    .slice(0, MAX_VALUES)
    .map((row, index) => (index === 0 ? row : row.replace(/^ {1,8}/, '')));

  const source = [...shown, ...(text.length > MAX_VALUES ? ['…'] : [])].join('\n');
  const key = merged ? '' : keyDocumentation(pathOf(alias), docs);

  return [
    `${code(`*${alias.name}`)} ${merged ? 'adds keys that this section does not set' : 'stands for'} (line ${line}):`,
    codeBlock(source),
    key,
  ]
    .filter((part) => part !== '')
    .join('\n\n');
}

/** What a key replaces of the config that this one extends; on `extends` itself, all that comes in. */
function inheritedText(path: ConfigPath, inherited: Inherited): string {
  if (path.length === 1 && path[0] === 'extends' && inherited.layers.length > 0) {
    const settings = scalarsOf(inherited.value).map(([key, value]) => `- ${code(`${key}: ${value}`)}`);
    const more = settings.length > MAX_VALUES ? [`- … and ${settings.length - MAX_VALUES} more`] : [];
    const files = inherited.layers.map(({ file }) => code(file)).join(', ');
    return [`Inherited from ${files}:`, [...settings.slice(0, MAX_VALUES), ...more].join('\n')].join('\n\n');
  }

  const above = inheritedAt(inherited, path);
  if (above === null || typeof above.value === 'object') return '';

  return `Replaces ${code(asWritten(above.value))} of ${code(above.layer.file)}.`;
}

/** A value as a config writes it: texts without quotes. */
const asWritten = (value: unknown) => (typeof value === 'string' ? value : JSON.stringify(value));

function scalarsOf(value: unknown, path = ''): [string, string][] {
  if (!isMapping(value)) return [[path, JSON.stringify(value)]];
  return Object.entries(value).flatMap(([key, child]) =>
    scalarsOf(child, path === '' ? key : `${path}.${key}`),
  );
}

/** The documentation of a key in Markdown: meaning, type, default, limits, values. */
export function keyDocumentation(path: ConfigPath, docs: string | null = null): string {
  const schema = schemaOf(path);
  if (schema === undefined) return '';
  // An item that has no meaning of its own is explained by its list.
  if (typeof path.at(-1) === 'number' && schema.description === undefined)
    return keyDocumentation(above(path), docs);
  const limits = [
    schema.minimum === undefined ? '' : `at least ${schema.minimum}`,
    schema.exclusiveMinimum === undefined ? '' : `above ${schema.exclusiveMinimum}`,
    schema.maximum === undefined ? '' : `at most ${schema.maximum}`,
    schema.exclusiveMaximum === undefined ? '' : `below ${schema.exclusiveMaximum}`,
  ].filter((part) => part !== '');
  const plain =
    schema.default === null || (schema.default !== undefined && typeof schema.default !== 'object');
  const facts = [
    typeName(schema),
    ...limits,
    ...(plain ? [`default ${code(asWritten(schema.default))}`] : []),
  ].join(', ');
  const values = allowedValues(schema).filter(
    ({ description, replacedBy }) => description !== '' && replacedBy === undefined,
  );
  const listed = values
    .slice(0, MAX_VALUES)
    .map(({ value, description }) => `- \`${String(value)}\`: ${description}`);

  if (values.length > MAX_VALUES) listed.push(`- … and ${values.length - MAX_VALUES} more`);
  const anchor = referenceAnchor(path);

  return [
    `**${String(path.at(-1) ?? 'config')}** — ${facts}`,
    schema.description ?? '',
    listed.join('\n'),
    anchor === '' ? '' : reference(anchor, docs),
  ]
    .filter((part) => part !== '')
    .join('\n\n');
}

/** A link to the key's section of the reference page, where that comes with the server. */
function reference(anchor: string, docs: string | null): string {
  return docs === null
    ? `docs/config-reference.md#${anchor}`
    : `[Reference](${docs}config-reference.md#${anchor})`;
}

/** The meaning of one of the listed values of a key. */
function valueText(value: unknown, path: ConfigPath, docs: string | null): string | null {
  const schema = schemaOf(path);
  const shown =
    schema === undefined ? undefined : allowedValues(schema).find((allowed) => allowed.value === value);

  if (shown === undefined || shown.description === '') return null;
  return `\`${String(value)}\`: ${shown.description}\n\n${keyDocumentation(path, docs)}`;
}
