import { describe, expect, it } from 'vitest';
import { codeActions, fixAll } from '../src/features/codeActions.js';
import { toDiagnostics } from '../src/features/diagnostics.js';
import { findAll, fixesOf } from '../src/rules/all.js';
import { applied, config } from '../../test/kit/configs.js';
import { fixed, found, HEAD, model, NOTHING, scope } from './ruleKit.js';

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

  it.each(['int8', 'uint8', '"8"', 'QInt8', 'torch.int8', 'i8', 'INT8', '8 bits'])(
    'num_bits: %s means 8',
    (written) => {
      const isUnsigned = written === 'uint8';
      for (const [key, isOther] of [
        ['weights_quantization_params: {num_bits: ', isUnsigned],
        ['activations_quantization_params: {num_bits: ', !isUnsigned && /^\w*\.?[qi]/i.test(written)],
      ] as const) {
        const text = `${HEAD}quantization: {advanced_parameters: {${key}${written}}}}\n`;
        if (!isOther) {
          expect(fixed(text, 'wrong-type')).toBe(`${HEAD}quantization: {advanced_parameters: {${key}8}}}\n`);
          continue;
        }

        // 8 would be codes of the other sign.
        const [found] = findAll(config(text), NOTHING).findings;
        expect(found).toMatchObject({
          message: expect.stringMatching(/must be an integer: a number of bits\. .* signedness_to_force\.$/),
          data: {},
        });
      }

      expect(
        fixed(`${HEAD}quantization: {overrides: [{types: [Add], num_bits: ${written}}]}\n`, 'wrong-type'),
      ).toBe(`${HEAD}quantization: {overrides: [{types: [Add], num_bits: 8}]}\n`);
    },
  );

  it.each([
    ['int8', '8'],
    ['INT8', '8'],
    ['uint8', 'uint8'],
    ['torch.quint8', 'torch.quint8'],
    ['u8', 'u8'],
  ])('all at once, num_bits: %s becomes %s: no sign is dropped unasked', (written, expected) => {
    const text = (bits: string) =>
      `${HEAD}quantization:\n  preset: mixed\n  overrides: [{types: [Add], num_bits: ${bits}}]\n`;
    const document = config(text(written).replace('mixed', 'mixd'));
    const [action] = fixAll(document, (current) => findAll(current, NOTHING).findings);
    expect(applied(document, action!.edit!.changes![document.text.uri]!)).toBe(text(expected));
  });

  it('what an entry of overrides has itself stays in it', () => {
    const entry = (inner: string) => `${HEAD}quantization:\n  overrides:\n    - types: [Add]\n${inner}`;
    const message = (text: string) =>
      findAll(config(text), { ...NOTHING, model }).findings.find(({ code }) => code === 'unknown-key')
        ?.message;
    for (const key of ['weights', 'activations', 'weights_quantization_params', 'weight_type'])
      expect(message(entry(`      ${key}: {num_bits: 4}\n`))).toMatch(
        /^Unknown key "\w+" in "quantization.overrides\[0\]". In an entry, "num_bits", "mode", .*"per_channel".* without/,
      );
    expect(fixed(entry('      weights: {num_bits: 4, per_channel: false}\n'), 'unknown-key', { model })).toBe(
      entry('      num_bits: 4\n      per_channel: false\n'),
    );
    // Two numbers of bits are no matter of spelling.
    const twice = config(entry('      num_bits: 8\n      weights: {num_bits: 4}\n'));
    const finding = findAll(twice, { ...NOTHING, model }).findings.find(
      ({ code }) => code === 'unknown-key',
    )!;
    expect(fixesOf(twice, { ...finding, data: finding.data ?? {} }).map(({ title }) => title)).toEqual([
      'Remove weights',
    ]);
    expect(message(`${HEAD}quantization:\n  weights: {num_bits: 4}\n`)).toContain(
      'weights_quantization_params',
    );
  });

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
