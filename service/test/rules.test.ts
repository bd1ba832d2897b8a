import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { CODES } from '../src/findings/codes.js';
import { found, HEAD } from './ruleKit.js';

describe('findings', () => {
  it('count channels', () => {
    const told = (preprocess: string) =>
      found(`model: m\ndata: {calibration: {images: x, preprocess: {${preprocess}}}}\n`);
    expect(told('mean: [1, 2], std: [1, 2, 3]')).toEqual(['conflicting-settings mean']);
    expect(told('mean: [1, 2, 3], std: [1], color: gray')).toEqual(['conflicting-settings mean']);
    expect(told('mean: 1, std: [1], color: bgr')).toEqual([]);
  });
  it.each<[string, string, string[]]>([
    ['nothing', HEAD, []],
    ['a syntax error', `${HEAD}output: "a`, ['syntax "']],
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
    ...(
      [
        ['images: i, preprocess: {resize: 8, antialias: false, interpolation: bicubic}', ['interpolation']],
        ['images: i, preprocess: {resize: 8, antialias: false, interpolation: bilinear}', []],
        ['images: i, preprocess: {resize: 8, interpolation: lanczos}', []],
        ['images: i, preprocess: {center_crop: 8, interpolation: lanczos}', ['interpolation']],
        ['images: i, preprocess: {antialias: false}', ['antialias']],
        ['images: i, preprocess: {resize: 8, letterbox: {size: 8}}', ['resize']],
        ['arrays: a, preprocess: {letterbox: {size: 8}, orient: true}', ['letterbox', 'orient']],
      ] as [string, string[]][]
    ).map(([section, keys]): [string, string, string[]] => [
      `scaling: ${section}`,
      `model: m\ndata: {calibration: {${section}}}`,
      keys.map((key) => `dead-setting ${key}`),
    ]),
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
      'what states nothing',
      `${HEAD}quantization: {advanced_parameters: {smooth_quant_alphas: {}, activations_range_estimator_params: {min: {clipping_value: null}}}}`,
      [],
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
    // Named JSON, whose cause is looked for by writing it in the other notation.
    expect(found(bomb, {}, 'json')[0]).toMatch(/^syntax/);
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

it('docs/diagnostics.md has a section for every code and no other', () => {
  const page = readFileSync(new URL('../../docs/diagnostics.md', import.meta.url), 'utf8');
  expect([...page.matchAll(/^## (.*)$/gm)].map((match) => match[1]).sort()).toEqual([...CODES].sort());
});
