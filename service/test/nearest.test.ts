import { expect, it } from 'vitest';
import { findAll } from '../src/rules/all.js';
import { config } from '../../test/kit/configs.js';

it.each([
  ['modle: m.onnx', 'Unknown key "modle" in the config. Did you mean "model"?'],
  ['model: m.onnx\ndtaa: {}', 'Unknown key "dtaa" in the config. Did you mean "data"?'],
  ['quantization: {preset: mxied}', '"quantization.preset" cannot be mxied. Did you mean mixed?'],
  [
    'nodes_to_exclude: [a]',
    'Unknown key "nodes_to_exclude" in the config. Here it is "quantization.ignored_scope.names".',
  ],
  ['quantization: []', '"quantization" must be a mapping.'],
  ['quantization: {ignored_scope: {names: {}}}', '"quantization.ignored_scope.names" must be a list.'],
  ['model: a\nmodel: b', 'Duplicate key "model"; the first is on line 1.'],
  ['model: *where', 'Undefined anchor "where".'],
])('%j: %s', (text, message) => {
  expect(findAll(config(text), {}).findings.map((finding) => finding.message)).toContain(message);
});
