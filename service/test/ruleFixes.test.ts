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
