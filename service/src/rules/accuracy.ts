import {
  allowanceText,
  changeInterval,
  changeText,
  type ConfigPath,
  drop,
  writtenPath,
  distrustOf,
  reportedRemedy,
  undefinedDropText,
  type QuantizationReport,
} from '@quantsmith/schemas';
import type { ConfigDocument } from '../document/document.js';
import { inOrder } from '../document/compose.js';
import { appendItems, setValue, type Written } from '../document/edit.js';
import { findEntry, findNode } from '../document/tree.js';
import type { Code, Finding, FindingData } from '../findings/finding.js';
import { RUN_COMMAND } from '../findings/commands.js';
import { points } from '../reports/numbers.js';
import type { Change } from '../context/context.js';
import { fix, type FixTable } from '../findings/fix.js';
import { stringsAt } from '../knowledge/ignoredScope.js';
import { overflowFindings, overflowFixes } from './overflow.js';
import { findingAt, day, percent, related } from './runFinding.js';
import { defineRule } from './rule.js';

const CHANGED = {
  config: 'the config has changed since',
  model: 'the model has changed since',
  data: 'the data has changed since',
};

/**
 * `accuracy-drop`, `accuracy-restored`, `accuracy-kept`, `setting-cost`, `overflow-risk`, `run-warning`: what the last
 * run measured, on the lines that decide it. `report-stale` (a hint, once) when it was a run of something else.
 */
export function accuracyFindings(
  document: ConfigDocument,
  report: QuantizationReport,
  changed: Change,
  ignored: readonly string[] = [],
): Finding[] {
  // Undecided is neither the same nor another.
  if (changed === 'unknown') return [];
  if (changed !== null) {
    const message = `Results of the last run (${day(report)}) are hidden: ${CHANGED[changed]}.`;
    return [findingAt(document, [['accuracy_control'], ['model']], 'report-stale', 'hint', message)];
  }

  return [
    ...metricFindings(document, report, ignored),
    ...costFindings(document, report, ignored),
    ...overflowFindings(document, report),
    ...report.warnings.map(({ code, severity, message, config_path: path }) => ({
      ...findingAt(document, [writtenPath(path), ['model']], 'run-warning', severity, message),
      data: { warning: code },
    })),
  ];
}

function metricFindings(
  document: ConfigDocument,
  report: QuantizationReport,
  ignored: readonly string[],
): Finding[] {
  const { metric, restoration } = report;
  if (metric === null) return [];
  const { name, samples, ci95, max_drop: allowed } = metric;
  const reverted = restoration?.reverted ?? [];
  const interval =
    ci95 === null
      ? ''
      : `, 95 % interval [${changeInterval(metric.drop, ci95)
          .map((end) => points(metric, end))
          .join(', ')}]`;
  const dropText =
    metric.drop === null
      ? `drop undefined. ${undefinedDropText(name)}`
      : `${changeText(metric, metric.drop)}${interval}`;

  const measured = `${name} ${percent(name, metric.baseline)} → ${percent(name, metric.quantized)} on ${samples} samples, ${dropText}`;
  const target: ConfigPath[] = [
    ['accuracy_control', 'max_drop'],
    ['accuracy_control'],
    ['quantization'],
    ['model'],
  ];
  const place = (code: Code, severity: Finding['severity'], message: string) => [
    {
      ...findingAt(document, target, code, severity, message),
      related: related(report),
      data: restored(report, ignored),
    },
  ];

  if (metric.satisfied === false) {
    // The interval contains the allowed drop: the samples cannot tell the two apart.
    const noise = allowed !== null && ci95 !== null && ci95[0] <= allowed;
    const doubt = noise ? ' The excess is within the noise of the samples.' : '';
    const message = `Accuracy target missed: ${measured}; ${allowanceText(metric, allowed ?? 0)}.${doubt}`;
    return place('accuracy-drop', noise ? 'info' : 'error', message);
  }

  // A value that means nothing is not called kept or restored.
  if (distrustOf(report) !== null) return [];
  if (reverted.length === 0) return place('accuracy-kept', 'info', `Last run: ${measured}.`);
  const count = reverted.length === 1 ? '1 operator is' : `${reverted.length} operators are`;

  return place('accuracy-restored', 'info', `Accuracy restored: ${measured}. ${count} in float.`);
}

/** What quantization cost before restoration, on the settings that make it coarse. */
function costFindings(
  document: ConfigDocument,
  report: QuantizationReport,
  ignored: readonly string[],
): Finding[] {
  const { metric, restoration } = report;
  if (metric === null || metric.quantized_initial === metric.quantized) return [];
  const cost = drop(metric.quantized_initial, {
    ...{ baseline: metric.baseline, higherIsBetter: metric.higher_is_better, dropType: 'absolute' },
  });
  // What became better has cost nothing.
  if (cost === null || cost <= 0) return [];
  const scale = metric.drop_type === 'relative' ? Math.abs(metric.baseline) : 1;
  const [low, high] = metric.ci95 ?? [0, 0];
  const noise = cost <= ((high - low) / 2) * scale;
  const change = `${percent(metric.name, metric.baseline)} → ${percent(metric.name, metric.quantized_initial)}`;
  const reverted = restoration?.reverted ?? [];
  const message = `Before restoration these settings cost ${points({ ...metric, drop_type: 'absolute' }, cost)} of ${metric.name} (${change}, ${metric.samples} samples)${noise ? ', within their noise' : ''}; back in float: ${reverted.join(', ') || 'none'}.`;

  return [
    {
      ...findingAt(document, responsible(document), 'setting-cost', noise ? 'info' : 'warning', message),
      related: related(report),
      data: restored(report, ignored),
    },
  ];
}

const ADVANCED = ['quantization', 'advanced_parameters'] as const;

/** Layers that are offered to be excluded one by one. */
const MAX_SINGLE = 5;

/** What a measured cost can be answered with: what restoration found, layers out one by one, or finer weights. */
const costFixes: FixTable[string] = (document, { data }) => {
  const reverted = texts(data['reverted']);
  const remedies = (Array.isArray(data['remedies']) ? data['remedies'] : []) as KeptRemedy[];
  const weights = [...ADVANCED, 'weights_quantization_params'] as const;
  const excluded = new Set(stringsAt(document, 'names').map((node) => node.value));
  const missing = reverted.filter((name) => !excluded.has(name));
  const set = (key: 'num_bits' | 'per_channel', value: number | boolean) => {
    const node = findNode(document.tree, [...weights, key]);
    if (node?.kind !== 'scalar' || node.value === value) return [];
    return fix(`Set ${key} of the weights to ${value}`, setValue(document, [...weights, key], value));
  };

  // A list of its own replaces an inherited one.
  const above = excluded.size === 0 ? texts(data['inherited']) : [];
  const exclude = (names: readonly string[]) => (current: ConfigDocument) =>
    appendItems(
      current,
      ['quantization', 'ignored_scope', 'names'],
      [...above, ...names.filter((name) => !above.includes(name))],
    );
  const findings = [
    ...remedies.map(
      ({ path, value }) =>
        (current: ConfigDocument) =>
          setValue(current, path, value),
    ),
    ...(missing.length === 0 ? [] : [exclude(missing)]),
  ];

  const settings = remedies.map(({ path, value }) => `${String(path.at(-1))}: ${shown(value)}`);
  const what = [...settings, ...(missing.length === 0 ? [] : [`${missing.length} excluded`])].join(', ');

  return [
    ...(findings.length === 0
      ? []
      : fix(`Apply the restored settings (${what})`, inOrder(document, findings))),
    ...(missing.length + remedies.length < 2 ? [] : missing)
      .slice(0, MAX_SINGLE)
      .flatMap((name) => fix(`Exclude ${name} from quantization`, exclude([name])(document))),
    ...set('num_bits', 8),
    ...set('per_channel', true),
  ];
};

/** A value in a few words: of a list, its last entry. */
function shown(value: Written): string {
  const last = Array.isArray(value) ? (value.at(-1) as Written) : value;
  return typeof last === 'object' ? JSON.stringify(last).replaceAll('"', '') : String(last);
}

/** A setting that restoration changed and kept. */
interface KeptRemedy {
  readonly path: ConfigPath;
  readonly value: Written;
}

/** What a fix needs to know of what restoration did. */
function restored({ restoration }: QuantizationReport, names: readonly string[]): FindingData {
  const remedies = (restoration?.remedies ?? []).flatMap(({ setting, value, kept }): KeptRemedy[] => {
    const remedy = kept ? reportedRemedy(setting, value) : undefined;
    return remedy === undefined ? [] : [remedy];
  });

  return { reverted: restoration?.reverted ?? [], remedies, inherited: names };
}

const texts = (value: unknown) => (Array.isArray(value) ? value.map(String) : []);

const accuracyFixes: FixTable = {
  'report-stale': () => [{ title: 'Run quantization', edits: [], command: RUN_COMMAND, preferred: false }],
  'accuracy-drop': costFixes,
  'accuracy-restored': costFixes,
  'setting-cost': costFixes,
};

/** The settings that make quantization coarse, the likeliest cause first. */
function responsible(document: ConfigDocument): ConfigPath[] {
  const candidates: ConfigPath[] = [
    [...ADVANCED, 'weights_quantization_params', 'num_bits'],
    [...ADVANCED, 'weights_quantization_params', 'per_channel'],
    [...ADVANCED, 'activations_quantization_params', 'num_bits'],
    [...ADVANCED, 'weights_quantization_params'],
    [...ADVANCED, 'activations_quantization_params'],
    ['quantization', 'preset'],
    ['quantization'],
    ['model'],
  ];

  return candidates.filter((path) => findEntry(document.tree, path) !== undefined);
}

export const rule = defineRule({
  codes: [
    'accuracy-drop',
    'accuracy-restored',
    'accuracy-kept',
    'setting-cost',
    'overflow-risk',
    'run-warning',
    'report-stale',
  ],
  needs: 'run',
  check: ({ document, config, report, changed }) =>
    accuracyFindings(document, report, changed, config.quantization?.ignored_scope?.names),
  fixes: { ...accuracyFixes, ...overflowFixes },
  suppressible: true,
  sections: {
    'accuracy-drop':
      'Severity: error.\n\nThe last run missed `max_drop`. The message gives the metric, the samples, the drop and its 95 % interval. When the interval contains the allowed drop, the samples cannot tell the two apart and the severity is info.',
    'accuracy-restored':
      'Severity: info.\n\nThe last run met `max_drop` after restoration put operators back to float. The fix excludes them from quantization, so that the next run need not search.',
    'accuracy-kept': 'Severity: info.\n\nThe last run met `max_drop`, or had none, without restoration.',
    'setting-cost':
      'Severity: warning.\n\nWhat quantization cost before restoration, on the setting that makes it coarse: few weight bits, one scale for all channels. Within the noise of the samples the severity is info.',
    'overflow-risk':
      "Severity: info.\n\nOn x86 CPUs without VNNI, pairs of 8-bit products are summed in 16 bits, which saturate: [overflow.md](overflow.md). The message says in how many layers the weights allow it, in how many it happens on calibration samples, and the metric predicted for such a CPU beside the one measured here. `quantsmith overflow CONFIG` adds these figures for all settings of `overflow_fix`; then the quick fix writes the best: of those that are as accurate as the best on the CPU that `target_isa` names, within the samples' noise, the one in which fewest layers saturate, and the present one where others are no better. With `target_isa: host` a setting has to be good on both kinds of CPU. For `auto` the fix also names a `target_isa` for which `auto` acts.\n\nA warning where the written model is predicted to lose more than the samples' noise there; a hint where nothing can saturate and the settings were compared, and where `target_isa` names a CPU on which nothing saturates.",
    'run-warning':
      'Severity: warning.\n\nA warning of the last run, on the line that it names and with the severity that the run gave it: an error for `output-damaged`. The codes are explained in [errors.md](errors.md#the-finished-model).',
    'report-stale':
      'Severity: hint.\n\nThere is a report, but for another version of the config, the model or the data, so its figures are not shown. The config is compared by hash, model and data by the times of their files.',
  },
  examples: [
    {
      code: 'accuracy-drop',
      before: 'model: model.onnx\ndata: {calibration: {images: ./train}}\n',
      after: null,
    },
    {
      code: 'accuracy-restored',
      before: 'model: model.onnx\ndata: {calibration: {images: ./train}}\n',
      after: null,
    },
    {
      code: 'accuracy-kept',
      before: 'model: model.onnx\ndata: {calibration: {images: ./train}}\n',
      after: null,
    },
    {
      code: 'setting-cost',
      before: 'model: model.onnx\ndata: {calibration: {images: ./train}}\n',
      after: null,
    },
    {
      code: 'overflow-risk',
      before: 'model: model.onnx\ndata: {calibration: {images: ./train}}\n',
      after: null,
    },
    {
      code: 'run-warning',
      before: 'model: model.onnx\ndata: {calibration: {images: ./train}}\n',
      after: null,
    },
    {
      code: 'report-stale',
      before: 'model: model.onnx\ndata: {calibration: {images: ./train}}\n',
      after: null,
    },
  ],
});
