import { expect, it } from 'vitest';
import { withStatedSettings } from '../src/index.js';

const TEXT = `# a config
model: m.onnx # the model
quantization:
  preset: performance # fast
  advanced_parameters:
    activations_range_estimator_params:
      min: {statistics_type: min} # as ever
matrix:
  quantization.preset: [performance, mixed]
`;

it('states settings in a config, and leaves the rest as it is', () => {
  expect(
    withStatedSettings('a.quant.yaml', TEXT, {
      'quantization.preset': 'mixed',
      'quantization.subset_size': 64,
      'accuracy_control.max_drop': 0.02,
    }),
  ).toBe(
    TEXT.replace('preset: performance #', 'preset: mixed #')
      .replace('as ever\n', 'as ever\n  subset_size: 64\n')
      .concat('accuracy_control:\n  max_drop: 0.02\n'),
  );
});

it('a value takes the place of what stands there as lines', () => {
  const stated = withStatedSettings('a.quant.yaml', TEXT, {
    'quantization.advanced_parameters.activations_range_estimator_params': 'minmax',
  });
  expect(stated).toMatch(/activations_range_estimator_params:\s+minmax/);
  expect(stated).not.toContain('statistics_type');
  const whole = withStatedSettings('a.quant.yaml', TEXT, {
    'quantization.advanced_parameters.activations_range_estimator_params': { max: { clipping_value: 6 } },
  });
  expect(whole).toMatch(/clipping_value: 6/);
  expect(whole).not.toContain('statistics_type');
});

it('works in JSON, and tells where there is no place', () => {
  const json = '{\n  // ours\n  "model": "m.onnx"\n}\n';
  expect(withStatedSettings('a.quant.json', json, { 'quantization.preset': 'mixed' })).toContain(
    '"quantization": { "preset": "mixed" }',
  );
  expect(withStatedSettings('a.quant.yaml', 'quantization: text\n', { 'quantization.preset': 'mixed' })).toBe(
    null,
  );
});
