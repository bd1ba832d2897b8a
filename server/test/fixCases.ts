import { NO_SECTION_FACTS } from '../../service/src/facts/facts.js';
import type { RuleContext } from '../../service/src/rules/all.js';
import { facts } from '../../test/kit/facts.js';
import { summary } from '../../test/kit/summary.js';

export type Value = { [key: string]: Value } | Value[] | string | number | boolean | null;
export type Mapping = { [key: string]: Value };

const model = summary({
  nodes: [
    { name: '/stem/Conv', op: 'Conv', constants: {}, outputs: ['features'] },
    { name: '/add', op: 'Add', constants: {}, outputs: [] },
  ],
  inputs: [{ name: 'image', type: 'float32', dims: [] }],
});
export const base: Mapping = { model: 'm.onnx', data: { calibration: { arrays: 'a.npy' } } };

/** A problem, a fix by its title, and what is left of the config by it. */
export interface Case {
  readonly code: string;
  readonly before: Mapping;
  readonly title: RegExp;
  readonly after: Mapping;
  readonly context?: Partial<RuleContext>;
  readonly preferred?: boolean;
}
export const quantization = (inner: Mapping): Mapping => ({ ...base, quantization: inner });
export const scope = (inner: Mapping) => quantization({ ignored_scope: inner, subset_size: 9 });
const advanced = (inner: Mapping) => quantization({ preset: 'mixed', advanced_parameters: inner });
export const weights = (inner: Mapping) => advanced({ weights_quantization_params: inner });

/** Images of 3 × 8 × 8 to ten classes. */
const classifier = summary({
  nodes: model.nodes,
  inputs: [{ name: 'image', type: 'float32', dims: ['N', 3, 8, 8] }],
  outputs: [{ name: 'logits', type: 'float32', dims: ['N', 10] }],
});
const calibration = (inner: Mapping): Mapping => ({ model: 'm.onnx', data: { calibration: inner } });
const images = (preprocess: Mapping) => calibration({ images: 'train', preprocess });
const both = (scale: number) => ({
  model: 'm.onnx',
  data: {
    calibration: { images: 'train', preprocess: { scale: 255 } },
    validation: { images: 'val', preprocess: { scale } },
  },
});

const validated: Mapping = {
  model: 'm.onnx',
  data: { calibration: { arrays: 'a.npy' }, validation: { arrays: 'b.npy', labels: 'b.csv' } },
};
const objective: Mapping = { minimize: 'size', subject_to: { max_drop: 0.01 } };

const histogram = (min: string, max: string) =>
  advanced({
    activations_range_estimator_params: { min: { aggregator_type: min }, max: { aggregator_type: max } },
  });

export const CASES: Case[] = [
  {
    code: 'objective-conflict',
    before: { ...validated, accuracy_control: { metric: 'top1', max_drop: 0.02 }, objective },
    title: /^Remove accuracy_control.max_drop$/,
    after: { ...validated, accuracy_control: { metric: 'top1' }, objective },
  },
  {
    code: 'tokenizer-missing',
    before: calibration({ texts: 'train.txt' }),
    title: /^Name tokenizer.json$/,
    after: calibration({ texts: 'train.txt', tokenizer: './tokenizer.json' }),
    context: {},
  },
  {
    code: 'sample-shape',
    before: images({ resize: 9, center_crop: 9 }),
    title: /^Set preprocess.center_crop to 8$/,
    after: images({ resize: 9, center_crop: 8 }),
    context: { model: classifier },
    preferred: true,
  },
  {
    code: 'sample-shape',
    before: images({ resize: [8, 8], color: 'gray' }),
    title: /^Set preprocess.color to "rgb"$/,
    after: images({ resize: [8, 8], color: 'rgb' }),
    context: { model: classifier },
    preferred: true,
  },
  {
    code: 'sample-shape',
    before: images({ resize: [8, 8], layout: 'nhwc' }),
    title: /^Set preprocess.layout to "nchw"$/,
    after: images({ resize: [8, 8], layout: 'nchw' }),
    context: { model: classifier },
    preferred: true,
  },
  {
    code: 'source-kind',
    before: calibration({ images: 'train.npy', limit: 3 }),
    title: /^Change to arrays$/,
    after: calibration({ arrays: 'train.npy', limit: 3 }),
    context: { baseDir: '/folder', facts: facts({ kinds: new Map([['/folder/train.npy', 'file']]) }) },
    preferred: true,
  },
  {
    code: 'normalization-doubtful',
    before: images({ scale: 0.0039, color: 'rgb' }),
    title: /^Set scale to 255$/,
    after: images({ scale: 255, color: 'rgb' }),
    preferred: true,
  },
  {
    code: 'normalization-doubtful',
    before: images({ scale: 255, mean: [123.7, 116.3, 103.5], std: [58.4, 57.1, 57.4] }),
    title: /^Remove scale$/,
    after: images({ mean: [123.7, 116.3, 103.5], std: [58.4, 57.1, 57.4] }),
    preferred: true,
  },
  {
    code: 'preprocess-differs',
    before: both(1),
    title: /^Set scale to 255$/,
    after: both(255),
    preferred: true,
  },
  {
    code: 'model-type-unfit',
    before: quantization({ preset: 'mixed', model_type: 'transformer' }),
    title: /^Remove model_type$/,
    after: quantization({ preset: 'mixed' }),
    context: { model: classifier },
    preferred: true,
  },
  {
    code: 'target-unreachable',
    before: { ...base, accuracy_control: { metric: 'sqnr', max_drop: 0.01 } },
    title: /^Write target: 30$/,
    after: { ...base, accuracy_control: { metric: 'sqnr', target: 30 } },
    preferred: true,
  },
  {
    code: 'max-drop-of-float',
    before: { ...base, accuracy_control: { metric: 'agreement', max_drop: 0.01 } },
    title: /^Write target: 0.99$/,
    after: { ...base, accuracy_control: { metric: 'agreement', target: 0.99 } },
    preferred: true,
  },
  {
    code: 'unknown-value',
    before: quantization({ preset: 'mixd', subset_size: 3 }),
    title: /mixed/,
    after: quantization({ preset: 'mixed', subset_size: 3 }),
    preferred: true,
  },
  {
    code: 'unknown-key',
    before: { ...base, quantisation: { preset: 'mixed' } },
    title: /Change to quantization/,
    after: quantization({ preset: 'mixed' }),
    preferred: true,
  },
  {
    code: 'unknown-key',
    before: { subset_size: 9, ...quantization({ preset: 'mixed' }) },
    title: /^Move subset_size to quantization$/,
    after: quantization({ preset: 'mixed', subset_size: 9 }),
  },
  {
    code: 'unknown-key',
    before: quantization({ preset: 'mixed', max_drop: 0.5 }),
    title: /^Move max_drop to accuracy_control$/,
    after: { ...quantization({ preset: 'mixed' }), accuracy_control: { max_drop: 0.5 } },
  },
  {
    code: 'wrong-type',
    before: { ...base, accuracy_control: { max_drop: '1.5 %' } },
    title: /Change to 0.015/,
    after: { ...base, accuracy_control: { max_drop: 0.015 } },
    preferred: true,
  },
  {
    code: 'unknown-node',
    before: scope({ names: ['features'] }),
    title: /Change to \/stem\/Conv/,
    after: scope({ names: ['/stem/Conv'] }),
    context: { model },
    preferred: true,
  },
  {
    code: 'pattern-invalid',
    before: scope({ patterns: ['*Conv'] }),
    title: /^Change to \.\*Conv$/,
    after: scope({ patterns: ['.*Conv'] }),
    context: { model },
  },
  {
    code: 'pattern-unmatched',
    before: scope({ patterns: ['/STEM.*'] }),
    title: /Change to \(\?i\)\/STEM\.\*/,
    after: scope({ patterns: ['(?i)/STEM.*'] }),
    context: { model },
    preferred: true,
  },
  { code: 'unknown-key', before: { foo: { a: 1, b: 2 }, ...base }, title: /Remove foo/, after: base },
  {
    code: 'missing-key',
    before: { model: 'm.onnx', quantization: { preset: 'mixed' } },
    title: /Add data/,
    after: { model: 'm.onnx', quantization: { preset: 'mixed' }, data: { calibration: {} } },
    preferred: true,
  },
  {
    code: 'wrong-type',
    before: quantization({ fast_bias_correction: 'yes' }),
    title: /true/,
    after: quantization({ fast_bias_correction: true }),
    preferred: true,
  },
  {
    code: 'wrong-type',
    before: scope({ names: '/stem/Conv' }),
    title: /list/,
    after: scope({ names: ['/stem/Conv'] }),
    preferred: true,
  },
  {
    code: 'out-of-range',
    before: quantization({ subset_size: 0 }),
    title: /Change to 1/,
    after: quantization({ subset_size: 1 }),
    preferred: true,
  },
  {
    code: 'data-source',
    before: { ...base, data: { calibration: { images: 'x', arrays: 'a.npy' } } },
    title: /Remove images/,
    after: base,
  },
  {
    code: 'dead-setting',
    before: quantization({
      fast_bias_correction: false,
      advanced_parameters: { disable_bias_correction: true },
    }),
    title: /Remove fast/,
    after: quantization({ advanced_parameters: { disable_bias_correction: true } }),
    preferred: true,
  },
  {
    code: 'conflicting-settings',
    before: advanced({ overflow_fix: 'enable', weights_quantization_params: { mode: 'asymmetric' } }),
    title: /Set overflow_fix/,
    after: advanced({ overflow_fix: 'disable', weights_quantization_params: { mode: 'asymmetric' } }),
  },
  {
    code: 'conflicting-settings',
    before: weights({ mode: 'asymmetric' }),
    title: /symmetric/,
    after: weights({ mode: 'symmetric' }),
    preferred: true,
  },
  {
    code: 'no-integer-kernel',
    before: weights({ num_bits: 12 }),
    title: /Change to 8/,
    after: weights({ num_bits: 8 }),
    preferred: true,
  },
  {
    code: 'deprecated-value',
    before: advanced({ overflow_fix: 'first_layer_only' }),
    title: /first_layer/,
    after: advanced({ overflow_fix: 'first_layer' }),
    preferred: true,
  },
  {
    code: 'metric-needs-labels',
    before: { ...base, accuracy_control: { metric: 'top1' } },
    title: /cosine/,
    after: { ...base, accuracy_control: { metric: 'cosine' } },
  },
  {
    code: 'unknown-node',
    before: scope({ names: ['/add', '/stm/Conv'] }),
    title: /stem/,
    after: scope({ names: ['/add', '/stem/Conv'] }),
    context: { model },
    preferred: true,
  },
  {
    code: 'unknown-operator',
    before: scope({ types: ['Conf'] }),
    title: /Conv/,
    after: scope({ types: ['Conv'] }),
    context: { model },
    preferred: true,
  },
  {
    code: 'pattern-unmatched',
    before: scope({ patterns: ['Conv'] }),
    title: /Conv/,
    after: scope({ patterns: ['.*Conv'] }),
    context: { model },
    preferred: true,
  },
  {
    code: 'pattern-invalid',
    before: scope({ patterns: ['/a(b'] }),
    title: /a/,
    after: scope({ patterns: ['/a\\(b'] }),
    preferred: true,
  },
  {
    code: 'schema-version',
    before: { $schema: 'urn:quantsmith:quantization-config:7', ...base },
    title: /urn/,
    after: { $schema: 'urn:quantsmith:quantization-config', ...base },
    preferred: true,
  },
  {
    code: 'ignored-already',
    before: scope({ names: ['/add', '/stem/Conv', '/add'] }),
    title: /Remove it/,
    after: scope({ names: ['/add', '/stem/Conv'] }),
    preferred: true,
  },
  {
    code: 'ignored-already',
    before: scope({ names: ['/stem/Conv', '/add'], types: ['Conv'] }),
    title: /Remove it/,
    after: scope({ names: ['/add'], types: ['Conv'] }),
    context: { model },
    preferred: true,
  },
  {
    code: 'ignored-already',
    before: scope({ names: ['/add'], patterns: ['/a'] }),
    title: /Remove it/,
    after: scope({ patterns: ['/a'] }),
    context: { model },
    preferred: true,
  },
  {
    code: 'sample-count',
    before: quantization({ subset_size: 500 }),
    title: /Change to 20/,
    after: quantization({ subset_size: 20 }),
    context: { facts: facts({ calibration: { ...NO_SECTION_FACTS, samples: 20 } }) },
    preferred: true,
  },
  {
    code: 'conflicting-settings',
    before: histogram('histogram', 'max'),
    title: /both sides/,
    after: histogram('histogram', 'histogram'),
    preferred: true,
  },
];
