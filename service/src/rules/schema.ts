import {
  type ConfigPath,
  below,
  placeText,
  validateConfig,
  type SchemaIssue,
  type SchemaNode,
} from '@quantsmith/schemas';
import { rangeOf, type ConfigDocument } from '../document/document.js';
import { findEntry, findNode, type Span, type TreeNode } from '../document/tree.js';
import type { Code, Finding } from '../findings/finding.js';
import { FOREIGN_VALUES } from '../knowledge/foreignNames.js';
import { foreignSchema } from '../knowledge/formatVersion.js';
import { allowedValues, keysAt, schemaOf, typeName } from '../knowledge/schema.js';
import { extendsOf, inheritedAt, NOTHING_INHERITED, type Inherited } from '../extends/inherit.js';
import { placeOf } from './place.js';
import { nearest } from './nearest.js';
import { defineRule } from './rule.js';
import { schemaFixes } from './schemaFixes.js';
import { suggestionsFor, wrongTypeAdvice } from './suggestions.js';
import { unknownKey } from './unknownKey.js';

/** `unknown-key`, `missing-key`, `wrong-type`, `unknown-value`, `out-of-range`: what the schema says of the value. */
export function schemaFindings(
  document: ConfigDocument,
  value: unknown,
  inherited: Inherited = NOTHING_INHERITED,
): Finding[] {
  const root = document.tree.root;
  if (root === null || isNothing(root)) {
    if (document.tree.problems.length > 0) return [];
    return [
      finding(
        'missing-key',
        { start: 0, end: 0 },
        [],
        'The config is empty; it needs at least model and data.',
        { missing: ['model', 'data'] },
      ),
    ];
  }

  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return [noMapping(root)];
  }

  // What a config has that could not be read, nobody knows.
  const unknown =
    inherited.problem !== null || (inherited.layers.length === 0 && extendsOf(document.tree) !== null);

  const issues = validateConfig(value).filter(({ keyword }) => !unknown || keyword !== 'required');
  const mistyped = new Set(
    issues.filter((issue) => issue.keyword === 'type').map((issue) => issue.path.join('/')),
  );
  const findings = issues
    // A value of the wrong type is wrong for that reason alone.
    .filter((issue) => issue.keyword === 'type' || !mistyped.has(issue.path.join('/')))
    .flatMap((issue) =>
      isInherited(document, issue, inherited)
        ? inheritedFinding(document, issue, inherited)
        : translate(document, issue),
    );

  const seen = new Set<string>();

  return findings.filter((item) => {
    // The same text can stand under several keys, by aliases: what is wrong with it is one thing.
    const subject = item.code === 'extends-invalid' ? item.path : [item.path.at(-1), item.data];
    const key = `${item.start}:${item.end}:${item.code}:${JSON.stringify(subject)}`;
    if (seen.has(key)) return false;
    seen.add(key);
    return true;
  });
}

/** A text that is no mapping: most of all a single key whose colon has no space behind it. */
function noMapping(root: TreeNode): Finding {
  const unjoined = withoutColon(root, []);
  if (unjoined !== null) return finding('wrong-type', root, [], ...unjoined);
  const key = root.kind === 'scalar' ? /^([\w$-]+):\S/.exec(String(root.value))?.[1] : undefined;
  return key !== undefined && keysAt([]).some(({ name }) => name === key)
    ? finding('wrong-type', root, [], `A space is missing after "${key}:".`, { colon: key.length + 1 })
    : finding('wrong-type', root, [], 'A config must be a mapping of keys to values.', {});
}

/** What is said of a key with its value behind it and no colon; null: the text is none. */
function withoutColon(
  node: TreeNode | null,
  path: ConfigPath,
): [message: string, data: { colon: number; missing: string }] | null {
  if (node?.kind !== 'scalar' || node.quoted) return null;
  const [, key = '', equals = ''] = /^([\w$-]+)( *=)? /.exec(String(node.value)) ?? [];
  if (!keysAt(path).some(({ name }) => name === key)) return null;

  return [`A colon is missing after "${key}".`, { colon: key.length, missing: equals === '' ? ':' : equals }];
}

/** Whether the fault lies in a config that this one extends. */
function isInherited(
  { tree }: ConfigDocument,
  { path, params }: SchemaIssue,
  { layers }: Inherited,
): boolean {
  if (layers.length === 0 || path.length + Object.keys(params).length === 0) return false;
  const key = params['additionalProperty'];
  const place = typeof key === 'string' ? below(path, key) : path;
  return place.length > 0 && findEntry(tree, place) === undefined && findNode(tree, place) === null;
}

/** A fault of an extended config, in the words that it is told with there. */
function inheritedFinding(document: ConfigDocument, issue: SchemaIssue, inherited: Inherited): Finding[] {
  const layer = inheritedAt(inherited, issue.path)?.layer ?? inherited.layers[0];
  if (layer === undefined) return [];
  return translate(layer.document, issue).map(({ message, path, ...span }) => ({
    ...finding('extends-invalid', placeOf(document, []), path, `In ${layer.file}: ${message}`, {}),
    related: [{ file: layer.file, message, range: rangeOf(layer.document, span) }],
  }));
}

function translate(document: ConfigDocument, issue: SchemaIssue): Finding[] {
  const { path, keyword, params } = issue;
  const schema = schemaOf(path) ?? {};
  const name = path.length === 0 ? 'The config' : `"${placeText(path)}"`;
  const span = valueSpan(document, path);
  switch (keyword) {
    case 'additionalProperties':
      return [
        unknownKey(document, path, String(params['additionalProperty']), () => keySpan(document, path)),
      ];
    case 'required': {
      const missing = String(params['missingProperty']);
      return [
        finding('missing-key', keySpan(document, path), path, `${name} needs the key "${missing}".`, {
          missing: [missing],
        }),
      ];
    }

    case 'minProperties':
      return [finding('missing-key', keySpan(document, path), path, `${name} is empty.`, {})];
    case 'type':
      return [wrongType(document, path, schema, name)];
    case 'enum':
    case 'pattern':
      return [unknownValue(document, path, schema, span)];
    case 'minLength':
      return [finding('out-of-range', span, path, `${name} is empty.`, {})];
    default:
      return [
        finding(
          'out-of-range',
          span,
          path,
          `${name} must be ${limits(schema, keyword, params)}.`,
          keyword === 'maxItems' ? withoutChannels(document, path, schema) : nearestLimit(schema, keyword),
        ),
      ];
  }
}

/** A value of another type: nothing at all, a key whose colon has no space behind it, or any other. */
function wrongType(document: ConfigDocument, path: ConfigPath, schema: SchemaNode, name: string): Finding {
  const span = valueSpan(document, path);
  const node = findNode(document.tree, path);
  const entry = findEntry(document.tree, path);
  if (schema.properties !== undefined && entry !== undefined && (node === null || isNothing(node))) {
    const message = `${name} is empty: give it keys, or leave it out.`;
    return finding('wrong-type', entry.keySpan, path, message, { isEmpty: true });
  }

  const unjoined = withoutColon(node, path);
  if (unjoined !== null) return finding('wrong-type', span, path, ...unjoined);
  const key = node?.kind === 'scalar' ? /^([\w$-]+):\S/.exec(String(node.value))?.[1] : undefined;
  if (key !== undefined && keysAt(path).some((known) => known.name === key)) {
    const message = `A space is missing after "${key}:".`;
    return finding('wrong-type', span, path, message, { colon: key.length + 1 });
  }

  const suggested = suggestionsFor(document, path, schema);
  const written = node?.kind === 'scalar' ? String(node.value) : '';
  const advice = wrongTypeAdvice(path, written, suggested.suggestions !== undefined);

  return finding('wrong-type', span, path, `${name} must be ${inWords(schema)}${advice}.`, suggested);
}

const isNothing = (node: TreeNode) => node.kind === 'scalar' && node.value === null;

function unknownValue(document: ConfigDocument, path: ConfigPath, schema: SchemaNode, span: Span): Finding {
  const node = findNode(document.tree, path);
  const source = document.text.getText().slice(node?.start ?? span.start, node?.end ?? span.end);
  const isBlock = node?.kind === 'scalar' && /^[|>]/.test(source);
  const written = isBlock ? String(node.value).trim() : source;
  const values = allowedValues(schema).filter((allowed) => allowed.replacedBy === undefined);
  const names = values.map((allowed) => String(allowed.value));
  // `TargetDevice.CPU` is how Python writes a member of an enumeration.
  const plain = written.replace(/^["']|["']$/g, '').replace(/^[A-Z]\w*\./, '');
  const here = FOREIGN_VALUES.get(plain.toLowerCase()) ?? plain;
  const suggestions = names.includes(here) ? [here] : nearest(here, names);
  const hint =
    suggestions.length > 0
      ? ` Did you mean ${suggestions[0]}?`
      : ` Possible values: ${names.slice(0, 12).join(', ')}.`;

  return finding('unknown-value', span, path, `"${placeText(path)}" cannot be ${written}.${hint}`, {
    suggestions: suggestions.length > 0 ? suggestions : names,
  });
}

/** The number next to the one that is out of range; none where the limit itself is not allowed. */
function nearestLimit(schema: SchemaNode, keyword: string): { suggestions?: string[] } {
  const limit = keyword === 'minimum' || keyword === 'maximum' ? schema[keyword] : undefined;
  return limit === undefined ? {} : { suggestions: [String(limit)] };
}

function limits(schema: SchemaNode, keyword: string, params: Readonly<Record<string, unknown>>): string {
  if (keyword === 'minItems' || keyword === 'maxItems') return length(schema, keyword, params);
  const parts = [
    schema.minimum === undefined ? '' : `at least ${schema.minimum}`,
    schema.exclusiveMinimum === undefined ? '' : `above ${schema.exclusiveMinimum}`,
    schema.maximum === undefined ? '' : `at most ${schema.maximum}`,
    schema.exclusiveMaximum === undefined ? '' : `below ${schema.exclusiveMaximum}`,
  ].filter((part) => part !== '');

  return parts.length > 0 ? parts.join(' and ') : `valid (${keyword})`;
}

/** How long a list is to be. */
function length(
  schema: SchemaNode,
  keyword: 'minItems' | 'maxItems',
  params: Readonly<Record<string, unknown>>,
): string {
  if (isSize(schema)) return 'a number or [height, width]';
  const limit = params['limit'];
  return `a list of at ${keyword === 'minItems' ? 'least' : 'most'} ${String(limit)} ${limit === 1 ? 'item' : 'items'}`;
}

/** Whether a value is the size of an image: two numbers, or one. */
const isSize = ({ type, minItems, maxItems }: SchemaNode) =>
  minItems === 2 && maxItems === 2 && [type ?? []].flat().includes('integer');

/** Most channels of an image. */
const MAX_CHANNELS = 4;

/** A size with the channels in front or behind, without them; nothing where it is not that. */
function withoutChannels(document: ConfigDocument, path: ConfigPath, schema: SchemaNode) {
  const node = findNode(document.tree, path);
  if (!isSize(schema) || node?.kind !== 'sequence' || node.items.length !== 3) return {};
  const sizes = node.items.map((item) => (item.kind === 'scalar' ? Number(item.value) : Number.NaN));
  const [first = Number.NaN, , last = Number.NaN] = sizes;
  const rest = first <= MAX_CHANNELS ? sizes.slice(1) : last <= MAX_CHANNELS ? sizes.slice(0, 2) : [];
  return rest.length === 2 && rest.every(Number.isInteger) && isInFlow(document, node)
    ? { suggestions: [`[${rest.join(', ')}]`] }
    : {};
}

const isInFlow = ({ text }: ConfigDocument, { start }: Span) => text.getText().charAt(start) === '[';

function finding(
  code: Code,
  { start, end }: Span,
  path: ConfigPath,
  message: string,
  data: Record<string, unknown>,
): Finding {
  return { code, severity: 'error', message, start, end, path, data };
}

function valueSpan(document: ConfigDocument, path: ConfigPath): Span {
  return findNode(document.tree, path) ?? keySpan(document, path);
}

function keySpan(document: ConfigDocument, path: ConfigPath): Span {
  const entry = findEntry(document.tree, path);
  if (entry !== undefined) return entry.keySpan;
  const node = findNode(document.tree, path);
  const first = node?.kind === 'mapping' ? node.entries[0] : undefined;
  return first?.keySpan ?? { start: node?.start ?? 0, end: Math.min(node?.end ?? 0, (node?.start ?? 0) + 1) };
}

/** JSON's types as people call them who write YAML. */
const TYPE_WORDS: ReadonlyMap<string, string> = new Map([
  ['object', 'a mapping'],
  ['array', 'a list'],
  ['string', 'a string'],
  ['integer', 'an integer'],
  ['number', 'a number'],
  ['boolean', 'true or false'],
]);

/** `a mapping`, `an integer or null`. */
const inWords = (schema: SchemaNode) =>
  typeName(schema)
    .split(' or ')
    .map((type) => TYPE_WORDS.get(type) ?? type)
    .join(' or ');

/** What a later version of the format may allow. */
const MAY_BE_NEW: ReadonlySet<Code> = new Set(['unknown-key', 'unknown-value', 'out-of-range']);

/** Without what a config of another version may well say. */
export function ofThisVersion(document: ConfigDocument, findings: readonly Finding[]): Finding[] {
  const isForeign = foreignSchema(document) !== null;
  return findings.filter(({ code }) => !isForeign || !MAY_BE_NEW.has(code));
}

export const rule = defineRule({
  codes: ['missing-key', 'unknown-key', 'wrong-type', 'unknown-value', 'out-of-range'],
  needs: 'value',
  check: ({ document, value, inherited, config }) =>
    // A valid config has nothing that the schema minds.
    config !== null ? [] : ofThisVersion(document, schemaFindings(document, value, inherited)),
  fixes: schemaFixes,
  spelling: ['unknown-key', 'unknown-value', 'wrong-type'],
  suppressible: false,
  sections: {
    'missing-key':
      'Severity: error.\n\nA required key is missing, or a section is empty. The fix adds it together with the keys that it requires.',
    'unknown-key':
      'Severity: error.\n\nA key that the schema does not know. The closest known keys are offered, or the section that has a key of this name.',
    'wrong-type':
      'Severity: error.\n\nA value of the wrong type: a string where a number belongs, a list where a mapping belongs.',
    'unknown-value':
      'Severity: error.\n\nA value that is not one of those allowed. The closest ones are offered.',
    'out-of-range':
      'Severity: error.\n\nA number outside its limits, or a string or list that is too short or too long.',
  },
  examples: [
    { code: 'missing-key', before: 'model: model.onnx\ndata: {}\n', after: null },
    {
      code: 'unknown-key',
      before: 'model: model.onnx\ndata: {calibration: {images: ./train}}\nquantisation: {preset: mixed}\n',
      after: 'model: model.onnx\ndata: {calibration: {images: ./train}}\nquantization: {preset: mixed}\n',
    },
    {
      code: 'wrong-type',
      before:
        'model: model.onnx\ndata: {calibration: {images: ./train}}\nquantization: {subset_size: "300"}\n',
      after: 'model: model.onnx\ndata: {calibration: {images: ./train}}\nquantization: {subset_size: 300}\n',
    },
    {
      code: 'unknown-value',
      before: 'model: model.onnx\ndata: {calibration: {images: ./train}}\nquantization: {preset: mixd}\n',
      after: 'model: model.onnx\ndata: {calibration: {images: ./train}}\nquantization: {preset: mixed}\n',
    },
    {
      code: 'out-of-range',
      before: 'model: model.onnx\ndata: {calibration: {images: ./train}}\nquantization: {subset_size: 0}\n',
      after: 'model: model.onnx\ndata: {calibration: {images: ./train}}\nquantization: {subset_size: 1}\n',
    },
  ],
});
