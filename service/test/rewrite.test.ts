import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { resolveConfig, type QuantizationConfig } from '@quantsmith/schemas';
import { describe, expect, it } from 'vitest';
import { valueOf } from '../src/document/tree.js';
import { findAll } from '../src/rules/all.js';
import { convert } from '../src/document/convert.js';
import { withDefaults, withoutDefaults } from '../src/features/rewrite.js';
import { config } from '../../test/kit/configs.js';

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
  it('property: comments stay with what they are about, there and back', () => {
    const rows = [
      'model: m.onnx',
      'data:',
      '  calibration: &c',
      '    arrays: a.npy',
      '    preprocess: {scale: 255, color: rgb}',
      '  validation:',
      '    <<: *c',
      '    limit: 3',
      'quantization:',
      '  preset: "mixed"',
      '  ignored_scope:',
      '    names:',
      '      - /a/Conv',
      "      - '# no comment'",
      '    subgraphs:',
      '      - inputs: [x, y]',
      '        outputs: [z]',
      'output: o.onnx',
    ];
    /** What each comment stands before or behind, by the words there. */
    const places = (text: string) => {
      const lines = text.split(/\r?\n/);
      const bare = (line: string) =>
        line.replace(/(#|\/\/) (above|behind|end).*/, '').replace(/[^\w./]/g, '');
      return lines.flatMap((line, row) => {
        const [, kind, number] = /(?:#|\/\/) (above|behind|end) (\d*)/.exec(line) ?? [];
        if (kind === undefined) return [];
        const next = lines.slice(row + 1).find((other) => bare(other) !== '');
        return [
          `${kind} ${number}: ${kind === 'behind' ? bare(line) : kind === 'above' ? bare(next ?? '') : ''}`,
        ];
      });
    };

    fc.assert(
      fc.property(
        fc.array(fc.constantFrom('', 'above', 'behind', 'both'), {
          minLength: rows.length,
          maxLength: rows.length,
        }),
        fc.constantFrom('\n', '\r\n'),
        (comments, eol) => {
          const lines = rows.flatMap((row, index) => {
            const what = comments[index]!;
            const space = /^ */.exec(row)![0];
            return [
              ...(what === 'above' || what === 'both' ? [`${space}# above ${index}`] : []),
              what === 'behind' || what === 'both' ? `${row} # behind ${index}` : row,
            ];
          });
          const text = [...lines, '# end 1', ''].join(eol);
          const json = convert(config(text))!;
          const yaml = convert(config(json, 'json'))!;
          expect(value(json, 'json')).toEqual(value(text));
          expect(value(yaml)).toEqual(value(text));
          const numbers = (given: string) =>
            [...given.matchAll(/(?:above|behind|end) \d+/g)].map(([word]) => word);
          expect(numbers(json)).toEqual(numbers(text));
          expect(numbers(yaml)).toEqual(numbers(text));
          expect(places(yaml)).toEqual(places(json));
        },
      ),
      { numRuns: 200 },
    );
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

describe('both notations', () => {
  const NOTHING = { baseDir: null, model: null, modelProblem: null, report: null, changed: null };
  const found = (document: ReturnType<typeof config>) =>
    findAll(document, NOTHING).findings.map(({ code, path, severity }) => ({ code, path, severity }));
  const key = fc.constantFrom(
    'preset',
    'prezet',
    'subset_size',
    'ignored_scope',
    'advanced_parameters',
    'names',
    'overflow_fix',
    'weights_quantization_params',
    'num_bits',
    'disable_bias_correction',
    'fast_bias_correction',
  );
  const leaf = fc.constantFrom<unknown>(
    'mixed',
    'mixd',
    0,
    4,
    300,
    true,
    false,
    null,
    [],
    ['/a'],
    'yes please',
  );
  const { section } = fc.letrec((tie) => ({
    section: fc.dictionary(key, fc.oneof({ depthSize: 'small' }, leaf, tie('section')), { maxKeys: 5 }),
  }));
  it('property: have the same findings at the same places', () => {
    fc.assert(
      fc.property(section, (quantization) => {
        const whole = { model: 'm', data: { calibration: { arrays: 'a' } }, quantization };
        const json = config(JSON.stringify(whole, null, 2), 'json');
        const yaml = config(convert(json)!);
        expect(found(yaml)).toEqual(found(json));
      }),
      { numRuns: 500 },
    );
  });
});

describe('defaults', () => {
  const resolved = (text: string) => resolveConfig(value(text) as QuantizationConfig);
  it('in a text that aliases bring elsewhere are left alone: there it may mean something else', () => {
    const text = `quantization:
  preset: mixed
  advanced_parameters:
    weights_quantization_params: &q {num_bits: 8, mode: symmetric}
    activations_quantization_params: *q
`;
    expect(withoutDefaults(config(text))).toBe(text);
    const meaning = (given: string) =>
      resolveConfig(value(`model: m\ndata: {calibration: {arrays: a}}\n${given}`) as QuantizationConfig);
    const full = withDefaults(config(text));
    expect(full).toContain('subset_size: 300');
    expect(meaning(full)).toEqual(meaning(text));
  });
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
