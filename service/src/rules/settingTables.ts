import { isaSaturates, type ConfigPath, type ResolvedConfig } from '@quantsmith/schemas';
import type { Code, Severity } from '../findings/finding.js';

/** A rule on settings that belong together; `path` is where it is shown, if it is written there. */
export interface SettingRule {
  readonly code: Code;
  readonly severity: Severity;
  readonly path: ConfigPath;
  readonly applies: (config: ResolvedConfig) => boolean;
  readonly message: string;
  readonly suggestions?: readonly string[];
}

export const ADVANCED = ['quantization', 'advanced_parameters'] as const;
const RESTORER = ['accuracy_control', 'advanced_accuracy_restorer_params'] as const;

const advanced = (config: ResolvedConfig) => config.quantization.advanced_parameters;
const correctionOff = (config: ResolvedConfig) => advanced(config).disable_bias_correction;

const estimatorRules: SettingRule[] = (
  ['activations_range_estimator_params', 'weights_range_estimator_params'] as const
).flatMap((key) =>
  (['min', 'max'] as const).map((side) => ({
    code: 'dead-setting' as const,
    severity: 'warning' as const,
    path: [...ADVANCED, key, side, 'quantile_outlier_prob'] as const,
    applies: (config: ResolvedConfig) => {
      const { statistics_type: statistic = '', aggregator_type: aggregator = '' } =
        advanced(config)[key][side];

      return !/quantile/.test(statistic) && !/no_outliers/.test(aggregator);
    },
    message:
      'quantile_outlier_prob has no effect: neither a quantile statistic nor a no_outliers aggregator is set.',
  })),
);

export const ESTIMATORS = ['activations_range_estimator_params', 'weights_range_estimator_params'] as const;

/** One histogram gives both borders, of whole tensors. */
const histogramRules: SettingRule[] = ESTIMATORS.flatMap((key) =>
  (['min', 'max'] as const).flatMap((side): SettingRule[] => {
    const histogram = (config: ResolvedConfig, side: 'min' | 'max') =>
      advanced(config)[key][side].aggregator_type === 'histogram';

    const path = [...ADVANCED, key, side, 'aggregator_type'] as const;
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
        message:
          'histogram has no effect here: it applies to activations with one scale for the whole tensor.',
      },
      {
        code: 'conflicting-settings',
        severity: 'warning',
        path,
        applies: (config) => histogram(config, side) && !histogram(config, other) && !perChannel(config),
        message: `Both bounds come from one histogram: set aggregator_type of ${other} to histogram too.`,
      },
    ];
  }),
);

/**
 * The engine takes the first value where a channel has none. How many channels arrays have, the model says:
 * `normalization-doubtful` counts those.
 */
const channelRules: SettingRule[] = (['calibration', 'validation'] as const).flatMap((section) =>
  (['mean', 'std'] as const).flatMap((key) =>
    ([1, 3] as const).map((channels): SettingRule => ({
      code: 'conflicting-settings',
      severity: 'warning',
      path: ['data', section, 'preprocess', key],
      applies: ({ data }) => {
        const { images, preprocess } = data[section] ?? {};
        const values = images === undefined ? undefined : preprocess?.[key];
        const has = preprocess?.color === 'gray' ? 1 : 3;
        return Array.isArray(values) && values.length > 1 && has === channels && values.length !== channels;
      },
      message:
        channels === 1
          ? `A gray image has one channel: only the first value of ${key} is used.`
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
    path: [...ADVANCED, key, side, 'statistics_type'] as const,
    applies: (config: ResolvedConfig) => advanced(config)[key][side].statistics_type === UPSIDE_DOWN[side],
    message: `The ${side === 'min' ? 'lower' : 'upper'} bound of a range cannot come from the ${side === 'min' ? 'largest' : 'smallest'} values.`,
    suggestions: [side],
  })),
);

const KEYS = {
  activations: ['activations_range_estimator_params', 'activations_quantization_params'],
  weights: ['weights_range_estimator_params', 'weights_quantization_params'],
} as const;

const KINDS = ['activations', 'weights'] as const;

function isSymmetric(config: ResolvedConfig, kind: (typeof KINDS)[number]): boolean {
  return advanced(config)[`${kind}_quantization_params`].mode === 'symmetric';
}

/** What a limit of the values cannot be, and where it changes nothing. */
const clipRules: SettingRule[] = KINDS.flatMap((kind): SettingRule[] => {
  const [key] = KEYS[kind];
  const low = (config: ResolvedConfig) => advanced(config)[key].min.clipping_value ?? null;
  const high = (config: ResolvedConfig) => advanced(config)[key].max.clipping_value ?? null;

  return [
    {
      code: 'conflicting-settings',
      severity: 'warning',
      path: [...ADVANCED, key, 'max', 'clipping_value'],
      applies: (config) => {
        const [bottom, top] = [low(config), high(config)];
        return top !== null && (top <= 0 || (bottom !== null && bottom >= top));
      },
      message:
        'The upper limit must be above 0 and above the lower one: almost every value would be clipped.',
    },
    {
      code: 'dead-setting',
      severity: 'warning',
      path: [...ADVANCED, key, 'min', 'clipping_value'],
      applies: (config) => (low(config) ?? 0) < 0 && isSymmetric(config, kind),
      message: 'A lower limit has no effect on symmetric ranges: the clipping_value of max clips both sides.',
    },
    {
      code: 'conflicting-settings',
      severity: 'warning',
      path: [...ADVANCED, key, 'min', 'statistics_type'],
      applies: (config) => /^abs_/.test(advanced(config)[key].min.statistics_type ?? ''),
      message: 'The lower bound of a range cannot come from absolute values, which are never negative.',
      suggestions: ['min', 'quantile'],
    },
  ];
});

/** A weight is the only sample of itself. */
const weightAggregatorRules: SettingRule[] = (['min', 'max'] as const).map((side) => ({
  code: 'dead-setting',
  severity: 'warning',
  path: [...ADVANCED, 'weights_range_estimator_params', side, 'aggregator_type'],
  // One of histogram has a message of its own.
  applies: (config) => advanced(config).weights_range_estimator_params[side].aggregator_type !== 'histogram',
  message: 'aggregator_type has no effect on weights: there is one sample of each.',
}));

/** Symmetric codes without a sign hold no negative value. */
const signRules: SettingRule[] = KINDS.map((kind) => ({
  code: 'conflicting-settings',
  severity: 'warning',
  path: [...ADVANCED, KEYS[kind][1], 'signedness_to_force'],
  applies: (config) =>
    advanced(config)[KEYS[kind][1]].signedness_to_force === false && isSymmetric(config, kind),
  message: `Symmetric codes without a sign hold no negative value: negative ${kind} become 0.`,
}));

/** What keeps operators from ONNX Runtime's integer kernels without being refused. */
const layoutRules: SettingRule[] = (
  [
    ['signedness_to_force', 'Most of ONNX Runtime’s integer kernels on x86 expect unsigned activations'],
    ['narrow_range', 'After a Relu or Clip, ONNX Runtime’s integer kernels expect the full range of codes'],
  ] as const
).map(([key, reason]) => ({
  code: 'no-integer-kernel',
  severity: 'warning',
  path: [...ADVANCED, 'activations_quantization_params', key],
  applies: (config) =>
    advanced(config).activations_quantization_params[key] === true &&
    advanced(config).backend_params.runtime === 'onnxruntime',
  message: `${reason}: many operators run in float on quantized-dequantized values.`,
}));

/** `dead-setting`, `conflicting-settings`, `deprecated-value`: decided from the config alone. */
export const SETTING_RULES: readonly SettingRule[] = [
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
      isaSaturates(advanced(config).backend_params.target_isa) === false,
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
    path: [...RESTORER, 'convert_to_mixed_preset'],
    applies: (config) =>
      config.accuracy_control?.advanced_accuracy_restorer_params.convert_to_mixed_preset === true &&
      !isSymmetric(config, 'activations'),
    message: 'convert_to_mixed_preset has no effect: activations are asymmetric already.',
  },
  {
    code: 'dead-setting',
    severity: 'warning',
    path: [...RESTORER, 'ranking_subset_size'],
    applies: (config) => config.accuracy_control === null,
    message: 'ranking_subset_size has no effect without accuracy control.',
  },
  {
    code: 'conflicting-settings',
    severity: 'error',
    path: [...ADVANCED, 'activations_quantization_params', 'per_channel'],
    applies: (config) =>
      advanced(config).activations_quantization_params.per_channel === true &&
      advanced(config).backend_params.runtime === 'onnxruntime',
    message:
      'ONNX Runtime cannot run a model with several scales for one activation: set per_channel to false, or the runtime to openvino.',
    suggestions: ['false'],
  },
  {
    code: 'no-integer-kernel',
    severity: 'warning',
    path: [...ADVANCED, 'activations_quantization_params', 'num_bits'],
    applies: (config) => advanced(config).activations_quantization_params.num_bits !== 8,
    message:
      'Only 8-bit activations have integer kernels: operators run in float on quantized-dequantized values.',
    suggestions: ['8'],
  },
  {
    code: 'no-integer-kernel',
    severity: 'warning',
    path: [...ADVANCED, 'weights_quantization_params', 'num_bits'],
    applies: (config) => advanced(config).weights_quantization_params.num_bits > 8,
    message:
      'Weights of more than 8 bits have no integer kernels: operators run in float on quantized-dequantized values.',
    suggestions: ['8'],
  },
  {
    code: 'dead-setting',
    severity: 'info',
    path: [...ADVANCED, 'backend_params', 'target_isa'],
    applies: (config) => advanced(config).overflow_fix !== 'auto',
    message: 'target_isa does not change the model: only overflow_fix: auto looks at it.',
  },
  {
    code: 'dead-setting',
    severity: 'info',
    path: ['quantization', 'target_device'],
    applies: ({ quantization }) =>
      quantization.target_device === 'CPU_SPR' && quantization.model_type !== 'transformer',
    message: 'CPU_SPR is the same as CPU without model_type: transformer.',
  },
  ...layoutRules,
  ...signRules,
  ...clipRules,
  ...weightAggregatorRules,
  ...estimatorRules,
  ...borderRules,
  ...histogramRules,
];
