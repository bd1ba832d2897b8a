import { expect, it } from 'vitest';
import { findAll } from '../src/rules/all.js';
import { nearest } from '../src/rules/nearest.js';
import { config } from '../../test/kit/configs.js';

it.each([
  ['modle: m.onnx', 'Unknown key "modle" in the config. Did you mean "model"?'],
  ['model: m.onnx\ndtaa: {}', 'Unknown key "dtaa" in the config. Did you mean "data"?'],
  ['quantization: {preset: mxied}', '"quantization.preset" cannot be mxied. Did you mean mixed?'],
  [
    'nodes_to_exclude: [a]',
    'Unknown key "nodes_to_exclude" in the config. Here it is "quantization.ignored_scope.names".',
  ],
  [
    'quantization: {calibrate_method: MinMax}',
    'Unknown key "calibrate_method" in "quantization". Here it is "quantization.advanced_parameters.activations_range_estimator_params".',
  ],
  [
    'quantization: {activation_type: QUInt8}',
    'Unknown key "activation_type" in "quantization". Here it is "quantization.advanced_parameters.activations_quantization_params".',
  ],
  [
    'quant_format: QDQ',
    'Unknown key "quant_format" in the config. Models are always written with QuantizeLinear and DequantizeLinear (QDQ).',
  ],
  [
    'tolerable_loss: 0.01',
    'Unknown key "tolerable_loss" in the config. Here it is "accuracy_control.max_drop".',
  ],
  [
    'quantization: {target_device: TargetDevice.CPU}',
    '"quantization.target_device" cannot be TargetDevice.CPU. Did you mean CPU?',
  ],
  [
    'quantization: {preset: QuantizationPreset.MIXED}',
    '"quantization.preset" cannot be QuantizationPreset.MIXED. Did you mean mixed?',
  ],
  [
    'quantization: {advanced_parameters: {activations_range_estimator_params: RangeEstimatorParametersSet.MEAN_MINMAX}}',
    '"quantization.advanced_parameters.activations_range_estimator_params" cannot be RangeEstimatorParametersSet.MEAN_MINMAX. Did you mean mean_minmax?',
  ],
  [
    'quantization: {advanced_parameters: {activations_range_estimator_params: Percentile}}',
    '"quantization.advanced_parameters.activations_range_estimator_params" cannot be Percentile. Did you mean mean_quantile?',
  ],
  ['quantization: []', '"quantization" must be a mapping.'],
  ['quantization: {ignored_scope: {names: {}}}', '"quantization.ignored_scope.names" must be a list.'],
  ['model: a\nmodel: b', 'Duplicate key "model"; the first is on line 1.'],
  ['model: *where', 'Undefined anchor "where".'],
])('%j: %s', (text, message) => {
  expect(findAll(config(text), {}).findings.map((finding) => finding.message)).toContain(message);
});

const layers = Array.from(
  { length: 5000 },
  (_, index) => `/features/features.${index}/conv/conv.${index % 3}/Conv`,
);

it.each([
  ['/features/features.4977/conv/conv.0/Convx', '/features/features.4977/conv/conv.0/Conv'],
  ['/features/features.497/conv/conv.2/Cnov', '/features/features.497/conv/conv.2/Conv'],
  ['/FEATURES/features.12/conv/conv.0/Conv', '/features/features.12/conv/conv.0/Conv'],
  ['/feature/features.3000/conv/conv.0/Conv', '/features/features.3000/conv/conv.0/Conv'],
])('%s among thousands of layers is %s', (written, meant) => {
  expect(nearest(written, layers)[0]).toBe(meant);
});

it.each([
  ['abcd', ['abdc', 'axxd'], ['abdc']],
  ['ab', ['ba', 'abc', 'x'], ['abc', 'ba']],
  ['', ['a', 'bcdef'], ['a']],
  ['conv-1', ['Conv_1', 'conv_2'], ['Conv_1']],
])('%s among %j', (written, candidates, found) => expect(nearest(written, candidates)).toEqual(found));
