import type { LayerChange, QuantizationConfig } from '@quantsmith/schemas';
import { expect, it } from 'vitest';
import { applied, config as parsed, type Language } from '../../test/kit/configs.js';
import { effectiveValue, NOTHING_INHERITED } from '../src/extends/inherit.js';
import { changeLayer } from '../src/features/changeLayer.js';

function changed(
  text: string,
  changes: readonly (readonly [string, LayerChange])[],
  language: Language = 'yaml',
) {
  return changes.reduce((current, [layer, change]) => {
    const document = parsed(current, language);
    const value = effectiveValue(document, NOTHING_INHERITED) as QuantizationConfig;
    const edits = changeLayer(document, layer, change, value);
    return edits === null ? 'no place' : applied(document, edits);
  }, text);
}

it('excludes a layer once', () => {
  expect(
    changed('model: m.onnx\n', [
      ['/a/Conv', 'exclude'],
      ['/a/Conv', 'exclude'],
      ['b', 'exclude'],
    ]),
  ).toBe('model: m.onnx\nquantization:\n  ignored_scope:\n    names:\n      - /a/Conv\n      - b\n');
});

it('joins layers that are set alike, and begins a new entry for others, which wins', () => {
  const changes = [
    ['a', 'half_range'],
    ['b', 'half_range'],
    ['b', 'half_range'],
    ['c', 'bits16'],
  ] as const;
  expect(changed('model: m.onnx\n', changes)).toBe(
    'model: m.onnx\nquantization:\n  overrides:\n    - {names: [a, b], half_range: true}\n    - {names: [c], num_bits: 16}\n',
  );
  expect(changed('{"model": "m.onnx"}', changes, 'json')).toBe(
    '{"model": "m.onnx", "quantization": { "overrides": [{ "names": ["a", "b"], "half_range": true }, { "names": ["c"], "num_bits": 16 }] }}',
  );
});

it('leaves entries alone that set more', () => {
  const text =
    'quantization:\n  overrides:\n    - names: [a]\n      half_range: true\n      per_channel: false\n';
  expect(changed(text, [['b', 'half_range']])).toBe(
    `${text.trimEnd()}\n    - {names: [b], half_range: true}\n`,
  );
});

it('takes the place of an empty list, and keeps what is inherited', () => {
  expect(changed('quantization:\n  overrides: null\n', [['a', 'bits16']])).toContain(
    'overrides: [{names: [a], num_bits: 16}]',
  );
  const document = parsed('extends: base.quant.yaml\n');
  const inherited = {
    quantization: { overrides: [{ names: ['z'], float: true }], ignored_scope: { names: ['first'] } },
  };
  const edits = (change: LayerChange) =>
    applied(document, changeLayer(document, 'a', change, inherited as unknown as QuantizationConfig) ?? []);
  expect(edits('half_range')).toContain('- {names: [z], float: true}\n    - {names: [a], half_range: true}');
  expect(edits('exclude')).toContain('- first\n      - a');
});

it('finds no place in an alias', () => {
  const text = 'x: &list []\nquantization:\n  overrides: *list\n';
  expect(changed(text, [['a', 'bits16']])).toBe('no place');
});
