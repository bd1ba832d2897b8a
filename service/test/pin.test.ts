import { describe, expect, it } from 'vitest';
import { pinChoices } from '../src/index.js';

const pinned = {
  defaults: 'nncf',
  preset: 'mixed',
  overrides: [{ names: ['stem'], float: true }],
  advanced_parameters: { activations_range_estimator_params: 'minmax' },
};

describe('choices stated in a config', () => {
  it('keeps comments and what is there', () => {
    const text = 'model: a.onnx # the model\nquantization:\n  subset_size: 20 # few\n  preset: null\n';
    expect(pinChoices('a.quant.yaml', text, pinned)).toBe(
      `model: a.onnx # the model
quantization:
  subset_size: 20 # few
  preset: mixed
  defaults: nncf
  overrides:
    - {names: [stem], float: true}
  advanced_parameters:
    activations_range_estimator_params: minmax
`,
    );
  });
  it('works in JSON, and where there is no section yet', () => {
    const text = pinChoices('a.quant.json', '{"model": "a.onnx"}', { defaults: 'nncf', preset: 'mixed' });
    expect(JSON.parse(text!)).toEqual({
      model: 'a.onnx',
      quantization: { defaults: 'nncf', preset: 'mixed' },
    });
  });
  it('says where there is no place for it', () => {
    expect(pinChoices('a.quant.yaml', 'model: a.onnx\nquantization: none\n', pinned)).toBeNull();
  });
});
