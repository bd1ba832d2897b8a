import { resolveConfig, type QuantizationConfig, type ResolvedConfig } from '@quantsmith/schemas';
import type { ConfigDocument } from '../document/document.js';
import { findEntry, findNode, isShared, type Path } from '../document/tree.js';
import { removeKey, setValue } from '../document/edit.js';
import type { Code, Finding, Severity } from '../diagnostics.js';
import { fix, type FixTable } from './fix.js';

/** A rule on settings that belong together; `path` is where it is shown, if it is written there. */
interface SettingRule {
  readonly code: Code;
  readonly severity: Severity;
  readonly path: Path;
  readonly applies: (config: ResolvedConfig) => boolean;
  readonly message: string;
  readonly suggestions?: readonly string[];
}

const ADVANCED = ['quantization', 'advanced_parameters'] as const;
const RESTORER = ['accuracy_control', 'advanced_accuracy_restorer_params'] as const;

const advanced = (config: ResolvedConfig) => config.quantization.advanced_parameters;
const correctionOff = (config: ResolvedConfig) => advanced(config).disable_bias_correction;

const estimatorRules: SettingRule[] = (
  ['activations_range_estimator_params', 'weights_range_estimator_params'] as const
).flatMap((key) =>
  (['min', 'max'] as const).map((side) => ({
    code: 'dead-setting' as const,
    severity: 'warning' as const,
    path: [...ADVANCED, key, side, 'quantile_outlier_prob'],
    applies: (config: ResolvedConfig) => {
      const { statistics_type: statistic = '', aggregator_type: aggregator = '' } =
        advanced(config)[key][side];
      return !/quantile/.test(statistic) && !/no_outliers/.test(aggregator);
    },
    message:
      'quantile_outlier_prob has no effect: neither a quantile statistic nor a no_outliers aggregator is set.',
  })),
);

const ESTIMATORS = ['activations_range_estimator_params', 'weights_range_estimator_params'] as const;

/** One histogram gives both borders, of whole tensors. */
const histogramRules: SettingRule[] = ESTIMATORS.flatMap((key) =>
  (['min', 'max'] as const).flatMap((side): SettingRule[] => {
    const histogram = (config: ResolvedConfig, at: 'min' | 'max') =>
      advanced(config)[key][at].aggregator_type === 'histogram';
    const path = [...ADVANCED, key, side, 'aggregator_type'];
    const other = side === 'min' ? 'max' : 'min';
    const perChannel = (config: ResolvedConfig) =>
      key === 'weights_range_estimator_params' ||
      advanced(config).activations_quantization_params.per_channel === true;
    return [
      {
        code: 'dead-setting',
        severity: 'warning',
        path,
        applies: (config) => histogram(config, side) && perChannel(config),
        message: 'histogram has no effect here: it serves activations with one scale for the whole tensor.',
      },
      {
        code: 'conflicting-settings',
        severity: 'warning',
        path,
        applies: (config) => histogram(config, side) && !histogram(config, other) && !perChannel(config),
        message: `One histogram gives both borders: set aggregator_type of ${other} to histogram too.`,
      },
    ];
  }),
);

/** The engine takes the first value where a channel has none. */
const channelRules: SettingRule[] = (['calibration', 'validation'] as const).flatMap((section) =>
  (['mean', 'std'] as const).flatMap((key) =>
    ([1, 3] as const).map((channels): SettingRule => ({
      code: 'conflicting-settings',
      severity: 'warning',
      path: ['data', section, 'preprocess', key],
      applies: ({ data }) => {
        const preprocess = data[section]?.preprocess;
        const values = preprocess?.[key];
        const has = preprocess?.color === 'gray' ? 1 : 3;
        return Array.isArray(values) && values.length > 1 && has === channels && values.length !== channels;
      },
      message:
        channels === 1
          ? `A gray image has one channel: of ${key} the first value counts.`
          : `A colour image has three channels: ${key} needs one value, or three.`,
    })),
  ),
);

const UPSIDE_DOWN = { min: 'max', max: 'min' } as const;

/** A border taken from the other end of the values. */
const borderRules: SettingRule[] = (
  ['activations_range_estimator_params', 'weights_range_estimator_params'] as const
).flatMap((key) =>
  (['min', 'max'] as const).map((side) => ({
    code: 'conflicting-settings' as const,
    severity: 'warning' as const,
    path: [...ADVANCED, key, side, 'statistics_type'],
    applies: (config: ResolvedConfig) => advanced(config)[key][side].statistics_type === UPSIDE_DOWN[side],
    message: `The ${side === 'min' ? 'lower' : 'upper'} border of a range cannot come from the ${side === 'min' ? 'largest' : 'smallest'} values.`,
    suggestions: [side],
  })),
);

/** `dead-setting`, `conflicting-settings`, `deprecated-value`: decided from the config alone. */
const RULES: readonly SettingRule[] = [
  ...channelRules,
  {
    code: 'conflicting-settings',
    severity: 'error',
    path: [...ADVANCED, 'weights_quantization_params', 'mode'],
    applies: (config) =>
      advanced(config).weights_quantization_params.mode === 'asymmetric' &&
      advanced(config).weights_quantization_params.num_bits === 8 &&
      advanced(config).overflow_fix !== 'disable',
    message:
      'Asymmetric weights cannot take half of the range: set overflow_fix to disable, or the weights to symmetric.',
    suggestions: ['symmetric'],
  },
  {
    code: 'dead-setting',
    severity: 'warning',
    path: [...ADVANCED, 'overflow_fix'],
    applies: (config) =>
      advanced(config).weights_quantization_params.num_bits !== 8 &&
      advanced(config).overflow_fix !== 'disable',
    message: 'overflow_fix has no effect: only 8-bit weights can overflow.',
  },
  {
    code: 'dead-setting',
    severity: 'warning',
    path: [...ADVANCED, 'overflow_fix'],
    applies: (config) =>
      advanced(config).overflow_fix === 'auto' &&
      /^(avx512_vnni|avx_vnni|amx)$/.test(advanced(config).backend_params.target_isa),
    message: 'overflow_fix: auto has no effect: on the CPUs that target_isa names no sum saturates.',
  },
  {
    code: 'dead-setting',
    severity: 'warning',
    path: ['quantization', 'fast_bias_correction'],
    applies: correctionOff,
    message: 'fast_bias_correction has no effect: disable_bias_correction is true.',
  },
  {
    code: 'dead-setting',
    severity: 'warning',
    path: [...ADVANCED, 'bias_correction_params'],
    applies: correctionOff,
    message: 'bias_correction_params has no effect: disable_bias_correction is true.',
  },
  {
    code: 'dead-setting',
    severity: 'warning',
    path: [...ADVANCED, 'smooth_quant_alphas'],
    applies: (config) => config.quantization.model_type !== 'transformer',
    message: 'smooth_quant_alphas has no effect without model_type: transformer.',
  },
  {
    code: 'dead-setting',
    severity: 'warning',
    path: [...RESTORER, 'ranking_subset_size'],
    applies: (config) => config.accuracy_control === null,
    message: 'ranking_subset_size has no effect without accuracy control.',
  },
  {
    code: 'no-integer-kernel',
    severity: 'warning',
    path: [...ADVANCED, 'activations_quantization_params', 'per_channel'],
    applies: (config) =>
      advanced(config).activations_quantization_params.per_channel === true &&
      advanced(config).backend_params.runtime === 'onnxruntime',
    message:
      'ONNX Runtime has no integer kernels for per-channel activations: such operators compute in float.',
    suggestions: ['false'],
  },
  {
    code: 'no-integer-kernel',
    severity: 'warning',
    path: [...ADVANCED, 'activations_quantization_params', 'num_bits'],
    applies: (config) => advanced(config).activations_quantization_params.num_bits !== 8,
    message: 'Only 8-bit activations have integer kernels: operators compute in float on the rounded values.',
    suggestions: ['8'],
  },
  {
    code: 'no-integer-kernel',
    severity: 'warning',
    path: [...ADVANCED, 'weights_quantization_params', 'num_bits'],
    applies: (config) => advanced(config).weights_quantization_params.num_bits > 8,
    message:
      'Weights of more than 8 bits have no integer kernels: operators compute in float on the rounded values.',
    suggestions: ['8'],
  },
  ...estimatorRules,
  ...borderRules,
  ...histogramRules,
];

export function settingFindings(document: ConfigDocument, config: QuantizationConfig): Finding[] {
  const complete = resolveConfig(config);
  const found = RULES.flatMap((rule) => {
    const entry = findEntry(document.tree, rule.path);
    if (entry === undefined || !rule.applies(complete)) return [];
    const span = rule.suggestions === undefined ? entry.keySpan : (entry.value ?? entry.keySpan);
    return [
      {
        code: rule.code,
        severity: rule.severity,
        message: rule.message,
        start: span.start,
        end: span.end,
        path: rule.path,
        data: rule.suggestions === undefined ? {} : { suggestions: rule.suggestions },
      },
    ];
  });
  return [...found, ...deprecatedFindings(document)];
}

function deprecatedFindings(document: ConfigDocument): Finding[] {
  const path = [...ADVANCED, 'overflow_fix'];
  const node = findNode(document.tree, path);
  if (node?.kind !== 'scalar' || node.value !== 'first_layer_only') return [];
  return [
    {
      code: 'deprecated-value',
      severity: 'hint',
      message: 'first_layer_only is the older spelling of first_layer.',
      start: node.start,
      end: node.end,
      path,
      data: { suggestions: ['first_layer'] },
    },
  ];
}

export const settingFixes: FixTable = {
  'dead-setting'(document, { path }) {
    const entry = findEntry(document.tree, path);
    // What has no effect here may have one where an alias brings it.
    if (entry === undefined || isShared(document.tree, entry)) return [];
    return fix(`Remove ${String(path.at(-1))}`, removeKey(document, path), true);
  },
  'conflicting-settings'(document, { path }) {
    const [key = '', side] = path.slice(-3).map(String);
    if (path.at(-1) === 'aggregator_type') {
      const other = [...ADVANCED, key, side === 'min' ? 'max' : 'min', 'aggregator_type'];
      return fix('Set both sides to histogram', setValue(document, other, 'histogram'), true);
    }
    if (path.at(-1) !== 'mode') return [];
    return fix('Set overflow_fix to disable', setValue(document, [...ADVANCED, 'overflow_fix'], 'disable'));
  },
};
