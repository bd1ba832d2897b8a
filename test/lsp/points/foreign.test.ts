import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { npyBytes, npyHeader } from '../../kit/npy.js';
import { startPoints, type PointSession } from './session.js';

// What other tools and scripts call things (docs/features.md, 12): a text, and all findings of it.

const HEAD = 'model: m.onnx\ndata: {calibration: {arrays: a.npy}}\n';

/** What is no key in the left columns of docs/coming-from.md, or the same key here. */
const CLASSES_AND_VALUES: ReadonlySet<string> = new Set([
  ...['CalibrationDataReader', 'DataLoader', 'Metric', 'IEEngine', 'HISTOGRAM', 'name', 'mode'],
  ...['OnnxConversion', 'OnnxStaticQuantization', 'OnnxDynamicQuantization'],
]);

let session: PointSession;
beforeAll(async () => {
  session = await startPoints();
  session.write('a.npy', npyBytes(npyHeader('<f4', [2, 3, 32, 32]), new Uint8Array(4 * 2 * 3 * 32 * 32)));
});
afterAll(() => session.stop());

describe('names of other tools point to ours', () => {
  it.each([
    // ONNX Runtime
    ['nodes_to_exclude: [Conv_0]', 'quantization.ignored_scope.names'],
    ['op_types_to_exclude: [Conv]', 'quantization.ignored_scope.types'],
    ['calibrate_method: MinMax', 'quantization.advanced_parameters.activations_range_estimator_params'],
    ['activation_type: QInt8', 'quantization.advanced_parameters.activations_quantization_params'],
    ['weight_type: QInt8', 'quantization.advanced_parameters.weights_quantization_params'],
    ['reduce_range: true', 'quantization.advanced_parameters.overflow_fix'],
    ['per_channel: true', 'quantization.advanced_parameters.weights_quantization_params.per_channel'],
    ['model_input: m.onnx', 'model'],
    ['calibration_data_reader: r', 'data.calibration'],
    ['extra_options: {}', 'quantization.advanced_parameters'],
    ['TensorQuantOverrides: {}', 'quantization.overrides'],
    ['SmoothQuant: true', /comes with "quantization.model_type: transformer"/],
    ['quant_format: QDQ', /always written with QuantizeLinear and DequantizeLinear/],
    [
      'op_types_to_quantize: [Conv]',
      /Everything is quantized except what "quantization.ignored_scope" names/,
    ],
    // NNCF
    ['calibration_dataset: d', 'data.calibration'],
    ['validation_fn: f', 'accuracy_control.metric'],
    ['backend: ONNX', 'quantization.advanced_parameters.backend_params.runtime'],
    ['num_ranking_workers: 4', 'quantization.advanced_parameters.backend_params.threads'],
    ['restore_mode: activations_only', /with its weights and activations/],
    // POT
    ['engine: {}', 'data'],
    ['compression: {}', 'quantization'],
    ['algorithms: []', 'quantization'],
    ['stat_subset_size: 2', 'quantization.subset_size'],
    ['maximal_drop: 0.01', 'accuracy_control.max_drop'],
    ['ignored: {}', 'quantization.ignored_scope'],
    ['saturation_fix: first_layer', 'quantization.advanced_parameters.overflow_fix'],
    ['use_fast_bias: true', 'quantization.fast_bias_correction'],
    // INC
    ['tuning: {}', 'accuracy_control'],
    ['op_type_dict: {}', 'quantization.overrides'],
    ['calibration_sampling_size: 2', 'quantization.subset_size'],
    ['tolerable_loss: 0.01', 'accuracy_control.max_drop'],
    ['approach: post_training_static_quant', /always static and post-training/],
    ['max_trials: 3', 'accuracy_control.advanced_accuracy_restorer_params.max_num_iterations'],
    ['eval_func: f', 'accuracy_control.metric'],
    // Olive
    ['input_model: m.onnx', 'model'],
    ['output_dir: out', 'output'],
    ['data_config: d', 'data'],
    ['evaluators: {}', 'accuracy_control'],
    ['search_strategy: {}', 'matrix'],
    ['user_script: data.py', 'data.calibration.loader'],
    ['weight_bits: 4', 'quantization.advanced_parameters.weights_quantization_params.num_bits'],
    ['quant_mode: static', /always static and post-training/],
    ['passes: {}', /one quantization/],
    // Scripts
    ['num_calib_samples: 2', 'quantization.subset_size'],
    ['seed: 1', /Nothing is random/],
    ['batch_size: 8', /follows from the model/],
    ['framework: onnxrt', /always ONNX/],
  ])('%s', async (line, ours) => {
    const [finding, ...others] = await (await session.open(`${HEAD}${line}\n`)).found();
    expect(others).toEqual([]);
    const key = line.slice(0, line.indexOf(':'));
    if (typeof ours === 'string')
      expect(finding).toBe(`unknown-key 3: Unknown key "${key}" in the config. Here it is "${ours}".`);
    else expect(finding).toMatch(ours);
  });

  it.each([
    [
      '{npy: a.npy}',
      'unknown-key 2: Unknown key "npy" in "data.calibration". Here it is "data.calibration.arrays".',
    ],
    ['{array: a.npy}', 'unknown-key 2: Unknown key "array" in "data.calibration". Did you mean "arrays"?'],
    [
      '{arrays: a.npy, images: empty}',
      'data-source 2: data.calibration takes one source, not arrays and images.',
    ],
  ])('a source under another name, or two: data.calibration: %s', async (source, finding) => {
    session.write('empty/.gitkeep');
    const config = await session.open(`model: m.onnx\ndata: {calibration: ${source}}\n`);
    expect(await config.found()).toEqual([finding]);
  });

  it.each([
    ['names: ["Conv_*"]', 'Conv_*'],
    ['names: ["{re}Conv.*"]', '{re}Conv.*'],
  ])('a pattern among names: %s', async (line, written) => {
    expect(await (await session.open(`${HEAD}quantization: {ignored_scope: {${line}}}\n`)).found()).toEqual([
      `unknown-node 3: The model has no node "${written}": names are exact. Regular expressions go under "patterns".`,
    ]);
  });

  it('every key that docs/coming-from.md lists', async () => {
    const page = readFileSync(new URL('../../../docs/coming-from.md', import.meta.url), 'utf8');
    const left = page.split('\n').flatMap((line) => /^\|([^|]*)\|/.exec(line)?.[1] ?? []);
    const code = left.flatMap((cell) => [...cell.matchAll(/`"?([^`"]+)/g)].map(([, text = '']) => text));
    const names = code.flatMap((text) => /^(?:extra_options\.)?(\w+)(?:=.*|:.*)?$/.exec(text)?.[1] ?? []);
    const keys = [...new Set(names)].filter((name) => !CLASSES_AND_VALUES.has(name));
    expect(keys.length).toBeGreaterThan(45);
    const findings = await (await session.open(HEAD + keys.map((key) => `${key}: 1\n`).join(''))).found();
    expect(findings.filter((finding) => /in the config\.$|Did you mean/.test(finding))).toEqual([]);
    expect(findings.map((finding) => /"(\w+)"/.exec(finding)?.[1])).toEqual(keys);
  });

  it('a key of a section is that key, whatever is written like it', async () => {
    expect(await (await session.open(`${HEAD}metric: top1\n`)).found()).toEqual([
      'unknown-key 3: Unknown key "metric" in the config. It belongs under "accuracy_control".',
    ]);
  });

  it.each([
    ['target_device: TargetDevice.CPU', 'CPU'],
    ['target_device: cuda', 'GPU'],
    ['preset: QuantizationPreset.MIXED', 'mixed'],
    ['model_type: ModelType.TRANSFORMER', 'transformer'],
    ['advanced_parameters: {overflow_fix: OverflowFix.DISABLE}', 'disable'],
    [
      'advanced_parameters: {activations_range_estimator_params: RangeEstimatorParametersSet.MEAN_MINMAX}',
      'mean_minmax',
    ],
    [
      'advanced_parameters: {activations_range_estimator_params: {min: {statistics_type: StatisticsType.MIN}}}',
      'min',
    ],
    [
      'advanced_parameters: {activations_range_estimator_params: {min: {aggregator_type: AggregatorType.MEAN}}}',
      'mean',
    ],
  ])('%s', async (line, ours) => {
    const config = await session.open(`${HEAD}quantization: {${line}}\n`);
    expect(await config.found()).toContainEqual(expect.stringContaining(`Did you mean ${ours}?`));
    const python = /[A-Z]\w*\.[A-Z_]+|cuda/.exec(line)?.[0] ?? '';
    expect(await config.after(`Change to ${ours}`)).toBe(config.text.replace(python, ours));
  });
});
