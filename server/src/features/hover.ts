import { MarkupKind, type Hover, type Position } from 'vscode-languageserver';
import type { ModelSummary } from '@quantsmith/engine/protocol';
import type { QuantizationReport } from '@quantsmith/schemas';
import type { Change } from '../runs/freshness.js';
import type { ConfigDocument } from '../document/document.js';
import { nodeAt, pathOf, type Path } from '../document/tree.js';
import { inheritedAt, NOTHING_INHERITED, type Inherited } from '../extends/inherit.js';
import { isMapping } from '../extends/merge.js';
import { allowedValues, referenceAnchor, schemaOf, typeName } from '../knowledge/schema.js';

/** Lists of values are cut after this many. */
const MOST_VALUES = 12;

export interface HoverContext {
  readonly model: ModelSummary | null;
  readonly markdown: boolean;
  /** The last run, if it still describes the config. */
  readonly report?: QuantizationReport | null;
  readonly changed?: Change;
  readonly inherited?: Inherited;
}

/** What the key or value under the cursor means; on a node name, what that node is. */
export function hover(document: ConfigDocument, position: Position, context: HoverContext): Hover | null {
  const offset = document.text.offsetAt(position);
  const found = nodeAt(document.tree, offset);
  if (found === null || (found.kind !== 'entry' && found.kind !== 'scalar' && found.kind !== 'alias'))
    return null;
  const path = pathOf(found);
  const text =
    (found.kind === 'scalar'
      ? (nodeText(String(found.value), path, context) ?? valueText(found.value, path))
      : null) ?? keyDocumentation(path);
  if (text === '') return null;
  const above = inheritedText(path, context.inherited ?? NOTHING_INHERITED);
  const span = found.kind === 'entry' ? found.keySpan : found;
  return {
    contents: {
      kind: context.markdown ? MarkupKind.Markdown : MarkupKind.PlainText,
      value: render([text, above].filter((part) => part !== '').join('\n\n'), context.markdown),
    },
    range: { start: document.text.positionAt(span.start), end: document.text.positionAt(span.end) },
  };
}

/** What a key replaces of the config that this one extends; on `extends` itself, all that comes in. */
function inheritedText(path: Path, inherited: Inherited): string {
  if (path.length === 1 && path[0] === 'extends' && inherited.layers.length > 0) {
    const settings = scalarsOf(inherited.value).map(([key, value]) => `- \`${key}: ${value}\``);
    const more = settings.length > MOST_VALUES ? [`- … and ${settings.length - MOST_VALUES} more`] : [];
    const files = inherited.layers.map(({ file }) => file).join(', ');
    return [`Inherited from ${files}:`, [...settings.slice(0, MOST_VALUES), ...more].join('\n')].join('\n\n');
  }
  const above = inheritedAt(inherited, path);
  if (above === null || typeof above.value === 'object') return '';
  return `Replaces \`${String(above.value)}\` of ${above.layer.file}.`;
}

function scalarsOf(value: unknown, path = ''): [string, string][] {
  if (!isMapping(value)) return [[path, JSON.stringify(value)]];
  return Object.entries(value).flatMap(([key, child]) =>
    scalarsOf(child, path === '' ? key : `${path}.${key}`),
  );
}

/** The documentation of a key in Markdown: meaning, type, default, limits, values. */
export function keyDocumentation(path: Path): string {
  const schema = schemaOf(path);
  if (schema === undefined) return '';
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
    ...(plain ? [`default \`${String(schema.default)}\``] : []),
  ].join(', ');
  const values = allowedValues(schema).filter(
    ({ description, replacedBy }) => description !== '' && replacedBy === undefined,
  );
  const listed = values
    .slice(0, MOST_VALUES)
    .map(({ value, description }) => `- \`${String(value)}\`: ${description}`);
  if (values.length > MOST_VALUES) listed.push(`- … and ${values.length - MOST_VALUES} more`);
  const anchor = referenceAnchor(path);
  return [
    `**${String(path.at(-1) ?? 'config')}** — ${facts}`,
    schema.description ?? '',
    listed.join('\n'),
    anchor === '' ? '' : `docs/config-reference.md#${anchor}`,
  ]
    .filter((part) => part !== '')
    .join('\n\n');
}

/** The meaning of one of the listed values of a key. */
function valueText(value: unknown, path: Path): string | null {
  const schema = schemaOf(path);
  const found =
    schema === undefined ? undefined : allowedValues(schema).find((allowed) => allowed.value === value);
  if (found === undefined || found.description === '') return null;
  return `\`${String(value)}\`: ${found.description}\n\n${keyDocumentation(path)}`;
}

function nodeText(name: string, path: Path, { model, report, changed }: HoverContext): string | null {
  if (model === null || path[1] !== 'ignored_scope' || path[2] === 'patterns' || path[2] === 'types')
    return null;
  const node = model.nodes.find((candidate) => candidate.name === name);
  if (node === undefined) return null;
  const weights = Object.values(node.constants).map((dims) => `[${dims.join(', ')}]`);
  const attributes = Object.entries(node.attributes).map(([key, value]) => `${key} ${String(value)}`);
  return [
    `**${node.name}** — ${node.op}`,
    weights.length > 0 ? `Constants: ${weights.join(', ')}` : '',
    attributes.join(', '),
    `Inputs: ${node.inputs.filter((input) => input !== '').join(', ')}`,
    `Outputs: ${node.outputs.join(', ')}`,
    changed === null ? runText(name, report ?? null) : '',
  ]
    .filter((part) => part !== '')
    .join('\n\n');
}

/** What the last run found out about a node. */
function runText(name: string, report: QuantizationReport | null): string {
  const layer = report?.layers.find((candidate) => candidate.name === name);
  if (layer === undefined) return '';
  const facts = [
    layer.restored ? 'back in float to restore accuracy' : layer.quantized ? 'quantized' : 'in float',
    ...(layer.weight === null ? [] : [`${layer.weight.bits}-bit weights`]),
    ...(layer.sqnr_db === null ? [] : [`SQNR ${layer.sqnr_db.toFixed(1)} dB`]),
  ];
  return `Last run: ${facts.join(', ')}`;
}

/** Markdown as it is, or without its marks for clients that show plain text. */
export function render(markdown: string, asMarkdown: boolean): string {
  return asMarkdown ? markdown : markdown.replace(/\*\*|`/g, '');
}
