import { describe, expect, it } from 'vitest';
import { hover } from '../src/features/hover.js';
import { findAll } from '../src/rules/all.js';
import { at, completions, config, labels } from '../../test/kit/configs.js';

// A matrix is edited as the settings that it varies are.

const HEAD = 'model: m.onnx\ndata: {calibration: {arrays: a.npy}}\n';

describe('in a matrix', () => {
  it('keys are the settings by their paths, the usual ones first', () => {
    const offered = completions(`${HEAD}matrix:\n  |`).map(({ label }) => label);
    expect(offered.slice(0, 3)).toEqual([
      'quantization.preset',
      'quantization.advanced_parameters.overflow_fix',
      'quantization.advanced_parameters.activations_range_estimator_params',
    ]);
    expect(offered).toContain('accuracy_control.max_drop');
    expect(offered).not.toContain('output');
  });
  it.each([
    ['quantization.preset:\n    - |'],
    ['quantization.preset: [|]'],
    ['exclude:\n    - quantization.preset: |'],
  ])('values are those of the setting: %j', (marked) => {
    expect(labels(`${HEAD}matrix:\n  ${marked}`)).toEqual(
      expect.arrayContaining([expect.stringMatching(/^performance/), expect.stringMatching(/^mixed/)]),
    );
  });
  it('a hover says what the setting means', () => {
    const { document, position } = at(`${HEAD}matrix:\n  quantization.pre|set: [mixed]\n`);
    const found = hover(document, position, { model: null, config: null, markdown: true });
    expect((found?.contents as { value: string }).value).toContain('Values to try.');
  });
  it.each([
    [
      'quantization.prest: [mixed]',
      'Unknown key "quantization.prest" in "matrix". Did you mean "quantization.preset"?',
    ],
    ['quantization.preset: [mixd]', '"matrix.quantization.preset[0]" cannot be mixd. Did you mean mixed?'],
    ['quantization.subset_size: [0]', '"matrix.quantization.subset_size[0]" must be at least 1.'],
    ['quantization.preset: mixed', '"matrix.quantization.preset" must be a list.'],
    ['quantization.preset: []', '"matrix.quantization.preset" must be a list of at least 1 item.'],
  ])('%s: %s', (line, message) => {
    const document = config(`${HEAD}matrix:\n  ${line}\n`);
    const messages = findAll(document, {}).findings.map((finding) => finding.message);
    expect(messages).toContain(message);
  });
});
