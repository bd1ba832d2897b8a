import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { resolveConfig, type QuantizationConfig } from '@quantsmith/schemas';
import { describe, expect, it } from 'vitest';
import { valueOf } from '../src/document/tree.js';
import { convert } from '../src/features/convert.js';
import { withDefaults, withoutDefaults } from '../src/features/rewrite.js';
import { config } from './dsl.js';

const digits = readFileSync(new URL('../../examples/digits/digits.quant.yaml', import.meta.url), 'utf8');
const value = (text: string, language: 'yaml' | 'json' = 'yaml') => valueOf(config(text, language).tree);

describe('converting', () => {
  it('keeps the value and the comments', () => {
    const json = convert(config(digits))!;
    expect(value(json, 'json')).toEqual(value(digits));
    const yaml = convert(config(json, 'json'))!;
    expect(value(yaml)).toEqual(value(digits));
    const words = (text: string) =>
      config(text, text === json ? 'json' : 'yaml').tree.comments.map((comment) =>
        comment.text.replace(/^(#|\/\/)\s*/, ''),
      );
    expect(words(json)).toEqual(words(digits));
    expect(words(yaml)).toEqual(words(digits));
  });
  it('refuses what it cannot read', () => expect(convert(config('a: [1'))).toBeNull());

  it('property: there and back is the same value', () => {
    const { value: json } = fc.letrec((tie) => ({
      value: fc.oneof(
        { depthSize: 'small' },
        fc.constantFrom<unknown>(
          null,
          true,
          1,
          -2.5,
          'a',
          '/x/Conv',
          '- no',
          'a: b',
          '# c',
          'yes',
          '',
          ' s',
          '12:30',
          'é\n\t"\\',
        ),
        fc.array(tie('value'), { maxLength: 4 }),
        fc.dictionary(fc.constantFrom('a', 'b', 'c d', 'yes'), tie('value'), { maxKeys: 4 }),
      ),
    }));
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom('k', 'l'), json, { minKeys: 1 }), (given) => {
        const yaml = convert(config(JSON.stringify(given, null, 2), 'json'))!;
        expect(value(yaml)).toEqual(given);
        expect(value(convert(config(yaml))!, 'json')).toEqual(given);
      }),
      { numRuns: 500 },
    );
  });
});

describe('defaults', () => {
  const resolved = (text: string) => resolveConfig(value(text) as QuantizationConfig);
  it('are taken out without changing what the config means', () => {
    const text = withoutDefaults(config(digits));
    expect(resolved(text)).toEqual(resolved(digits));
    expect(text).not.toMatch(/preset: performance|subset_size/);
    expect(text).toMatch(/overflow_fix: disable/);
  });
  it('are written out without changing what the config means', () => {
    const text = withDefaults(config(digits));
    expect(resolved(text)).toEqual(resolved(digits));
    expect(text).toMatch(/fast_bias_correction: true/);
    expect(text).toMatch(/max_drop: 0\.01 # one point/);
    expect(resolved(withoutDefaults(config(text)))).toEqual(resolved(digits));
  });
});
