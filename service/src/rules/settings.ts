import { above, below, resolveConfig, type ConfigPath, type QuantizationConfig } from '@quantsmith/schemas';
import type { ConfigDocument } from '../document/document.js';
import { removeKey, setValue } from '../document/edit.js';
import { removeItem } from '../document/removeItem.js';
import {
  findEntry,
  findNode,
  isShared,
  resolved,
  type MappingNode,
  type SequenceNode,
  type TreeNode,
} from '../document/tree.js';
import type { Finding } from '../findings/finding.js';
import { fix, type Fix, type FixTable } from '../findings/fix.js';
import { overrideFindings } from './overrideSettings.js';
import { defineRule, type RuleInput } from './rule.js';
import { ADVANCED, SETTING_RULES, type ESTIMATORS } from './settingTables.js';

/** A valid config, and the model where it is known. */
type Input = RuleInput & { readonly config: QuantizationConfig };

function settingFindings({ document, config, model, index }: Input): Finding[] {
  const complete = resolveConfig(config);
  const findings = SETTING_RULES.flatMap((rule) => {
    const entry = findEntry(document.tree, rule.path);
    if (entry === undefined || statesNothing(entry.value) || !rule.applies(complete)) return [];
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
    ...findings,
    ...namedSetFindings(document, config),
    ...overrideFindings(document, config, { model, index }),
    ...deprecatedFindings(document),
  ];
}

/** A key without a value, or one that is left open, has nothing to have no effect. */
function statesNothing(value: TreeNode | null): boolean {
  const node = resolved(value);
  return node === null || (node.kind === 'scalar' ? node.value === null : isEmpty(node));
}

const isEmpty = (node: MappingNode | SequenceNode): boolean =>
  node.kind === 'mapping' && node.entries.every(({ value }) => statesNothing(value));

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
          'histogram has no effect here: it applies to activations with one scale for the whole tensor.',
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

/** Takes an entry out of its list. Without its last one the list would be left to measurement: that is no one's only answer. */
function removalOfEntry(document: ConfigDocument, path: ConfigPath): Fix[] {
  const list = findEntry(document.tree, above(path));
  const item = findNode(document.tree, path);
  if (list === undefined || isShared(document.tree, list) || item?.parent?.kind !== 'sequence') return [];
  return fix('Remove the entry', removeItem(document, item), item.parent.items.length > 1);
}

const settingFixes: FixTable = {
  'dead-setting'(document, { path }) {
    if (typeof path.at(-1) === 'number') return removalOfEntry(document, path);
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
  check: settingFindings,
  fixes: settingFixes,
  spelling: ['deprecated-value'],
  suppressible: true,
  sections: {
    'dead-setting':
      'Severity: warning.\n\nA setting that has no effect because of another one, of the data or of the model, such as an entry of `overrides` none of whose operators it can change; the message says why. The fix removes the setting.',
    'conflicting-settings':
      'Severity: error.\n\nSettings that exclude each other, such as asymmetric weights with half of their range: the run would fail. A warning where the run uses something other than what is written, such as a `mean` of two values for three channels.',
    'no-integer-kernel':
      'Severity: warning.\n\nThe runtime has no integer kernel for the setting: the model is quantized, but such operators run in float on quantized-dequantized values.',
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
