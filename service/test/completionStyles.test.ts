import fc from 'fast-check';
import {
  type QuantizationReport,
  type SchemaNode,
  configSchema,
  resolveRef,
  type ConfigPath,
  below,
  writtenPath,
} from '@quantsmith/schemas';
import { describe, expect, it } from 'vitest';
import { findNode, resolved, valueOf } from '../src/document/tree.js';
import { complete, completionList } from '../src/features/completion.js';
import { allowedValues } from '../src/knowledge/schema.js';
import { accepted, at, completions, config, CONTEXT, labels } from '../../test/kit/configs.js';
import { listingsOf } from '../../test/kit/facts.js';
import { summary } from '../../test/kit/summary.js';

const node = (name: string, op: string) => ({
  name,
  op,
  constants: op === 'Conv' ? { 1: [8, 3, 3, 3] } : {},
  outputs: [],
});
const model = summary({
  nodes: [
    node('/features/0/Conv', 'Conv'),
    node('/features/0/Relu', 'Relu'),
    node('/features/1/Conv', 'Conv'),
    node('/head/a b', 'Gemm'),
    node('/head/1.5 # x', 'Add'),
  ],
  inputs: [{ name: 'image', type: 'float32', dims: ['n', 3, 32, 32] }],
});
const scope = 'quantization:\n  ignored_scope:\n';

describe('names of the model', () => {
  const report = {
    metric: {
      name: 'top1',
      baseline: 0.9,
      quantized_initial: 0.8,
      higher_is_better: true,
      drop_type: 'absolute',
    },
    restoration: {
      candidates: [
        { operators: ['/head/a b'], output_error: null, drop_alone: 0.04 },
        { operators: ['/features/1/Conv'], output_error: null, drop_alone: 0.09 },
        // Its turn did not come.
        { operators: ['/features/0/Relu'], output_error: null, drop_alone: null },
      ],
      reverted: ['/head/a b'],
    },
    layers: [
      { name: '/features/0/Conv', sqnr_db: 20, restored: false },
      { name: '/head/a b', sqnr_db: 12.34, restored: true },
    ],
  } as unknown as QuantizationReport;
  it('are ranked by what they cost in accuracy, once that is known', () => {
    const items = completions(`${scope}    names:\n      - |`, 'yaml', { model, report, changed: 'config' });
    expect(items.slice(0, 3).map(({ label, detail }) => `${label}: ${detail}`)).toEqual([
      '/head/a b: Gemm, cost 6.00 points, back in float, SQNR 12.3 dB',
      '/features/1/Conv: Conv, cost 1.00 points',
      '/features/0/Conv: Conv, SQNR 20.0 dB',
    ]);
    const stale = labels(`${scope}    names:\n      - |`, 'yaml', { model, report, changed: 'model' });
    expect(stale.slice(0, 2)).toEqual(['/features/0/Conv', '/features/1/Conv']);
  });
  it('that the list has already are left out', () => {
    const names = labels(`${scope}    names:\n      - /features/0/Conv\n      - |`, 'yaml', { model });
    expect(names).toHaveLength(4);
    expect(names).not.toContain('/features/0/Conv');
  });
  it('patterns come with the count of what they match, while they are typed', () => {
    const list = (typed: string) => {
      const { document, position } = at(`${scope}    patterns:\n      - ${typed}|`);
      const { items, isIncomplete } = completionList(document, position, { ...CONTEXT, model });
      return { isIncomplete, said: items.map(({ label, detail }) => `${label}: ${detail}`) };
    };

    expect(list('')).toEqual({
      isIncomplete: true,
      said: ['/head/.*: 2 of 5 nodes', '/features/.*: 3 of 5 nodes', '/features/0/.*: 2 of 5 nodes'],
    });
    expect(list('/.*Conv').said[0]).toBe('/.*Conv: 2 of 5 nodes');
    expect(list('(').said).toHaveLength(3);
  });
});

describe('keys of a section', () => {
  it('are those that are not there, though a line that is being typed hides them from the parser', () => {
    const text = 'quantization:\n  preset: mixed\n  sub|\n  ignored_scope:\n    names:\n      - a\nmodel: m';
    expect(labels(text)).toContain('subset_size');
    expect(labels(text)).not.toEqual(expect.arrayContaining(['ignored_scope']));
    expect(labels(text.replace('preset: mixed', 'pre'))).not.toEqual(
      expect.arrayContaining(['ignored_scope']),
    );
  });
  it('say what a merge key brings in, and no second source is offered beside that', () => {
    const text = 'data:\n  calibration: &c\n    arrays: a.npy\n  validation:\n    <<: *c\n    |';
    const items = completions(text);
    expect(items.find(({ label }) => label === 'arrays')?.detail).toBe('string, merged: a.npy');
    expect(items.map(({ label }) => label)).not.toEqual(expect.arrayContaining(['images']));
  });
  it('a merge key takes the mappings above', () => {
    const text = 'data:\n  calibration: &c\n    arrays: &a a.npy\n  validation:\n    <<: |';
    expect(labels(text)).toEqual(['*c']);
  });
  it('a second source is not offered', () => {
    expect(labels('data:\n  calibration:\n    |')).toEqual(expect.arrayContaining(['images', 'arrays']));
    const more = labels('data:\n  calibration:\n    images: x\n    |');
    expect(more).toContain('preprocess');
    expect(more).not.toEqual(expect.arrayContaining(['arrays']));
  });
});

/** How a document is laid out. */
interface Style {
  indent: number;
  eol: string;
  trailing: string;
  /** Columns of a list's dashes beyond its key. */
  dash: number;
}
const style: fc.Arbitrary<Style> = fc
  .record({
    indent: fc.integer({ min: 2, max: 8 }),
    eol: fc.constantFrom('\n', '\r\n'),
    trailing: fc.constantFrom('', ' ', '   '),
    flush: fc.boolean(),
  })
  .map(({ flush, ...rest }) => ({ ...rest, dash: flush ? 0 : rest.indent }));

const VALUES: { path: ConfigPath; value: unknown }[] = [];
const collect = (schema: SchemaNode, path: ConfigPath) => {
  const given = resolveRef(configSchema, schema);
  for (const { value, replacedBy } of given.properties === undefined ? allowedValues(given) : [])
    if (replacedBy === undefined && !/array|object/.test(String(given.type))) VALUES.push({ path, value });
  for (const [key, child] of Object.entries(given.properties ?? {})) collect(child, below(path, key));
};

collect(configSchema, []);

/** Lines that lead to a path, the last without a value. */
const down = (path: ConfigPath, { indent, trailing }: Style) =>
  path.map(
    (key, level) => `${' '.repeat(indent * level)}${String(key)}:${level < path.length - 1 ? trailing : ''}`,
  );

describe('property: an accepted item stands where the cursor was', () => {
  it('values, whatever was typed, in quotes or not, behind or below the key', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...VALUES),
        style,
        fc.nat(4),
        fc.constantFrom('', '"', "'"),
        fc.constantFrom('space', 'glued', 'below'),
        (target, how, typed, mark, place) => {
          const quote = typeof target.value === 'string' ? mark : '';
          const text = typeof target.value === 'string' ? target.value : JSON.stringify(target.value);
          const lines = down(target.path, how);
          const below = place === 'below' ? `${how.eol}${' '.repeat(how.indent * target.path.length)}` : ' ';
          const before = `${lines.join(how.eol)}${place === 'glued' && quote === '' ? '' : below}`;
          const word = place === 'glued' ? '' : text.slice(0, typed);
          const open = place === 'glued' ? '' : quote;
          const rest = `${open}${how.trailing}${how.eol}model: m${how.eol}`;
          const document = config(`${before}${open}${word}${rest}`);
          const position = document.text.positionAt(before.length + open.length + word.length);
          const item = complete(document, position, CONTEXT).find(({ label }) => label === text);
          expect(item, document.text.getText()).toBeDefined();
          const after = config(accepted(document, item!));
          expect(after.tree.problems).toEqual([]);
          const node = resolved(findNode(after.tree, target.path));
          expect(node?.kind === 'scalar' ? node.value : undefined).toEqual(target.value);
          expect(Object.keys(valueOf(after.tree) as object)).toEqual([target.path[0], 'model']);
        },
      ),
      { numRuns: 600 },
    );
  });

  it('items of lists, in every place of the list, with and without their dash', () => {
    const list = fc.constantFrom('names', 'types', 'patterns');
    fc.assert(
      fc.property(
        list,
        style,
        fc.nat(),
        fc.integer({ min: 0, max: 3 }),
        fc.nat(3),
        fc.constantFrom('- ', '-', ''),
        fc.nat(3),
        (key, how, pick, count, index, mark, typed) => {
          // At the column of the list's key a word can only be another key.
          const dash = how.dash === 0 ? '- ' : mark;
          const path = writtenPath(['quantization', 'ignored_scope', key]);
          const own = Array.from({ length: count }, (_, i) => `zz${i}`);
          const space = ' '.repeat(how.indent * 2 + how.dash);
          const items = own.map((item) => `${space}- ${item}${how.trailing}`);
          const row = Math.min(index, count);
          // A word without its dash goes on with the item above.
          const letters = dash === '- ' ? typed : 0;
          const choose = (word: string) => {
            const head = down(path, how);
            const lines = [
              ...head,
              ...items.slice(0, row),
              `${space}${dash}${word}`,
              ...items.slice(row),
              'model: m',
            ];
            const document = config(lines.join(how.eol));
            const position = { line: head.length + row, character: space.length + dash.length + word.length };
            return { document, items: complete(document, position, { ...CONTEXT, model }) };
          };

          const names = choose('').items.map(({ label }) => label);
          const name = names[pick % names.length]!;
          const { document, items: offered } = choose(name.slice(0, letters).replace(/\s.*/, ''));
          const item = offered.find(({ label }) => label === name)!;
          const after = config(accepted(document, item));
          const value = valueOf(after.tree) as { quantization: { ignored_scope: Record<string, string[]> } };
          expect(after.tree.problems, after.text.getText()).toEqual([]);
          expect(value.quantization.ignored_scope[key], after.text.getText()).toEqual(
            own.toSpliced(row, 0, name),
          );
          expect(value).toHaveProperty('model', 'm');
        },
      ),
      { numRuns: 600 },
    );
  });

  it('keys behind tabs, each of which is one level', () => {
    fc.assert(
      fc.property(style, fc.integer({ min: 1, max: 3 }), fc.nat(3), (how, depth, typed) => {
        const deepest = ['quantization', 'advanced_parameters', 'weights_quantization_params'];
        const path = writtenPath(deepest.slice(0, depth));
        const key = ['subset_size', 'overflow_fix', 'num_bits'][depth - 1]!;
        const lines = [...down(path, how), '\t'.repeat(depth) + key.slice(0, typed), 'model: m'];
        const document = config(lines.join(how.eol));
        const position = { line: depth, character: depth + typed };
        const item = complete(document, position, CONTEXT).find(({ label }) => label === key);
        const after = config(accepted(document, item!));
        const parent = resolved(findNode(after.tree, path));
        const keys = parent?.kind === 'mapping' ? parent.entries.map((entry) => entry.key) : [];
        expect(keys, after.text.getText()).toEqual([key]);
      }),
    );
  });
});

describe('skeletons', () => {
  const folder = '/project';
  const files = [
    'train/1.jpg',
    'val/cats/1.png',
    'val/dogs/1.png',
    'data/calibration.npy',
    'data/validation.npy',
    'data/validation-labels.npy',
    'sets/test_data_set_0/input_0.pb',
  ];
  const context = { ...CONTEXT, baseDir: folder, model, listings: listingsOf(folder, files) };

  it('and files follow the folders; a config does not extend itself', () => {
    // The config of these tests lies at /folder/test.quant.yaml.
    const there = {
      ...context,
      baseDir: '/folder',
      listings: listingsOf('/folder', ['calibration/1.jpg', 'base.yaml', 'test.quant.yaml']),
    };
    expect(labels('data:\n  |', 'yaml', there)).toContain('calibration: images ./calibration');
    expect(labels('data: {calibration: {images: |', 'yaml', there)).toEqual(['./calibration']);
    expect(labels('extends: |', 'yaml', there)).toEqual(['base.yaml', 'calibration']);
  });

  it('fit the files that are there, and the model', () => {
    expect(labels('data:\n  |', 'yaml', context).filter((label) => label.includes(':'))).toEqual([
      'calibration: images ./train',
      'calibration: arrays ./data/calibration.npy',
      'calibration: tensors ./sets',
      'calibration: images ./val',
      'calibration: arrays ./data/validation.npy',
      'validation: images ./val',
      'validation: arrays ./data/validation.npy',
      'validation: tensors ./sets',
      'validation: images ./train',
      'validation: arrays ./data/calibration.npy',
    ]);
    const { document, position } = at('data:\n    |\nmodel: m\n');
    const take = (label: string) =>
      accepted(
        document,
        complete(document, position, context).find((item) => item.label === label)!,
      );
    expect(take('calibration: images ./train')).toBe(
      'data:\n    calibration:\n      images: ./train\n      preprocess:\n        resize: [32, 32]\n        color: rgb\n        normalize: imagenet\n        layout: nchw\nmodel: m\n',
    );
    expect(take('validation: arrays ./data/validation.npy')).toMatch(
      /arrays: \.\/data\/validation\.npy\n +labels: \.\/data\/validation-labels\.npy\n/,
    );
  });

  it('property: stand where the cursor was, in every style, in YAML and JSON', () => {
    fc.assert(
      fc.property(style, fc.constantFrom(0, 1), fc.nat(), fc.nat(3), (how, level, pick, typed) => {
        const before = level === 0 ? [] : ['data:'];
        const space = ' '.repeat(how.indent * level);
        const choose = (word: string) => {
          const document = config([...before, `${space}${word}`, 'model: m', ''].join(how.eol));
          const position = { line: level, character: space.length + word.length };
          return { document, items: complete(document, position, context) };
        };

        const fitting = choose('').items.filter(({ kind }) => kind === 15);
        const wanted = fitting[pick % fitting.length]!;
        const { document, items } = choose(wanted.filterText!.slice(0, typed));
        const item = items.find(({ label }) => label === wanted.label)!;
        const text = accepted(document, item);
        expect(text.replaceAll(how.eol, '')).not.toMatch(/[\r\n]/);
        const yaml = valueOf(config(text).tree) as { data: Record<string, unknown>; model: string };
        const json = config(level === 0 ? '{ "model": "m" }' : '{"model": "m", "data": { }}', 'json');
        const place = json.text.positionAt(level === 0 ? 1 : json.text.getText().indexOf('{ }') + 1);
        const same = complete(json, place, context).find(({ label }) => label === wanted.label)!;
        const other = config(accepted(json, same), 'json');
        expect(other.tree.problems).toEqual([]);
        expect(valueOf(other.tree)).toEqual(yaml);
        expect(yaml.model).toBe('m');
        expect(Object.keys(yaml.data).length).toBeGreaterThan(0);
      }),
      { numRuns: 300 },
    );
  });
});
