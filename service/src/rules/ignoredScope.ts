import { append, type ConfigPath, type ModelNode, type ModelSummary } from '@quantsmith/schemas';
import { staysFloat } from '@quantsmith/model/operators';
import { unsupportedSyntax } from '@quantsmith/model/scope';
import type { ConfigDocument } from '../document/document.js';
import { findEntry, type Span } from '../document/tree.js';
import { isMapping } from '../extends/merge.js';
import type { Code, Finding, Severity } from '../findings/finding.js';
import { FOREIGN_OPERATORS } from '../knowledge/foreignNames.js';
import { bordersOf, stringsOf, type ScopeList, type ScopePath } from '../knowledge/ignoredScope.js';
import { wordsOf, type ModelIndex, type Words } from '../facts/modelIndex.js';
import { createMatcher, patternProblem, type Matcher } from '../knowledge/matching.js';
import { subgraphFindings } from './subgraphs.js';
import { placeOf } from './place.js';
import type { ListMemory } from './listMemory.js';
import { defineRule } from './rule.js';

const SCOPE = ['quantization', 'ignored_scope'] as const;
const OVERRIDES = ['quantization', 'overrides'] as const;

/** A list for another model is not marked name by name to its end. */
const MAX = 100;
/** Names that unknown ones are compared with, all in all, to suggest the nearest. */
const MAX_COMPARED = 20_000;

/** `unknown-node`, `unknown-operator`, `pattern-invalid`, `pattern-unmatched`, `pattern-matches-all`: the ignored scope against the model. */
function ignoredScopeFindings(
  document: ConfigDocument,
  model: ModelSummary | null,
  index: ModelIndex | null,
  { config, lists }: { readonly config: unknown; readonly lists: ListMemory },
): Finding[] {
  const whole = model === null || index === null ? model : { ...model, nodes: index.nodes() };
  const match = whole === null ? null : createMatcher(whole);
  // What matches nothing is an error of a run only where that is wanted.
  const severity: Severity = isValidated(config) ? 'error' : 'warning';
  const scopes = [{ path: SCOPE, severity, isFloat: true }, ...overrideScopes(config)];
  const findings = scopes.flatMap((scope) =>
    scopeFindings(document, scope, { config, lists, model: whole, index, match }),
  );
  if (model !== null && match !== null && findings.length === 0)
    append(findings, everythingIgnored(document, model, match, config));
  const mentions = model === null ? [] : bordersOf(document);
  if (model === null || index === null || mentions.length === 0) return findings;
  const bounds = mentions.map(({ name, node: { start, end } }) => ({ value: name, start, end }));
  const place = { path: [...SCOPE, 'subgraphs'], code: 'unknown-node', what: 'node' } as const;
  const strange = unknown(bounds, { known: index.names(), words: index.words, lists }, place, (value) =>
    tensorNamed(value, model, index),
  );

  return [
    ...findings,
    ...strange.map((finding) => ({ ...finding, severity })),
    ...subgraphFindings(document, model, severity),
  ];
}

/** Where names, patterns and types leave nothing together. */
function everythingIgnored(
  document: ConfigDocument,
  model: ModelSummary,
  match: Matcher,
  config: unknown,
): Finding[] {
  const listed = (key: ScopeList) => textsAt(document, [...SCOPE, key], config).map(({ value }) => value);
  const texts = { names: listed('names'), types: listed('types'), patterns: listed('patterns') };
  if (texts.names.length + texts.types.length + texts.patterns.length === 0) return [];

  const [names, types] = [new Set(texts.names), new Set(texts.types)];
  const left = model.nodes.filter(({ name, op }) => !names.has(name) && !types.has(op));
  // What stands in bodies and functions has names of its own.
  const hasBodies = model.functions.length > 0 || model.nodes.some(({ bodies }) => bodies.length > 0);
  if (left.length === model.nodes.length || hasBodies) return [];

  const matched = texts.patterns.map(match);
  const isMatched = (node: ModelNode) =>
    matched.some((match) => match !== null && 'nodes' in match && match.nodes.includes(node));
  const others = left.filter((node) => !isMatched(node));
  if (!others.every(staysFloat)) return [];
  const all =
    others.length === 0 ? 'every node of the model' : 'every operator of the model that can be quantized';
  const message = `The ignored scope covers ${all}: nothing would be quantized.`;

  return [
    { code: 'pattern-matches-all', severity: 'error', message, ...placeOf(document, SCOPE), path: SCOPE },
  ];
}

/** Lists of names, patterns and types: the ignored scope, or an entry of `overrides`. */
interface Scope {
  readonly path: ScopePath;
  readonly severity: Severity;
  /** What it names is not quantized. */
  readonly isFloat: boolean;
}

function overrideScopes(config: unknown): Scope[] {
  const overrides = valueAt(config, OVERRIDES);
  if (!Array.isArray(overrides)) return [];
  return overrides.map((entry: unknown, index) => ({
    path: [...OVERRIDES, index] as const,
    severity: 'error',
    isFloat: isMapping(entry) && entry['float'] === true,
  }));
}

function scopeFindings(
  document: ConfigDocument,
  scope: Scope,
  known: {
    readonly config: unknown;
    readonly lists: ListMemory;
    readonly model: ModelSummary | null;
    readonly index: ModelIndex | null;
    readonly match: Matcher | null;
  },
): Finding[] {
  const { config, lists, model, index, match } = known;
  const { path } = scope;
  const patterns = textsAt(document, [...path, 'patterns'], config).flatMap((node) =>
    match === null || model === null
      ? invalidPattern(node, path, patternProblem(node.value))
      : patternFinding(node, scope, model, match),
  );

  // Without the model nothing can be said about names.
  if (model === null || index === null) return patterns;
  const list = (key: ScopeList) => textsAt(document, [...path, key], config);
  const namePlace = { path: [...path, 'names'], code: 'unknown-node', what: 'node' } as const;
  const typePlace = { path: [...path, 'types'], code: 'unknown-operator', what: 'operator of type' } as const;
  const strange = [
    ...unknown(list('names'), { known: index.names(), words: index.words, lists }, namePlace, (value) =>
      tensorNamed(value, model, index),
    ),
    ...unknown(
      list('types'),
      { known: index.types(), words: () => wordsOf([...index.types()]), lists },
      typePlace,
      (value) => foreignType(value, index),
    ),
  ].map((finding) => ({ ...finding, severity: scope.severity }));

  return [...strange, ...patterns];
}

function isValidated(config: unknown): boolean {
  const scope = valueAt(config, SCOPE);
  return !isMapping(scope) || scope['validate'] !== false;
}

function valueAt(config: unknown, path: ConfigPath): unknown {
  return (path as readonly (string | number)[]).reduce<unknown>((current, step) => {
    if (Array.isArray(current) && typeof step === 'number') return current[step];
    return isMapping(current) && typeof step === 'string' ? current[step] : null;
  }, config);
}

/** A text of the ignored scope, and where it is shown. */
interface ScopeText extends Span {
  readonly value: string;
  /** Whether it stands in a config that this one extends. */
  readonly inherited?: boolean;
}

/** The texts of a list; those of an inherited list stand on `extends`. */
function textsAt(document: ConfigDocument, path: ConfigPath, config: unknown): readonly ScopeText[] {
  if (findEntry(document.tree, path) !== undefined) return stringsOf(document, path);
  const items = valueAt(config, path);
  const texts = Array.isArray(items) ? items.filter((item) => typeof item === 'string') : [];

  return texts.map((value) => ({ value, ...placeOf(document, path), inherited: true }));
}

function unknown(
  texts: readonly ScopeText[],
  about: {
    readonly known: ReadonlySet<string>;
    readonly words: () => Words;
    readonly lists: ListMemory;
  },
  { path, code, what }: { readonly path: ConfigPath; readonly code: Code; readonly what: string },
  explained: (value: string) => Explained | null = () => null,
): Finding[] {
  const { known, lists } = about;
  const list = path.join('.');
  const values = texts.map(({ value }) => value);
  const strange = lists
    .strangers(list, values, known)
    .slice(0, MAX)
    .flatMap((place) => texts[place] ?? []);
  if (strange.length === 0) return [];

  const words = about.words();
  return strange.map(({ value, start, end, inherited = false }, index) => {
    const other = index * known.size > MAX_COMPARED ? null : explained(value);
    const near = () => (index * known.size > MAX_COMPARED ? [] : lists.nearest(list, value, words));
    const suggestions = other?.suggestions ?? near();
    const hint = suggestions.length > 0 ? ` Did you mean "${suggestions[0]}"?` : '';

    return {
      code,
      severity: 'error',
      message: other?.message ?? `The model has no ${what} "${value}".${hint}`,
      start,
      end,
      path,
      data: inherited ? {} : { suggestions },
    };
  });
}

/** An operator's type by its name in another format, where the model has what it is called here. */
function foreignType(value: string, index: ModelIndex): Explained | null {
  const name = FOREIGN_OPERATORS.get(value.toLowerCase());
  return name === undefined || !index.types().has(name)
    ? null
    : {
        message: `The model has no operator of type "${value}". Did you mean "${name}"?`,
        suggestions: [name],
      };
}

/** What a name is instead, and what is meant by it. */
interface Explained {
  readonly message: string;
  readonly suggestions: readonly string[];
}

/** How shells and other tools mark what is to match several names. */
const LIKE_PATTERN = /^(?:\{re\}|re:)|[*?]/;

/** Tells a pattern's and a tensor's name from a node's; a tensor's with the node that gives it. */
function tensorNamed(value: string, { inputs }: ModelSummary, index: ModelIndex): Explained | null {
  if (LIKE_PATTERN.test(value))
    return {
      message: `The model has no node "${value}": names are exact. Regular expressions go under "patterns".`,
      suggestions: [],
    };
  const node = index.makers().get(value);
  if (node !== undefined)
    return {
      message: `"${value}" is a tensor, not a node: "${node.name}" gives it.`,
      suggestions: [node.name],
    };
  if (!inputs.some(({ name }) => name === value)) return null;

  return { message: `"${value}" is an input of the model, not a node.`, suggestions: [] };
}

/** How a text can be meant that is not a valid regular expression: as it stands, or as shells write it (`*conv*`). */
function invalidPattern(node: ScopeText, path: ScopePath, problem: string | null): Finding[] {
  if (problem === null) return [];
  const { value: pattern, start, end, inherited } = node;
  const literal = pattern.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  const shell = /^[\w/.*-]+$/.test(pattern) ? pattern.replaceAll('.', '\\.').replaceAll('*', '.*') : literal;

  return [
    {
      code: 'pattern-invalid',
      severity: 'error',
      message: `"${pattern}" is not a valid regular expression: ${problem}.`,
      start,
      end,
      path: [...path, 'patterns'],
      // What another engine reads is no literal text.
      data:
        inherited || unsupportedSyntax(pattern) !== null
          ? {}
          : { suggestions: [...new Set([shell, literal])] },
    },
  ];
}

function patternFinding(node: ScopeText, scope: Scope, model: ModelSummary, match: Matcher): Finding[] {
  const { severity } = scope;
  const path = [...scope.path, 'patterns'] as const;
  const { value: pattern, start, end } = node;
  const nodes = match(pattern);
  if (nodes === null) return [];
  if ('problem' in nodes) return invalidPattern(node, scope.path, nodes.problem);
  const matched = nodes.nodes.length;
  if (matched === 0) {
    const message = `"${pattern}" matches no node of the model (patterns are matched from the start of the name).`;
    // Meant may be: anywhere in the name, or whatever the case.
    const meant = [`.*${pattern}`, `(?i)${pattern}`, `(?i).*${pattern}`].find((other) => {
      const others = match(other);
      return others !== null && 'nodes' in others && others.nodes.length > 0;
    });

    const data = meant !== undefined && !node.inherited ? { suggestions: [meant] } : {};
    return [{ code: 'pattern-unmatched', severity, message, start, end, path, data }];
  }

  if (matched < model.nodes.length || !scope.isFloat) return [];
  const message = `"${pattern}" matches every node of the model: nothing would be quantized.`;

  // A run ends with nothing to quantize.
  return [{ code: 'pattern-matches-all', severity: 'error', message, start, end, path }];
}

export const rule = defineRule({
  codes: [
    'unknown-node',
    'unknown-operator',
    'pattern-invalid',
    'pattern-unmatched',
    'pattern-matches-all',
    'subgraph-empty',
  ],
  needs: 'value',
  check: ({ document, model, index, value, lists }) =>
    ignoredScopeFindings(document, model, index, { config: value, lists }),
  suppressible: true,
  sections: {
    'unknown-node':
      'Severity: error.\n\n`ignored_scope.names`, a subgraph, or an entry of `overrides` has a name that no node of the model has. Unnamed nodes are called `<OpType>_<index>`. If a tensor or an input of the model has the name, the message says so; the fix names the node that produces the tensor. This code, `unknown-operator`, `pattern-unmatched` and `subgraph-empty` are warnings if `ignored_scope.validate` is false.',
    'unknown-operator':
      'Severity: error.\n\n`types` of `ignored_scope` or of an entry of `overrides` has an operator type that the model does not use.',
    'pattern-invalid':
      'Severity: error.\n\nA pattern is not a valid regular expression. The dialect is RE2: no look-around, no back-references, linear time.',
    'pattern-unmatched':
      'Severity: error.\n\nA pattern matches no node of the model. Patterns are matched from the start of the name, not anywhere in it.',
    'pattern-matches-all':
      'Severity: error.\n\nA pattern of the ignored scope matches every node of the model, or the ignored scope as a whole covers every operator that can be quantized: a run would end with `nothing-to-quantize`.',
    'subgraph-empty':
      'Severity: error.\n\nNo path of the model leads from the first nodes of a subgraph to its last ones. Not reported for models with `If`, `Loop` or `Scan`.',
  },
  examples: [
    {
      code: 'unknown-node',
      before:
        'model: model.onnx\ndata: {calibration: {images: ./train}}\nquantization:\n  ignored_scope: {names: [Conv_O]}\n',
      after:
        'model: model.onnx\ndata: {calibration: {images: ./train}}\nquantization:\n  ignored_scope: {names: [Conv_0]}\n',
    },
    {
      code: 'unknown-operator',
      before:
        'model: model.onnx\ndata: {calibration: {images: ./train}}\nquantization:\n  ignored_scope: {types: [Convolution]}\n',
      after:
        'model: model.onnx\ndata: {calibration: {images: ./train}}\nquantization:\n  ignored_scope: {types: [Conv]}\n',
    },
    {
      code: 'pattern-invalid',
      before:
        'model: model.onnx\ndata: {calibration: {images: ./train}}\nquantization:\n  ignored_scope: {patterns: ["*conv*"]}\n',
      after:
        'model: model.onnx\ndata: {calibration: {images: ./train}}\nquantization:\n  ignored_scope: {patterns: [".*conv.*"]}\n',
    },
    {
      code: 'pattern-unmatched',
      before:
        'model: model.onnx\ndata: {calibration: {images: ./train}}\nquantization:\n  ignored_scope: {patterns: ["conv"]}\n',
      after:
        'model: model.onnx\ndata: {calibration: {images: ./train}}\nquantization:\n  ignored_scope: {patterns: ["(?i)conv"]}\n',
    },
    {
      code: 'pattern-matches-all',
      before:
        'model: model.onnx\ndata: {calibration: {images: ./train}}\nquantization:\n  ignored_scope: {patterns: [".*"]}\n',
      after: null,
    },
    {
      code: 'subgraph-empty',
      before:
        'model: model.onnx\ndata: {calibration: {images: ./train}}\nquantization:\n  ignored_scope: {subgraphs: [{inputs: [Conv_1], outputs: [Conv_0]}]}\n',
      after: null,
    },
  ],
});
