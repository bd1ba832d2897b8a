import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { valueOf } from '../src/document/tree.js';
import { fixAll } from '../src/features/codeActions.js';
import { findAll } from '../src/rules/all.js';
import { applied, config } from '../../test/kit/configs.js';

const HEAD = 'model: m.onnx\ndata: {calibration: {arrays: a.npy}}\n';

function fixed(text: string): string {
  const document = config(text);
  const [action] = fixAll(document, (current) => findAll(current, {}).findings);
  return action === undefined ? text : applied(document, action.edit!.changes![document.text.uri]!);
}

describe('source.fixAll', () => {
  it.each([
    ['quantization: {preset: mixd}', 'quantization: {preset: mixed}'],
    ['quantisation: {presett: Mixed}', 'quantization: {preset: mixed}'],
    ['quantization: {subset_size: "300"}', 'quantization: {subset_size: 300}'],
    ['quantization: {fast_bias_correction: yes}', 'quantization: {fast_bias_correction: true}'],
    ['accuracy_control: {max_drop: 1 %}', 'accuracy_control: {max_drop: 0.01}'],
    [
      'quantization: {advanced_parameters: {overflow_fix: first_layer_only}}',
      'quantization: {advanced_parameters: {overflow_fix: first_layer}}',
    ],
  ])('%s becomes %s', (before, after) => expect(fixed(`${HEAD}${before}\n`)).toBe(`${HEAD}${after}\n`));

  it.each([
    'quantization: {advanced_parameters: {activations_quantization_params: {num_bits: 16}}}',
    'quantization: {advanced_parameters: {activations_quantization_params: {num_bits: 80}}}',
    'quantization: {advanced_parameters: {backend_params: {target_isa: [avx2]}}}',
    'quantization: {subset_size: 0}',
    'accuracy_control: {metric: top1, max_drop: 5}',
    'quantization: {ignored_scope: {patterns: ["(?=a)b"]}}',
    'quantization: {ignored_scope: {patterns: ["*conv"]}}',
    'quantization: {preset: mixed, presett: performance}',
    'quantization: {preset: mixd',
    'quantization: {preset: mixd}\nquantization: {}',
    'data: {}',
  ])('leaves %s as it is', (text) => expect(fixed(`${HEAD}${text}\n`)).toBe(`${HEAD}${text}\n`));

  it('property: twice is once, no number changes and no setting goes, in broken texts too', () => {
    const scalar = fc.constantFrom(
      'mixd',
      '"8"',
      '16',
      '0',
      'yes',
      '1 %',
      '.5',
      '[x]',
      '|',
      '{}',
      '~',
      '*a',
      '',
    );
    const key = fc.constantFrom(
      'preset',
      'presett',
      'subset_size',
      'quantisation',
      'quantization',
      'num_bits',
      'fast_bias_corection',
      'advanced_parameters',
      'overflow_fix',
      'target_isa',
      'activations_quantization_params',
    );
    const line = fc
      .tuple(fc.integer({ min: 0, max: 3 }), key, scalar, fc.constantFrom('', ' # note'))
      .map(([level, name, value, note]) => `${'  '.repeat(level)}${name}: ${value}${note}`);
    fc.assert(
      fc.property(fc.array(line, { maxLength: 6 }), (lines) => {
        const before = `${HEAD}${lines.join('\n')}\n`;
        const after = fixed(before);
        expect(fixed(after)).toBe(after);
        const numbers = (text: string) => leavesOf(valueOf(config(text).tree)).filter(isNumber).length;
        expect(numbers(after)).toBeGreaterThanOrEqual(numbers(before));
        expect(leavesOf(valueOf(config(after).tree))).toHaveLength(
          leavesOf(valueOf(config(before).tree)).length,
        );
        expect(after.split('#')).toHaveLength(before.split('#').length);
      }),
      { numRuns: 300 },
    );
  });
});

const isNumber = (value: unknown) => typeof value === 'number';

function leavesOf(value: unknown): unknown[] {
  if (typeof value !== 'object' || value === null) return [value];
  return Object.values(value).flatMap(leavesOf);
}
