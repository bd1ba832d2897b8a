import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import type { QuantizationConfig, QuantizationReport } from '@quantsmith/schemas';
import { CODES } from '../src/findings/codes.js';
import { inlayHints } from '../src/features/inlayHints.js';
import { toDiagnostics } from '../src/features/diagnostics.js';
import { codeActions, fixAll } from '../src/features/codeActions.js';
import { NO_SECTION_FACTS, type EntryKind } from '../src/facts/facts.js';
import { facts } from '../../test/kit/facts.js';
import { findAll, fixesOf, type RuleContext } from '../src/rules/all.js';
import { applied, config, type Language } from '../../test/kit/configs.js';
import { summary } from '../../test/kit/summary.js';

const NOTHING: RuleContext = { baseDir: null, model: null, modelProblem: null, report: null, changed: null };
const HEAD = 'model: m.onnx\ndata: {calibration: {arrays: a.npy}}\n';

/** `line code` of every finding, and the texts that they mark. */
function found(text: string, context: Partial<RuleContext> = {}, language: Language = 'yaml') {
  const document = config(text, language);
  return findAll(document, { ...NOTHING, ...context }).findings.map(
    ({ code, start, end }) => `${code} ${text.slice(start, end)}`,
  );
}

/** The text after the preferred fix of the only finding with this code. */
function fixed(
  text: string,
  code: string,
  context: Partial<RuleContext> = {},
  title?: RegExp,
  language: Language = 'yaml',
) {
  const document = config(text, language);
  const finding = findAll(document, { ...NOTHING, ...context }).findings.find((one) => one.code === code)!;
  const fixes = fixesOf(document, { ...finding, data: finding.data ?? {} });
  const fix = fixes.find((one) => (title === undefined ? one.preferred : title.test(one.title)))!;
  return applied(document, fix.edits);
}

const model = summary({
  nodes: [
    { name: '/stem/Conv', op: 'Conv', outputs: ['features'] },
    { name: '/add', op: 'Add', outputs: [] },
  ],
  inputs: [{ name: 'image', type: 'float32', dims: [] }],
});
const scope = (inner: string) => `${HEAD}quantization:\n  ignored_scope:\n    ${inner}\n`;

describe('findings', () => {
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
    const chain = { nodes: [line('a', 'x', 'p'), line('b', 'p', 'q'), line('c', 'q', 'y')] };
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
      'data-inputs "a.npz" has no array for the input state of the model; it has image, sr.',
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
      'model-missing "." is a folder, not a file (/).',
      'file-missing "." is a folder, not a file (/).',
    ]);
  });
  it('tell devices and pipes from files, and say nothing of what is not known', () => {
    const document = config('model: m\ndata: {calibration: {arrays: pipe.npy}}\n');
    const told = (kinds: ReadonlyMap<string, EntryKind>) =>
      findAll(document, { ...NOTHING, baseDir: '/a', facts: facts({ kinds }) }).findings;
    expect(told(new Map([['/a/pipe.npy', 'other']])).map(({ message }) => message)).toEqual([
      '"pipe.npy" is a device, a pipe or a socket, not a file (/a/pipe.npy).',
    ]);
    expect(told(new Map([['/a/pipe.npy', 'unknown']]))).toEqual([]);
  });
  it('count channels', () => {
    const told = (preprocess: string) =>
      found(`model: m\ndata: {calibration: {images: x, preprocess: {${preprocess}}}}\n`);
    expect(told('mean: [1, 2], std: [1, 2, 3]')).toEqual(['conflicting-settings mean']);
    expect(told('mean: [1, 2, 3], std: [1], color: gray')).toEqual(['conflicting-settings mean']);
    expect(told('mean: 1, std: [1], color: bgr')).toEqual([]);
  });
  it.each<[string, string, string[]]>([
    ['nothing', HEAD, []],
    ['a syntax error', `${HEAD}output: "a`, ['syntax a']],
    ['a duplicate', `${HEAD}model: n.onnx`, ['duplicate-key model']],
    ['an alias without anchor', `${HEAD}output: *out`, ['unknown-anchor *out']],
    ['a missing key', 'model: m.onnx', ['missing-key model']],
    ['an unknown key', `${HEAD}quantisation: {}`, ['unknown-key quantisation']],
    ['an unknown value', `${HEAD}quantization: {preset: mixd}`, ['unknown-value mixd']],
    ['a wrong type', `${HEAD}quantization: {subset_size: many}`, ['wrong-type many']],
    ['a limit', `${HEAD}quantization: {subset_size: 0}`, ['out-of-range 0']],
    ['two sources', 'model: m\ndata: {calibration: {arrays: a, images: b}}', ['data-source images']],
    [
      'a merge key',
      'model: m\ndata:\n  calibration: &c {arrays: a}\n  validation:\n    <<: *c\n    arrays: b\n    limit: 3\n',
      [],
    ],
    [
      'a target that no 8-bit model has',
      `model: m\ndata: {calibration: {arrays: a}, validation: {arrays: b}}\naccuracy_control: {metric: sqnr, max_drop: 5}`,
      ['target-unreachable 5'],
    ],
    [
      'the default target of sqnr',
      `model: m\ndata: {calibration: {arrays: a}, validation: {arrays: b}}\naccuracy_control: {metric: sqnr}`,
      ['target-unreachable metric'],
    ],
    [
      'a drop from what the float model has for certain',
      `model: m\ndata: {calibration: {arrays: a}, validation: {arrays: b}}\naccuracy_control: {metric: cosine, max_drop: 0.02}`,
      ['max-drop-of-float 0.02'],
    ],
    [
      'a drop relative to nothing',
      `model: m\ndata: {calibration: {arrays: a}, validation: {arrays: b}}\naccuracy_control: {metric: mse, drop_type: relative}`,
      ['target-unreachable relative'],
    ],
    [
      'percent for a share',
      `model: m\ndata: {calibration: {arrays: a}, validation: {arrays: b, labels: l}}\naccuracy_control: {max_drop: 1}`,
      ['out-of-range 1'],
    ],
    [
      'a preset that is mixed already',
      `model: m\ndata: {calibration: {arrays: a}, validation: {arrays: b, labels: l}}\nquantization: {preset: mixed}\naccuracy_control: {advanced_accuracy_restorer_params: {convert_to_mixed_preset: true}}`,
      ['dead-setting convert_to_mixed_preset'],
    ],
    [
      'an SQNR of 30 dB',
      `model: m\ndata: {calibration: {arrays: a}, validation: {arrays: b}}\naccuracy_control: {metric: sqnr, max_drop: 0.85, drop_type: relative}`,
      ['max-drop-of-float 0.85'],
    ],
    [
      'preprocessing that the source does not take',
      `model: m\ndata:\n  calibration: {arrays: a, preprocess: {resize: 8, scale: 2}}\n  validation: {tensors: t, preprocess: {scale: 2}, input_layout: nchw}`,
      ['dead-setting resize', 'dead-setting preprocess', 'dead-setting input_layout'],
    ],
    [
      'a layout of arrays for images',
      'model: m\ndata: {calibration: {images: i, input_layout: nchw}}',
      ['dead-setting input_layout'],
    ],
    ...(
      [
        ['weights_range_estimator_params: histogram', ['dead-setting weights_range_estimator_params']],
        ['weights_range_estimator_params: mean_quantile', []],
        [
          'weights_range_estimator_params: {max: {aggregator_type: median}}',
          ['dead-setting aggregator_type'],
        ],
        [
          'activations_range_estimator_params: {max: {clipping_value: 0}}',
          ['conflicting-settings clipping_value'],
        ],
        [
          'activations_range_estimator_params: {min: {clipping_value: 3}, max: {clipping_value: 2}}',
          ['conflicting-settings clipping_value'],
        ],
        ['activations_range_estimator_params: {min: {clipping_value: 0}, max: {clipping_value: 6}}', []],
        ['activations_range_estimator_params: {min: {clipping_value: -1}}', ['dead-setting clipping_value']],
        [
          'activations_range_estimator_params: {min: {clipping_value: -1}}, activations_quantization_params: {mode: asymmetric}',
          [],
        ],
        [
          'activations_range_estimator_params: {min: {statistics_type: abs_max}}',
          ['conflicting-settings abs_max'],
        ],
        [
          'weights_quantization_params: {signedness_to_force: false}',
          ['conflicting-settings signedness_to_force'],
        ],
        [
          'activations_quantization_params: {signedness_to_force: true}',
          ['no-integer-kernel signedness_to_force'],
        ],
        ['activations_quantization_params: {narrow_range: true}', ['no-integer-kernel narrow_range']],
        ['activations_quantization_params: {narrow_range: true}, backend_params: {runtime: openvino}', []],
        ['activations_quantization_params: {per_channel: true}', ['conflicting-settings true']],
        ['activations_quantization_params: {per_channel: true}, backend_params: {runtime: openvino}', []],
        ['backend_params: {target_isa: avx2}', ['dead-setting target_isa']],
        ['overflow_fix: auto, backend_params: {target_isa: avx2}', []],
      ] as [string, string[]][]
    ).map(([setting, expected]): [string, string, string[]] => [
      setting,
      `${HEAD}quantization: {advanced_parameters: {${setting}}}`,
      expected,
    ]),
    [
      'CPU_SPR for no transformer',
      `${HEAD}quantization: {target_device: CPU_SPR}`,
      ['dead-setting target_device'],
    ],
    ['CPU_SPR', `${HEAD}quantization: {target_device: CPU_SPR, model_type: transformer}`, []],
    ['another YAML', `${HEAD}output: on`, ['yaml-version on']],
    [
      'no effect',
      `${HEAD}quantization:\n  fast_bias_correction: false\n  advanced_parameters: {disable_bias_correction: true}`,
      ['dead-setting fast_bias_correction'],
    ],
    [
      'auto where no sum saturates',
      `${HEAD}quantization: {advanced_parameters: {overflow_fix: auto, backend_params: {target_isa: amx}}}`,
      ['dead-setting overflow_fix'],
    ],
    [
      'auto where sums saturate',
      `${HEAD}quantization: {advanced_parameters: {overflow_fix: auto, backend_params: {target_isa: avx512}}}`,
      [],
    ],
    [
      'a metric without labels',
      `${HEAD}accuracy_control: {metric: top1}`,
      ['validation-missing accuracy_control', 'metric-needs-labels top1'],
    ],
    [
      'a border from the wrong end',
      `${HEAD}quantization: {advanced_parameters: {weights_range_estimator_params: {min: {statistics_type: max}}}}`,
      ['conflicting-settings max'],
    ],
    ['YAML 1.1 where the file says so', `%YAML 1.1\n---\n${HEAD}output: 010`, ['wrong-type 010']],
    [
      'our own schema',
      `$schema: ../schemas/quantization-config.schema.json\n${HEAD}foo: 1`,
      ['unknown-key foo'],
    ],
    ['its URN', `$schema: urn:quantsmith:quantization-config:1\n${HEAD}foo: 1`, ['unknown-key foo']],
    [
      'a later version of the format',
      `$schema: urn:quantsmith:quantization-config:2\n${HEAD}foo: 1\noutput: 3`,
      ['schema-version urn:quantsmith:quantization-config:2', 'wrong-type 3'],
    ],
    [
      'another schema',
      `# yaml-language-server: $schema=https://example.org/other.json\n${HEAD}foo: 1`,
      ['schema-version https://example.org/other.json'],
    ],
    [
      'left out by a comment',
      `${HEAD}# quantsmith-disable-next-line dead-setting\nquantization: {model_type: null, advanced_parameters: {smooth_quant_alphas: {}}}`,
      [],
    ],
    [
      'left out on the line',
      `${HEAD}quantization: {advanced_parameters: {smooth_quant_alphas: {}}} # quantsmith-disable-line`,
      [],
    ],
    [
      'another code is not left out',
      `${HEAD}# quantsmith-disable-next-line syntax\nfoo: 1`,
      ['unknown-key foo'],
    ],
  ])('%s', (_, text, expected) => expect(found(text)).toEqual(expected));

  it('are the same for the same config in JSON', () => {
    const text =
      '{"model": "m", "data": {"calibration": {"arrays": "a"}}, "quantization": {"preset": "mixd", "foo": 1}, "model": "n"}';
    expect(found(text, {}, 'json')).toEqual([
      'unknown-value "mixd"',
      'unknown-key "foo"',
      'duplicate-key "model"',
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

  it('end with alias bombs', () => {
    const bomb = Array.from(
      { length: 40 },
      (_, i) =>
        `a${i}: &a${i} [${
          i === 0
            ? 'x'
            : Array(9)
                .fill(`*a${i - 1}`)
                .join(',')
        }]`,
    ).join('\n');
    expect(found(bomb)[0]).toMatch(/^syntax/);
    const merges = Array.from(
      { length: 40 },
      (_, i) =>
        `m${i}: &m${i} {<<: [${
          i === 0
            ? ''
            : Array(9)
                .fill(`*m${i - 1}`)
                .join(',')
        }], k${i}: 1}`,
    ).join('\n');
    found(merges);
    found('['.repeat(20_000));
    found('{"a":'.repeat(20_000), {}, 'json');
  });
});

describe('fixes', () => {
  it.each<[string, string, string]>([
    [`${HEAD}quantization: {preset: mixd}`, 'unknown-value', `${HEAD}quantization: {preset: mixed}`],
    [`${HEAD}quantization: {preset: 'mixd'}`, 'unknown-value', `${HEAD}quantization: {preset: 'mixed'}`],
    [`${HEAD}quantisation: {}`, 'unknown-key', `${HEAD}quantization: {}`],
    ['model: m # mine\n', 'missing-key', 'model: m # mine\ndata:\n  calibration: {}\n'],
    [`${HEAD}output: on`, 'yaml-version', `${HEAD}output: "on"`],
    [
      `${HEAD}quantization: {fast_bias_correction: "yes"}`,
      'wrong-type',
      `${HEAD}quantization: {fast_bias_correction: true}`,
    ],
    [
      `${HEAD}accuracy_control: {}\nquantization:\n  fast_bias_correction: false # x\n  advanced_parameters: {disable_bias_correction: true}\n`,
      'dead-setting',
      `${HEAD}accuracy_control: {}\nquantization:\n  advanced_parameters: {disable_bias_correction: true}\n`,
    ],
    [scope('names: ["/stm/Conv"]'), 'unknown-node', scope('names: ["/stem/Conv"]')],
  ])('%j: %s', (text, code, expected) => expect(fixed(text, code, { model })).toBe(expected));

  it('all at once, and leaving out by a comment', () => {
    const text = `${HEAD}quantization:\n  fast_bias_correction: "no"\n  preset: mixd\n`;
    const document = config(text);
    const { findings } = findAll(document, NOTHING);
    const [action] = fixAll(document, (current) => findAll(current, NOTHING).findings);
    const edits = action!.edit!.changes![document.text.uri]!;
    expect(applied(document, edits)).toBe(
      `${HEAD}quantization:\n  fast_bias_correction: false\n  preset: mixed\n`,
    );
    const diagnostics = toDiagnostics(document, findings, {
      severities: {},
      relatedInformation: false,
      codeDescription: false,
      diagnosticTags: false,
      diagnosticData: true,
    });
    const suppress = codeActions(document, { diagnostics: diagnostics.slice(1) }).at(-1)!;
    const after = applied(document, suppress.edit!.changes![document.text.uri]!);
    expect(found(after)).toEqual(['wrong-type "no"']);
  });
});

describe('after a run', () => {
  const report = (metric: object, more: object = {}) =>
    ({
      created: '2026-01-02T03:04:05Z',
      output: { path: '/out/m.int8.onnx' },
      metric: {
        name: 'top1',
        samples: 600,
        baseline: 0.98,
        quantized_initial: 0.93,
        quantized: 0.93,
        drop: 0.05,
        max_drop: 0.01,
        drop_type: 'absolute',
        satisfied: false,
        ci95: [0.03, 0.07],
        ...metric,
      },
      choices: [],
      restoration: { reverted: ['/stem/Conv'] },
      overflow: { layers: [] },
      warnings: [],
      ...more,
    }) as unknown as QuantizationReport;
  const data = 'data: {calibration: {arrays: a.npy}, validation: {arrays: v.npy, labels: l.npy}}';
  const text = `model: m.onnx\n${data}\nquantization:\n  advanced_parameters:\n    weights_quantization_params:\n      num_bits: 4\naccuracy_control:\n  max_drop: 0.01\n`;
  const findings = (given: QuantizationReport, changed: RuleContext['changed'] = null) =>
    findAll(config(text), { ...NOTHING, report: given, changed }).findings;

  it('a missed target is an error on its line, within the noise only a note', () => {
    const [missed] = findings(report({}));
    expect(missed).toMatchObject({
      code: 'accuracy-drop',
      severity: 'error',
      path: ['accuracy_control', 'max_drop'],
    });
    expect(missed!.message).toMatch(
      /600 samples, drop 5\.00 points, 95 % interval \[3\.00 points, 7\.00 points\]/,
    );
    expect(findings(report({ ci95: [0.005, 0.07] }))[0]).toMatchObject({ severity: 'info' });
  });

  it('a damaged output is an error, and nothing is called kept over it', () => {
    const damaged = { code: 'output-damaged', severity: 'error', message: 'Damaged.', config_path: [] };
    const kept = report(
      { quantized: 0.97, quantized_initial: 0.97, drop: 0.01, satisfied: true },
      { warnings: [damaged] },
    );
    expect(findings(kept).map(({ code, severity }) => [code, severity])).toEqual([['run-warning', 'error']]);
  });

  it('what restoration had to repair stands on the setting that cost it', () => {
    const restored = report({ quantized: 0.975, drop: 0.005, satisfied: true, ci95: [-0.01, 0.02] });
    expect(findings(restored).map(({ code, severity }) => [code, severity])).toEqual([
      ['setting-cost', 'warning'],
      ['accuracy-restored', 'info'],
    ]);
    expect(fixed(text, 'accuracy-restored', { report: restored }, /restored settings \(1 excluded\)/)).toBe(
      text
        .replace('  advanced_parameters', '  advanced_parameters')
        .replace(
          '      num_bits: 4\n',
          '      num_bits: 4\n  ignored_scope:\n    names:\n      - /stem/Conv\n',
        ),
    );
    expect(fixed(text, 'setting-cost', { report: restored }, /num_bits/)).toBe(text.replace('4', '8'));
  });

  it('settings that restoration kept are written as values of their type', () => {
    const kept = (setting: string, value: string) => ({ setting, value, drop: 0.01, kept: true });
    const tuned = report(
      { quantized: 0.97, drop: 0.01, satisfied: true },
      {
        restoration: {
          reverted: [],
          remedies: [
            kept('preset', 'mixed'),
            kept('fast_bias_correction', 'false'),
            kept('smooth_quant_alphas.matmul', '0.25'),
          ],
        },
      },
    );

    const after = fixed(text, 'setting-cost', { report: tuned }, /restored settings/);
    expect((parse(after) as QuantizationConfig).quantization).toMatchObject({
      preset: 'mixed',
      fast_bias_correction: false,
      advanced_parameters: { smooth_quant_alphas: { matmul: 0.25 } },
    });
  });

  it('a run of something else gives one hint', () => {
    for (const changed of ['config', 'model', 'data'] as const)
      expect(findings(report({}), changed).map(({ code, severity }) => [code, severity])).toEqual([
        ['report-stale', 'hint'],
      ]);
  });
});

it('docs/diagnostics.md has a section for every code and no other', () => {
  const page = readFileSync(new URL('../../docs/diagnostics.md', import.meta.url), 'utf8');
  expect([...page.matchAll(/^## (.*)$/gm)].map((match) => match[1]).sort()).toEqual([...CODES].sort());
});

it('a line that is indented too deep is one finding on that line, with the fix', () => {
  const document = config(
    'model: m\ndata:\n  calibration:\n    arrays: a.npy\n     preprocess: {scale: 16}\n    limit: 3\n',
  );
  const { findings } = findAll(document, {});
  expect(findings.map(({ code, start }) => [code, document.text.positionAt(start)])).toEqual([
    ['syntax', { line: 4, character: 5 }],
  ]);
  const [fix] = fixesOf(document, { ...findings[0]!, data: findings[0]!.data ?? {} });
  expect(applied(document, fix!.edits)).toBe(document.text.getText().replace('     pre', '    pre'));
});

describe('audio', () => {
  const streaming = summary({
    nodes: [{ name: 'first', op: 'MatMul', outputs: ['enhanced'], constants: { 1: [257, 257] } }],
    inputs: [
      { name: 'x', type: 'float32', dims: [1, 1, 257] },
      { name: 'h_in', type: 'float32', dims: [1, 16] },
      { name: 'rate', type: 'int64', dims: [] },
    ],
    outputs: [
      { name: 'enhanced', type: 'float32', dims: [1, 1, 257] },
      { name: 'h_out', type: 'float32', dims: [1, 16] },
    ],
  });
  const section = (rest: string) => `model: m.onnx\ndata: {calibration: {audio: a.wav${rest}}}\n`;

  it('for a model with states needs them, and what else the model takes', () => {
    const text = section(', constants: {rate: 16000}');
    expect(found(text, { model: streaming })).toEqual(['states-missing audio', 'data-inputs a.wav']);
    const mended = section(', constants: {rate: 16000}, states: {h_in: h_out}');
    expect(fixed(text, 'states-missing', { model: streaming })).toBe(mended);
    expect(found(mended, { model: streaming })).toEqual([]);
    expect(found(section(', states: {h_in: h_out}'), { model: streaming })).toEqual(['data-inputs a.wav']);
  });

  it('names states that there are, of shapes that fit', () => {
    const states = (map: string) =>
      found(section(`, constants: {rate: 1}, states: {${map}}`), { model: streaming });
    expect(states('h_in: enhanced')).toEqual(['states-unfit {h_in: enhanced}']);
    expect(states('h_in: none')).toEqual(['states-unfit {h_in: none}']);
    expect(states('h_in: h_out, none: h_out')).toEqual(['states-unfit {h_in: h_out, none: h_out}']);
  });

  it('has keys of its own, which are dead elsewhere', () => {
    expect(found(HEAD.replace('a.npy', 'a.npy, states: {}, frames: {length: 4}, tokenizer: t.json'))).toEqual(
      ['dead-setting states', 'dead-setting frames', 'dead-setting tokenizer'],
    );
  });
});
