import {
  type ConfigPath,
  above,
  below,
  isaSaturates,
  resolveConfig,
  type QuantizationConfig,
  type ResolvedConfig,
} from '@quantsmith/schemas';
import type { ConfigDocument } from '../document/document.js';
import { findEntry, findNode, isShared } from '../document/tree.js';
import { removeKey, setValue } from '../document/edit.js';
import type { Code, Finding, Severity } from '../findings/finding.js';
import { fix, type FixTable } from '../findings/fix.js';
import { defineRule } from './rule.js';

/** A rule on settings that belong together; `path` is where it is shown, if it is written there. */
interface SettingRule {
  readonly code: Code;
  readonly severity: Severity;
  readonly path: ConfigPath;
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

const ESTIMATORS = ['activations_range_estimator_params', 'weights_range_estimator_params'] as const;

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
    path: [...ADVANCED, key, side, 'statistics_type'] as const,
    applies: (config: ResolvedConfig) => advanced(config)[key][side].statistics_type === UPSIDE_DOWN[side],
    message: `The ${side === 'min' ? 'lower' : 'upper'} border of a range cannot come from the ${side === 'min' ? 'largest' : 'smallest'} values.`,
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
      message: 'The upper limit has to be above 0 and above the lower one: hardly a value is left.',
    },
    {
      code: 'dead-setting',
      severity: 'warning',
      path: [...ADVANCED, key, 'min', 'clipping_value'],
      applies: (config) => (low(config) ?? 0) < 0 && isSymmetric(config, kind),
      message:
        'A lower limit has no effect on symmetric ranges: the clipping_value of max cuts on both sides.',
    },
    {
      code: 'conflicting-settings',
      severity: 'warning',
      path: [...ADVANCED, key, 'min', 'statistics_type'],
      applies: (config) => /^abs_/.test(advanced(config)[key].min.statistics_type ?? ''),
      message: 'The lower border of a range cannot come from absolute values, which are never negative.',
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
    ['signedness_to_force', 'Most of ONNX Runtime’s integer kernels on x86 take unsigned activations'],
    ['narrow_range', 'Behind a Relu or Clip, ONNX Runtime’s integer kernels take the full range of codes'],
  ] as const
).map(([key, reason]) => ({
  code: 'no-integer-kernel',
  severity: 'warning',
  path: [...ADVANCED, 'activations_quantization_params', key],
  applies: (config) =>
    advanced(config).activations_quantization_params[key] === true &&
    advanced(config).backend_params.runtime === 'onnxruntime',
  message: `${reason}: many operators compute in float on the rounded values.`,
}));

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

function settingFindings(document: ConfigDocument, config: QuantizationConfig): Finding[] {
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

  return [
    ...found,
    ...namedSetFindings(document, config),
    ...overrideFindings(document, config),
    ...deprecatedFindings(document),
  ];
}

/** Entries of `overrides` that name nothing or set nothing, and settings of theirs that another one makes void. */
function overrideFindings(document: ConfigDocument, config: QuantizationConfig): Finding[] {
  return (config.quantization?.overrides ?? []).flatMap((entry, index) => {
    const { names = [], patterns = [], types = [], ...settings } = entry;
    const place = ['quantization', 'overrides', index] as const;
    const dead = (message: string, key?: keyof typeof entry): Finding[] => {
      const path = key === undefined ? place : ([...place, key] as const);
      const span =
        key === undefined ? findNode(document.tree, path) : findEntry(document.tree, path)?.keySpan;
      if (span === null || span === undefined) return [];
      const { start, end } = span;
      return [{ code: 'dead-setting', severity: 'warning', message, start, end, path, data: {} }];
    };

    if (names.length + patterns.length + types.length === 0)
      return dead('This entry names no operators: names, patterns or types say which ones it is about.');
    if (Object.keys(settings).length === 0)
      return dead(
        'This entry sets nothing: float, num_bits, mode, per_channel or half_range say what holds.',
      );
    if (settings.float === true)
      return (Object.keys(settings) as (keyof typeof settings)[])
        .filter((key) => key !== 'float')
        .flatMap((key) => dead(`${key} has no effect: these operators stay in float.`, key));
    const bits = settings.num_bits ?? 8;
    const half = settings.half_range === true && bits !== 8;

    return [
      ...(half ? dead('half_range has no effect: only 8-bit codes have a half range.', 'half_range') : []),
      ...(bits > 8 ? wideFindings(document, config, [...place, 'num_bits']) : []),
    ];
  });
}

function wideFindings(document: ConfigDocument, config: QuantizationConfig, path: ConfigPath): Finding[] {
  const span = findEntry(document.tree, path)?.keySpan;
  const runtime = config.quantization?.advanced_parameters?.backend_params?.runtime ?? 'onnxruntime';
  if (span === undefined || runtime !== 'onnxruntime') return [];
  const message =
    "ONNX Runtime's CPU provider has no integer kernels for more than 8 bits: these operators compute in float on rounded values.";

  return [{ code: 'no-integer-kernel', severity: 'warning', message, ...span, path, data: {} }];
}

/** Names of estimators that give no more than another one: aggregators do nothing to weights, histograms need whole tensors. */
function namedSetFindings(document: ConfigDocument, config: QuantizationConfig): Finding[] {
  const given = config.quantization?.advanced_parameters ?? {};
  const perChannel = given.activations_quantization_params?.per_channel === true;
  const dead = (key: (typeof ESTIMATORS)[number], message: string): Finding[] => {
    const path = [...ADVANCED, key] as const;
    const span = findEntry(document.tree, path)?.keySpan;
    return span === undefined
      ? []
      : [{ code: 'dead-setting', severity: 'warning', message, ...span, path, data: {} }];
  };

  const { weights_range_estimator_params: weights, activations_range_estimator_params: activations } = given;

  return [
    ...(typeof weights === 'string' && !/^(minmax|mean_quantile)$/.test(weights)
      ? dead(
          'weights_range_estimator_params',
          `${weights} has no effect on weights, of which there is one sample each: it is the same as minmax.`,
        )
      : []),
    ...(activations === 'histogram' && perChannel
      ? dead(
          'activations_range_estimator_params',
          'histogram has no effect here: it serves activations with one scale for the whole tensor.',
        )
      : []),
  ];
}

function deprecatedFindings(document: ConfigDocument): Finding[] {
  const path = [...ADVANCED, 'overflow_fix'] as const;
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

const settingFixes: FixTable = {
  'dead-setting'(document, { path }) {
    const entry = findEntry(document.tree, path);
    // What has no effect here may have one where an alias brings it.
    if (entry === undefined || isShared(document.tree, entry)) return [];
    return fix(`Remove ${String(path.at(-1))}`, removeKey(document, path), true);
  },
  'conflicting-settings'(document, { path }) {
    const side = path.at(-2);
    if (path.at(-1) === 'aggregator_type') {
      const other = below(above(above(path)), side === 'min' ? 'max' : 'min', 'aggregator_type');
      return fix('Set both sides to histogram', setValue(document, other, 'histogram'), true);
    }

    if (path.at(-1) === 'per_channel') {
      const runtime = [...ADVANCED, 'backend_params', 'runtime'] as const;
      return fix('Set the runtime to openvino', setValue(document, runtime, 'openvino'));
    }

    if (path.at(-1) !== 'mode') return [];

    return fix('Set overflow_fix to disable', setValue(document, [...ADVANCED, 'overflow_fix'], 'disable'));
  },
};

export const rule = defineRule({
  codes: ['dead-setting', 'conflicting-settings', 'no-integer-kernel', 'deprecated-value'],
  needs: 'config',
  check: ({ document, config }) => settingFindings(document, config),
  fixes: settingFixes,
  spelling: ['deprecated-value'],
  suppressible: true,
  sections: {
    'dead-setting':
      'Severity: warning.\n\nA setting that has no effect because of another one or of the data; the message says why. The fix removes the setting.',
    'conflicting-settings':
      'Severity: error.\n\nSettings that exclude each other, such as asymmetric weights with half of their range: the run would fail. A warning where the run uses something other than what is written, such as a `mean` of two values for three channels.',
    'no-integer-kernel':
      'Severity: warning.\n\nThe runtime has no integer kernel for the setting: the model is quantized, but such operators compute in float on rounded values.',
    'deprecated-value': 'Severity: hint.\n\nAn older spelling. It works; the fix writes the newer one.',
  },
  examples: [
    {
      code: 'dead-setting',
      before:
        'model: model.onnx\ndata: {calibration: {images: ./train}}\nquantization:\n  preset: mixed\n  advanced_parameters:\n    smooth_quant_alphas: {matmul: 0.5}\n',
      after: 'model: model.onnx\ndata: {calibration: {images: ./train}}\nquantization:\n  preset: mixed\n',
    },
    {
      code: 'conflicting-settings',
      before:
        'model: model.onnx\ndata: {calibration: {images: ./train}}\nquantization:\n  advanced_parameters:\n    weights_quantization_params: {mode: asymmetric}\n',
      after:
        'model: model.onnx\ndata: {calibration: {images: ./train}}\nquantization:\n  advanced_parameters:\n    weights_quantization_params: {mode: symmetric}\n',
    },
    {
      code: 'no-integer-kernel',
      before:
        'model: model.onnx\ndata: {calibration: {images: ./train}}\nquantization:\n  advanced_parameters:\n    activations_quantization_params: {num_bits: 16}\n',
      after:
        'model: model.onnx\ndata: {calibration: {images: ./train}}\nquantization:\n  advanced_parameters:\n    activations_quantization_params: {num_bits: 8}\n',
    },
    {
      code: 'deprecated-value',
      before:
        'model: model.onnx\ndata: {calibration: {images: ./train}}\nquantization:\n  advanced_parameters:\n    overflow_fix: first_layer_only\n',
      after:
        'model: model.onnx\ndata: {calibration: {images: ./train}}\nquantization:\n  advanced_parameters:\n    overflow_fix: first_layer\n',
    },
  ],
});
