import { describe, expect, it } from 'vitest';
import { inlayHints } from '../src/features/inlayHints.js';
import { NO_SECTION_FACTS, type EntryKind } from '../src/facts/facts.js';
import { findAll } from '../src/rules/all.js';
import { config } from '../../test/kit/configs.js';
import { facts } from '../../test/kit/facts.js';
import { summary } from '../../test/kit/summary.js';
import { fixed, found, HEAD, model, NOTHING, scope } from './ruleKit.js';

describe('findings that follow from the model or its data', () => {
  it('hold overrides to the model, and tell what has no effect in them', () => {
    const text = `${HEAD}quantization:
  overrides:
    - {names: [/stem/Con, features], num_bits: 4}
    - {types: [Sub], float: true, mode: symmetric}
    - {patterns: ['(', 'x.*', '.*'], num_bits: 16}
    - {names: [/add], half_range: true, num_bits: 4}
    - {names: [/add]}
    - {num_bits: 4}
`;
    expect(found(text, { model })).toEqual([
      'unknown-node /stem/Con',
      'unknown-node features',
      'unknown-operator Sub',
      'dead-setting mode',
      "pattern-invalid '('",
      "pattern-unmatched 'x.*'",
      'no-integer-kernel num_bits',
      'dead-setting half_range',
      'dead-setting {names: [/add]}',
      'dead-setting {num_bits: 4}',
    ]);
    expect(fixed(text, 'unknown-node', { model })).toContain('names: [/stem/Conv, features]');
    expect(fixed(text, 'dead-setting', { model })).toContain('{types: [Sub], float: true}');
  });
  const layers = summary({
    inputs: [{ name: 'x', type: 'float32', dims: [1, 4] }],
    nodes: [
      {
        ...{ name: 'turn', op: 'Transpose', inputs: ['w'], outputs: ['wt'] },
        ...{ constants: { 0: [4, 4] }, floatConstants: [0] },
      },
      { name: 'product', op: 'MatMul', inputs: ['x', 'wt'], outputs: ['a'] },
      { name: 'relu', op: 'Relu', inputs: ['a'], outputs: ['b'] },
      { name: 'shape', op: 'Shape', inputs: ['b'], outputs: ['s'] },
      { name: 'part', op: 'Slice', inputs: ['s'], outputs: ['to'] },
      { name: 'reshape', op: 'Reshape', inputs: ['b', 'to'], outputs: ['c'] },
      { name: 'same', op: 'Identity', inputs: ['c'], outputs: ['d'] },
      { name: 'call', op: 'Block', domain: 'own', inputs: ['d'], outputs: ['e'] },
      {
        ...{ name: 'if', op: 'If', inputs: ['e'], outputs: ['y'] },
        bodies: summary({ nodes: [{ name: 'inner', op: 'MatMul' }] }).nodes,
      },
    ],
    functions: [
      { domain: 'own', name: 'Block', nodes: summary({ nodes: [{ name: 'mm', op: 'MatMul' }] }).nodes },
    ],
  });
  const idle = (entries: string, more = '') => {
    const document = config(`${HEAD}quantization: {${more}overrides: [${entries}]}\n`);
    const { findings } = findAll(document, { ...NOTHING, model: layers });
    const own = findings.filter(({ path }) => path[0] === 'quantization');
    return own.map(({ code, path, message }) => `${code} ${path.at(-1)}: ${message}`);
  };

  const saying = (place: number, reason: string) =>
    `dead-setting ${place}: This entry has no effect: its operators ${reason}.`;
  it.each([
    ['{types: [Relu, Reshape], num_bits: 4, mode: symmetric}', '', 0, 'are never quantized themselves'],
    ['{types: [MatMul], num_bits: 4}', 'ignored_scope: {types: [MatMul]}, ', 0, 'are in ignored_scope'],
    [
      '{names: [call/mm], num_bits: 4}',
      "ignored_scope: {patterns: ['call/.*']}, ",
      0,
      'are in ignored_scope',
    ],
    ['{names: [inner], float: true}', 'ignored_scope: {types: [MatMul]}, ', 0, 'are in ignored_scope'],
    [
      '{types: [MatMul], float: true}, {names: [product, inner, call/mm], num_bits: 4}',
      ...(['', 1, 'stay in float because of another entry'] as const),
    ],
    [
      '{names: [product], num_bits: 4, per_channel: false}, {types: [MatMul], num_bits: 8}, {patterns: [p], per_channel: true}',
      ...(['', 0, 'are set by later entries'] as const),
    ],
    ['{names: [product], float: true}, {types: [MatMul], float: false}', '', 0, 'are set by later entries'],
    [
      '{names: [product, relu], num_bits: 4}',
      ...([
        'ignored_scope: {names: [product]}, ',
        0,
        'are in ignored_scope or are never quantized themselves',
      ] as const),
    ],
  ] as const)('tell an entry of overrides that does nothing: %s %s', (entries, more, place, reason) => {
    expect(idle(entries, more)).toEqual([saying(place, reason)]);
    const text = `${HEAD}quantization: {${more}overrides: [${entries}]}\n`;
    expect(found(text), 'without the model').toEqual([]);
  });
  it.each([
    ['one of its operators', '{types: [Relu, MatMul], num_bits: 4}'],
    ['that a weight is turned by', '{types: [Transpose], num_bits: 4}'],
    [
      'that the runtime folds or a run drops',
      '{names: [part], num_bits: 4}, {types: [Identity], num_bits: 4}',
    ],
    ['that holds or calls others', '{names: [if], num_bits: 4}, {names: [call], num_bits: 4}'],
    ['inside others', '{names: [inner], num_bits: 4}, {names: [call/mm], num_bits: 4}'],
    ['that quantizers pass through', '{types: [Reshape], float: true}'],
    ['set by a later entry in part', '{types: [MatMul], num_bits: 4}, {names: [product], num_bits: 8}'],
    [
      'no longer in float',
      '{types: [MatMul], float: true}, {names: [inner], float: false}, {types: [MatMul], num_bits: 4}',
    ],
  ])('say nothing of an entry of overrides for what may change: %s', (_, entries) => {
    expect(idle(entries)).toEqual([]);
  });
  it.each([
    [
      '{types: [MatMul], num_bits: 4, mode: symmetric}, {types: [MatMul], num_bits: 8}',
      ['num_bits has no effect: its operators are set by later entries.'],
    ],
    [
      '{types: [MatMul], float: true, num_bits: 4}, {types: [MatMul], float: false}',
      ['float has no effect: its operators are set by later entries.'],
    ],
    ['{names: [product, inner], num_bits: 4, mode: symmetric}, {names: [product], num_bits: 8}', []],
  ])('tell a setting of an entry that later ones overwrite everywhere: %s', (entries, messages) => {
    expect(idle(entries)).toEqual(
      messages.map((message) => `dead-setting ${message.split(' ')[0]!}: ${message}`),
    );
  });
  it('have a fix that takes such an entry out of its list, but the last one', () => {
    const text = (list: string) => `${HEAD}quantization:\n  overrides:\n${list}`;
    const idleEntry = '    - types: [Relu]\n      num_bits: 4\n';
    const other = '    - {types: [MatMul], num_bits: 4}\n';
    for (const list of [idleEntry + other, other + idleEntry])
      expect(fixed(text(list), 'dead-setting', { model: layers })).toBe(text(other));
    expect(fixed(text(idleEntry), 'dead-setting', { model: layers }, /^Remove the entry$/)).toBe(HEAD);
  });
  it('are told once of a text that aliases bring to several keys', () => {
    const text = `model: m
data:
  calibration: &c {arrays: no.npy, preprocess: {color: RGB}}
  validation: {<<: *c, labels: l.npy}
quantization: {colour: 1, color: 2}
`;
    expect(
      found(text, {
        baseDir: '/no/such',
        facts: facts({
          kinds: new Map(['m', 'no.npy', 'l.npy'].map((name) => [`/no/such/${name}`, 'missing'] as const)),
        }),
      }),
    ).toEqual([
      'model-missing m',
      'file-missing no.npy',
      'unknown-value RGB',
      'file-missing l.npy',
      'unknown-key colour',
      'unknown-key color',
    ]);
  });
  it('leave out what follows from others: keys that were not read, what YAML 1.1 makes of a wrong value', () => {
    expect(found(`${HEAD}quantization:\n  pre\n  subset_size: 3\n`)).toEqual(['syntax pre']);
    expect(found(`${HEAD}quantization: {fast_bias_correction: no}`)).toEqual(['wrong-type no']);
  });
  it('tell tensors and inputs from nodes', () => {
    const document = config(scope('names: [features, image, other]'));
    const { findings } = findAll(document, { ...NOTHING, model });
    expect(findings.map(({ message }) => message)).toEqual([
      '"features" is a tensor, not a node: "/stem/Conv" gives it.',
      '"image" is an input of the model, not a node.',
      'The model has no node "other".',
    ]);
  });
  it('of a name that an alias brings stand on the alias, as its count does', () => {
    const text = `output: &a other
${scope('{names: [*a, *a], types: [&t Conv, *t]}')}`;
    expect(found(text, { model })).toEqual([
      'unknown-node *a',
      'unknown-node *a',
      'ignored-already *a',
      'ignored-already *t',
    ]);
    expect(fixed(text, 'ignored-already', { model })).toBe(text.replace('*a, *a', '*a'));
    const hints = inlayHints(
      config(text),
      { start: { line: 0, character: 0 }, end: { line: 9, character: 0 } },
      { model, config: null },
    );
    expect(hints.map(({ label }) => label)).toEqual(['1 node', '1 node']);
  });
  it('tell subgraphs that lead nowhere, by names or by the model', () => {
    const line = (name: string, input: string, output: string) => ({
      name,
      op: 'Gemm',
      inputs: [input],
      outputs: [output],
    });
    const inputs = [{ name: 'x', type: 'float32', dims: [1] }];
    const chain = { inputs, nodes: [line('a', 'x', 'p'), line('b', 'p', 'q'), line('c', 'q', 'y')] };
    const told = (subgraph: string, more = '') =>
      found(scope(`{subgraphs: [${subgraph}]${more}}`), { model: summary(chain) });
    expect(told('{inputs: [a], outputs: [c]}')).toEqual([]);
    expect(told('{inputs: [c], outputs: [a]}')).toEqual(['subgraph-empty {inputs: [c], outputs: [a]}']);
    expect(told('{inputs: [a, d], outputs: [c]}')).toEqual(['unknown-node d']);
    const control = { ...chain, nodes: [...chain.nodes, { name: 'i', op: 'If', inputs: [], outputs: [] }] };
    expect(found(scope('{subgraphs: [{inputs: [c], outputs: [a]}]}'), { model: summary(control) })).toEqual(
      [],
    );
  });
  it('are warnings of what matches nothing where validate is false', () => {
    const severities = (more: string) =>
      findAll(config(scope(`{names: [x], types: [X], patterns: [x]${more}}`)), {
        ...NOTHING,
        model,
      }).findings.map(({ severity }) => severity);
    expect(severities('')).toEqual(['error', 'error', 'error']);
    expect(severities(', validate: false')).toEqual(['warning', 'warning', 'warning']);
  });
  it('tell sources that cannot feed the model', () => {
    const [image, state] = ['image', 'state'].map((name) => ({
      ...{ name, type: 'float32', dims: [1, 3, 'h', 'w'] },
    }));
    const several = { ...model, inputs: [image, state] } as never;
    const single = { ...model, inputs: [image] } as never;
    const told = (source: string, names: readonly string[] | null, given = several) =>
      findAll(config(`model: m\ndata: {calibration: {${source}}}\n`), {
        ...NOTHING,
        model: given,
        facts: facts({
          calibration: {
            ...NO_SECTION_FACTS,
            members: names === null ? null : new Map(names.map((name) => [name, null])),
          },
        }),
      }).findings.map(({ code, message }) => `${code} ${message}`);
    expect(told('images: x', null)).toEqual([
      'data-inputs The model has 2 inputs (image, state); images can feed only one.',
    ]);
    expect(told('arrays: a.npy', null)).toHaveLength(1);
    expect(told('arrays: a.npz', ['image', 'sr'])).toEqual([
      'data-inputs "a.npz" has no array for the input "state" of the model; it has image, sr.',
    ]);
    expect([told('arrays: a.npz', null), told('arrays: a.npz', ['state', 'image'])]).toEqual([[], []]);
    expect([told('images: x', null, single), told('loader: l.mjs', null)]).toEqual([[], []]);
  });
  it('tell folders from files', () => {
    const document = config('model: .\ndata: {calibration: {images: .}, validation: {arrays: .}}\n');
    const { findings } = findAll(document, {
      ...NOTHING,
      baseDir: '/',
      facts: facts({ kinds: new Map([['/', 'folder']]) }),
    });
    expect(findings.map(({ code, message }) => `${code} ${message}`)).toEqual([
      'model-missing "." is a folder, not a file.',
      'file-missing "." is a folder, not a file.',
    ]);
  });
  it('tell devices and pipes from files, and say nothing of what is not known', () => {
    const document = config('model: m\ndata: {calibration: {arrays: pipe.npy}}\n');
    const told = (kinds: ReadonlyMap<string, EntryKind>) =>
      findAll(document, { ...NOTHING, baseDir: '/a', facts: facts({ kinds }) }).findings;
    expect(told(new Map([['/a/pipe.npy', 'other']])).map(({ message }) => message)).toEqual([
      '"pipe.npy" is a device, a pipe or a socket, not a file.',
    ]);
    expect(told(new Map([['/a/pipe.npy', 'unknown']]))).toEqual([]);
  });

  it('tell of a scope that leaves nothing which can be quantized, where that is certain', () => {
    const of = (...others: Parameters<typeof summary>[0]['nodes']) =>
      found(scope('types: [Conv]'), {
        model: summary({ nodes: [{ name: '/stem/Conv', op: 'Conv' }, ...others] }),
      });
    expect(of({ name: 'r', op: 'Relu' })).toEqual(['pattern-matches-all ignored_scope']);
    expect(of({ name: 'g', op: 'Gemm' })).toEqual([]);
    expect(of({ name: 'a', op: 'Add' })).toEqual([]);
    // What passes make of them, a large constant and an operator that is not known may be quantized.
    expect(of({ name: 'e', op: 'Einsum' })).toEqual([]);
    expect(of({ name: 'p', op: 'PRelu', constants: { 1: [64, 1, 1] }, floatConstants: [1] })).toEqual([]);
    expect(of({ name: 's', op: 'Mystery', domain: 'com.microsoft' })).toEqual([]);
  });

  it('know what functions hold by the names that a run gives it, functions of functions too', () => {
    const held = (...nodes: Parameters<typeof summary>[0]['nodes']) => summary({ nodes }).nodes;
    const model = summary({
      nodes: [
        { name: 'block', op: 'Block', domain: 'my' },
        { name: 'last', op: 'Conv' },
      ],
      functions: [
        { domain: 'my', name: 'Block', nodes: held({ name: 'inner', op: 'Inner', domain: 'my' }) },
        { domain: 'my', name: 'Inner', nodes: held({ name: 'MatMul_0', op: 'MatMul' }) },
      ],
    });
    expect(found(scope('names: [block/inner/MatMul_0, block/MatMul_0]'), { model })).toEqual([
      'unknown-node block/MatMul_0',
    ]);
    expect(found(scope('types: [MatMul]'), { model })).toEqual([]);
    expect(found(scope('types: [Conv]'), { model })).toEqual([]);
  });

  it('end with a function that calls itself, where a run does', () => {
    const again = summary({ nodes: [{ name: 'again', op: 'Self', domain: 'my' }] }).nodes;
    const { nodes } = summary({ nodes: [...again, { name: 'last', op: 'Conv' }] });
    const model = summary({ nodes, functions: [{ domain: 'my', name: 'Self', nodes: again }] });
    const call = (times: number) => Array.from({ length: times }, () => 'again').join('/');
    expect(found(scope(`names: [${call(33)}, ${call(34)}]\n    patterns: [stem]`), { model })).toEqual([
      `unknown-node ${call(34)}`,
      'pattern-unmatched stem',
    ]);
  });

  it('say nothing of names when the model is unknown, and everything when it is known', () => {
    const text = scope(
      'names: [/stem/Konv]\n    types: [Conv, Relu]\n    patterns: ["stem", "/.*Conv", "(", "/"]',
    );
    expect(found(text)).toEqual(['pattern-invalid "("']);
    expect(found(text, { model })).toEqual([
      'unknown-node /stem/Konv',
      'unknown-operator Relu',
      'pattern-unmatched "stem"',
      'pattern-invalid "("',
      'pattern-matches-all "/"',
    ]);
  });
});
