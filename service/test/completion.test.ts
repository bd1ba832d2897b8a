import fc from 'fast-check';
import { configSchema, resolveRef, type SchemaNode, below, type ConfigPath } from '@quantsmith/schemas';
import { describe, expect, it } from 'vitest';
import { findEntry, findNode, resolved, valueOf } from '../src/document/tree.js';
import { complete } from '../src/features/completion.js';
import { summary } from '../../test/kit/summary.js';
import { accepted, at, completions, config, CONTEXT, labels, type Language } from '../../test/kit/configs.js';

/** The text after the item with this label was accepted. */
function after(marked: string, label: string, language: Language = 'yaml', snippets = false): string {
  const { document } = at(marked, language);
  const item = completions(marked, language, { snippets }).find((candidate) => candidate.label === label);
  if (item === undefined) throw new Error(`no item ${label}: ${labels(marked, language).join(', ')}`);
  return accepted(document, item);
}

/** A key that no section has. */
const FIRST: string = 'zz_first';

describe('keys', () => {
  it('come with the required ones first, without those that are there', () => {
    expect(labels('|').slice(0, 2)).toEqual(['model', 'data']);
    expect(labels('model: a.onnx\n|')).not.toContain('model');
  });
  it.each([
    ['|', 'model', 'model: '],
    ['mod|', 'model', 'model: '],
    ['mod|: a.onnx', 'model', 'model: a.onnx'],
    ['|', 'data', 'data:\n  '],
    [
      'quantization:\n    preset: mixed\n    |',
      'ignored_scope',
      'quantization:\n    preset: mixed\n    ignored_scope:\n        ',
    ],
    [
      'quantization:\n  ignored_scope:\n    |',
      'names',
      'quantization:\n  ignored_scope:\n    names:\n      - ',
    ],
    ['quantization:\r\n  pre|\r\nmodel: x\r\n', 'preset', 'quantization:\r\n  preset: \r\nmodel: x\r\n'],
    ['quantization: {pre|}', 'preset', 'quantization: {preset: }'],
    ['quantization: {subset_size: 3, |}', 'preset', 'quantization: {subset_size: 3, preset: }'],
    // Indentation that would open another mapping is mended.
    [
      'quantization:\n    preset: mixed\n  sub|',
      'subset_size',
      'quantization:\n    preset: mixed\n    subset_size: ',
    ],
    [
      'quantization:\n  preset: mixed\n\tsub|',
      'subset_size',
      'quantization:\n  preset: mixed\n  subset_size: ',
    ],
    [
      'quantization:\n  ignored_scope:\n    subgraphs:\n      - |',
      'inputs',
      'quantization:\n  ignored_scope:\n    subgraphs:\n      - inputs:\n          - ',
    ],
    [
      'quantization:\n  ignored_scope:\n    subgraphs:\n    - inputs: [a]\n      |',
      'outputs',
      'quantization:\n  ignored_scope:\n    subgraphs:\n    - inputs: [a]\n      outputs:\n        - ',
    ],
  ])('%j + %s', (marked, label, expected) => expect(after(marked, label)).toBe(expected));

  it('are not offered below a value, in comments and in other texts', () => {
    expect(labels('quantization:\n  preset: mixed\n    |')).toEqual([]);
    expect(labels('# mod|')).toEqual([]);
    expect(labels('model: |\ndata: {}').filter((label) => label === 'data')).toEqual([]);
  });
});

describe('values', () => {
  it.each([
    ['quantization:\n  preset: |', 'mixed', 'quantization:\n  preset: mixed'],
    ['quantization:\n  preset:|', 'mixed', 'quantization:\n  preset: mixed'],
    ['quantization:\n  preset: perf| # why', 'mixed', 'quantization:\n  preset: mixed # why'],
    ['quantization:\n  preset: |# why', 'mixed', 'quantization:\n  preset: mixed # why'],
    ['quantization:\n  preset: "per|"', 'mixed', 'quantization:\n  preset: "mixed"'],
    ["quantization:\n  preset: 'per|'", 'mixed', "quantization:\n  preset: 'mixed'"],
    ['quantization:\n  preset:\n    |', 'mixed', 'quantization:\n  preset:\n    mixed'],
    ['quantization: {preset: |}', 'mixed', 'quantization: {preset: mixed}'],
    ['quantization:\n  fast_bias_correction: |', 'false', 'quantization:\n  fast_bias_correction: false'],
    [
      'data:\n  calibration: {preprocess: &p {scale: 255}}\n  validation: {preprocess: |}',
      '*p',
      'data:\n  calibration: {preprocess: &p {scale: 255}}\n  validation: {preprocess: *p}',
    ],
  ])('%j + %s', (marked, label, expected) => expect(after(marked, label)).toBe(expected));

  it('say which is the default and mark old spellings', () => {
    const items = completions('quantization:\n  advanced_parameters:\n    overflow_fix: |');
    expect(items.find((item) => item.label === 'first_layer_only')?.tags).toEqual([1]);
    expect(completions('quantization:\n  preset: |')[0]).toMatchObject({
      label: 'performance',
      detail: 'default',
    });
  });
});

describe('JSON', () => {
  it.each([
    ['{|}', 'model', '{"model": ""}'],
    ['{"mo|"}', 'model', '{"model": ""}'],
    ['{"model": "a", "quan|"}', 'quantization', '{"model": "a", "quantization": {}}'],
    ['{"model": "a" |}', 'data', '{"model": "a", "data": {}}'],
    ['{\n  |\n  "model": "a"\n}', 'data', '{\n  "data": {},\n  "model": "a"\n}'],
    ['{"quantization": {"preset": |}}', 'mixed', '{"quantization": {"preset": "mixed"}}'],
    ['{"quantization": {"preset": "|"}}', 'mixed', '{"quantization": {"preset": "mixed"}}'],
    ['{"quantization": {"preset":|', 'mixed', '{"quantization": {"preset": "mixed"'],
    [
      '{"quantization": {"ignored_scope": {"validate": tr|}}}',
      'true',
      '{"quantization": {"ignored_scope": {"validate": true}}}',
    ],
  ])('%j + %s', (marked, label, expected) => expect(after(marked, label, 'json')).toBe(expected));
});

describe('the model', () => {
  const model = {
    nodes: [
      { name: 'add', op: 'Add', constants: {}, outputs: ['sum'] },
      { name: '/a b/Conv', op: 'Conv', constants: { 1: [8, 3, 3, 3] }, outputs: ['/a b/Conv_output_0'] },
    ],
  } as never;
  it('gives names (those with weights first) and operator types', () => {
    const scope = 'quantization:\n  ignored_scope:\n';
    expect(labels(`${scope}    names:\n      - |`, 'yaml', { model })).toEqual(['/a b/Conv', 'add', 'sum']);
    const tensor = completions(`${scope}    names: [|]`, 'yaml', { model }).at(-1)!;
    expect(tensor).toMatchObject({
      label: 'sum',
      filterText: 'sum',
      detail: 'the tensor that add (Add) gives',
      textEdit: { newText: 'add' },
    });
    expect(labels(`${scope}    types: [|]`, 'yaml', { model })).toEqual(['Add', 'Conv']);
    const marked = `${scope}    names:\n      |`;
    const item = completions(marked, 'yaml', { model })[0]!;
    expect(accepted(at(marked).document, item)).toBe(`${scope}    names:\n      - "/a b/Conv"`);
  });
});

// Whatever the style of the document: an accepted item lands where the cursor stood, and nothing else changes.
interface Style {
  indent: number;
  eol: string;
  trailing: string;
  comment: boolean;
}
const style: fc.Arbitrary<Style> = fc.record({
  indent: fc.integer({ min: 1, max: 8 }),
  eol: fc.constantFrom('\n', '\r\n'),
  trailing: fc.constantFrom('', ' ', '   '),
  comment: fc.boolean(),
});

type Value = { [key: string]: Value } | string | number | boolean | null;
const MAPPINGS: ConfigPath[] = [];
const collect = (schema: SchemaNode, path: ConfigPath) => {
  const node = resolveRef(configSchema, schema);
  if (node.properties === undefined) return;
  if ([node.type ?? 'object'].flat().includes('object')) MAPPINGS.push(path);
  for (const [key, child] of Object.entries(node.properties)) collect(child, below(path, key));
};

collect(configSchema, []);

/** A config with a mapping at `path` that holds one scalar, and some neighbours before and behind on every level. */
function skeleton(path: ConfigPath): Value {
  const inner: Value = { zz_first: 1 };
  return [...path].reverse().reduce<Value>((value, key) => ({ aa: 'x', [key]: value, zz: true }), inner);
}

function print(value: Value, { indent, eol, trailing, comment }: Style, level = 0): string[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, child]) => {
    const space = ' '.repeat(indent * level);
    const note = comment ? '# note' : '';
    return typeof child === 'object' && child !== null
      ? [
          `${space}${key}:${note === '' ? trailing : ` ${note}`}`,
          ...print(child, { indent, eol, trailing, comment }, level + 1),
        ]
      : [`${space}${key}: ${String(child)}${trailing}${note === '' ? '' : ` ${note}`}`];
  });
}

describe('property: an accepted key', () => {
  it('lands in the mapping of the cursor, in every block style', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...MAPPINGS),
        style,
        fc.nat(),
        fc.nat(3),
        fc.boolean(),
        (path, how, pick, typed, first) => {
          const lines = print(skeleton(path), how);
          const target = lines.findIndex((line) => line.includes('zz_first'));
          const line = first ? target : target + 1;
          const space = ' '.repeat(how.indent * path.length);
          const choose = (word: string) => {
            const text = [...lines.slice(0, line), `${space}${word}`, ...lines.slice(line)].join(how.eol);
            const document = config(text);
            return {
              document,
              items: complete(document, { line, character: space.length + word.length }, CONTEXT),
            };
          };

          const names = choose('').items.map((item) => item.label);
          const name = names[pick % names.length]!;
          const { document, items } = choose(name.slice(0, typed));
          const item = items.find((candidate) => candidate.label === name)!;
          const result = config(accepted(document, item));
          expect(findEntry(result.tree, below(path, name))).toBeDefined();
          const rest = resolved(findNode(result.tree, path));
          if (rest?.kind !== 'mapping') throw new Error('no mapping');
          rest.entries.splice(
            rest.entries.findIndex((entry) => entry.key === name),
            1,
          );
          expect(valueOf(result.tree)).toEqual(skeleton(path));
        },
      ),
      { numRuns: 400 },
    );
  });

  it('lands in the object of the cursor in JSON', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...MAPPINGS),
        fc.nat(),
        fc.nat(8),
        fc.boolean(),
        fc.boolean(),
        (path, pick, indent, first, typed) => {
          const text = JSON.stringify(skeleton(path), null, indent);
          const entry = findEntry(config(text, 'json').tree, below(path, FIRST))!;
          const offset = first ? entry.start : entry.end;
          const choose = (word: string) => {
            const document = config(`${text.slice(0, offset)} ${word} ${text.slice(offset)}`, 'json');
            const position = document.text.positionAt(offset + 1 + Math.max(0, word.length - 1));
            return { document, items: complete(document, position, CONTEXT) };
          };

          const names = choose('').items.map((item) => item.label);
          const name = names[pick % names.length]!;
          const { document, items } = choose(typed ? `"${name.slice(0, 2)}"` : '');
          const item = items.find((candidate) => candidate.label === name)!;
          const result = config(accepted(document, item), 'json');
          expect(findEntry(result.tree, below(path, name))).toBeDefined();
          const found = findEntry(result.tree, below(path, FIRST));
          expect(found?.value).toMatchObject({ kind: 'scalar', value: 1 });
        },
      ),
      { numRuns: 300 },
    );
  });

  it('never throws, wherever the cursor is and however broken the text', () => {
    const piece = fc.constantFrom(
      'model',
      'quantization',
      ':',
      ' ',
      '  ',
      '\n',
      '- ',
      '{',
      '}',
      '[',
      ']',
      '"',
      "'",
      ',',
      '# x',
      '&a',
      '*a',
      '<<: ',
      '|',
      '\t',
      '\r\n',
      'preset',
      '---\n',
      '!t ',
      '? ',
      'é😀',
    );
    fc.assert(
      fc.property(
        fc.array(piece, { maxLength: 30 }),
        fc.nat(),
        fc.constantFrom<Language>('yaml', 'json'),
        (pieces, seed, language) => {
          const text = pieces.join('');
          const document = config(text, language);
          complete(document, document.text.positionAt(seed % (text.length + 1)), CONTEXT);
        },
      ),
      { numRuns: 3000 },
    );
  });
});

describe('behind the key of a mapping', () => {
  const model = summary({
    nodes: [{ name: 'c', op: 'Conv' }],
    inputs: [{ name: 'x', type: 'float32', dims: [1, 3, 224, 224] }],
    outputs: [{ name: 'y', type: 'float32', dims: [1, 1000] }],
  });
  const chosen = (marked: string, label: RegExp | string, language: Language = 'yaml', snippets = false) => {
    const item = completions(marked, language, { model, snippets }).find((one) =>
      typeof label === 'string' ? one.label === label : label.test(one.label),
    );
    return item === undefined ? undefined : accepted(at(marked, language).document, item);
  };

  it.each([
    [
      'data:\n  calibration:\n    images: x\n    preprocess: |\n    limit: 3\n',
      'resize',
      'data:\n  calibration:\n    images: x\n    preprocess:\n      resize: \n    limit: 3\n',
    ],
    ['data:\n  calibration: |\n', 'images', 'data:\n  calibration:\n    images: \n'],
    ['quantization: ad|\n', 'advanced_parameters', 'quantization:\n  advanced_parameters:\n    \n'],
    [
      'quantization: |\n    preset: mixed\n',
      'subset_size',
      'quantization:\n    subset_size: \n    preset: mixed\n',
    ],
    ['quantization: {ignored_scope: |}\n', 'names', 'quantization: {ignored_scope: {names: }}\n'],
    ['task: &t |\n', 'type', 'task: &t\n  type: \n'],
    ['accuracy_control: |# soon\n', 'metric', 'accuracy_control:\n  metric:  # soon\n'],
    ['matrix: |\n', 'quantization.preset', 'matrix:\n  quantization.preset:\n    - \n'],
  ])('%j offers its keys: %s', (marked, label, expected) => expect(chosen(marked, label)).toBe(expected));

  it('offers them in JSON, and without those that are there', () => {
    expect(chosen('{"quantization": |}', 'preset', 'json')).toBe('{"quantization": {"preset": }}');
    expect(chosen('{"quantization": |}', 'preset', 'json', true)).toBe('{"quantization": {"preset": $0}}');
    expect(labels('quantization: |\n  preset: mixed\n')).not.toContain('preset');
    // What begins otherwise is no mapping of keys.
    expect(labels('quantization: "|"\n')).not.toContain('preset');
  });

  it('offers what fits the model whole, before the keys', () => {
    const section = 'data:\n  calibration:\n    images: x\n    preprocess: ';
    expect(completions(`${section}|\n`, 'yaml', { model })[0]?.label).toMatch(/224/);
    expect(chosen(`${section}|\n`, /224/)).toMatch(/preprocess:\n {6}resize: 256\n {6}center_crop: 224\n/);
    expect(chosen('data: {calibration: {images: x, preprocess: |}}\n', /224/)).toContain(
      'preprocess: {resize: 256, ',
    );
  });

  it('has something for every key that takes a mapping', () => {
    const mappings = (path: ConfigPath, node: SchemaNode): ConfigPath[] =>
      Object.entries(node.properties ?? {}).flatMap(([key, child]) => {
        const inner = resolveRef(configSchema, child);
        const place = below(path, key);
        return inner.properties === undefined ? [] : [place, ...mappings(place, inner)];
      });
    const places = mappings([], configSchema);
    expect(places.length).toBeGreaterThan(20);
    for (const place of places) {
      const text = place.map((key, depth) => `${'  '.repeat(depth)}${String(key)}:`).join('\n');
      expect(labels(`${text} |\n`), text).not.toEqual([]);
    }
  });
});
