import { describe, expect, it } from 'vitest';
import { effectiveValue, NOTHING_INHERITED, settingDifferences } from '../src/index.js';
import { config } from '../../test/kit/configs.js';

const value = (...text: Parameters<typeof config>) => effectiveValue(config(...text), NOTHING_INHERITED);

describe('settings that differ between configs', () => {
  it('are listed by their paths; comments, order, anchors and notation make no difference', () => {
    const one = value('model: a.onnx # mine\nquantization: &q\n  preset: mixed\n  subset_size: 100\n');
    const other = value(
      '{"quantization": {"subset_size": 100, "preset": "performance"}, "model": "a.onnx"}',
      'json',
    );
    expect(settingDifferences([one, other])).toEqual([
      { setting: 'quantization.preset', values: ['"mixed"', '"performance"'] },
    ]);
  });

  it('of which one has none', () => {
    const configs = ['a: 1\n', 'a: 1\nb: {c: [1, 2]}\n', ''].map((text) => value(text));
    expect(settingDifferences(configs)).toEqual([
      { setting: 'a', values: ['1', '1', null] },
      { setting: 'b.c', values: [null, '[1,2]', null] },
    ]);
  });
});
