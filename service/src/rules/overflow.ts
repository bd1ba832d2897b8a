import {
  type ConfigPath,
  isaSaturates,
  TARGET_ISAS,
  type QuantizationReport,
  largest,
} from '@quantsmith/schemas';
import { TextDocument } from 'vscode-languageserver-textdocument';
import type { TextEdit } from 'vscode-languageserver-types';
import type { Finding } from '../findings/finding.js';
import { parseConfig, type ConfigDocument } from '../document/document.js';
import { setValue, type Written } from '../document/edit.js';
import { findNode } from '../document/tree.js';
import { fix, type Fix, type FixTable } from '../findings/fix.js';
import { OVERFLOW_COMMAND } from '../findings/commands.js';
import { findingAt, percent, related } from './runFinding.js';

const ADVANCED = ['quantization', 'advanced_parameters'] as const;
const FIX = [...ADVANCED, 'overflow_fix'] as const;
const TARGET = [...ADVANCED, 'backend_params', 'target_isa'] as const;

type Overflow = QuantizationReport['overflow'];
type Setting = NonNullable<Overflow['settings']>[number];

/**
 * `overflow-risk`: how many layers can saturate on CPUs without VNNI, how many do, and the accuracy there, with each
 * overflow_fix where `quantsmith overflow` has compared them.
 */
export function overflowFindings(document: ConfigDocument, report: QuantizationReport): Finding[] {
  const { layers, settings = [] } = report.overflow;
  const risky = layers.some((layer) => layer.pairs_at_risk > 0);
  if (!risky && settings.length === 0) return [];
  const message = `${saturationText(layers)} ${accuracyText(report)}`.trim();
  const target = targetOf(document);
  const severity = target === 'exact' || !risky ? 'hint' : losesAccuracy(report) ? 'warning' : 'info';
  const best = bestSetting(report, target);
  const unknown = target === 'exact' ? report.overflow.fix : 'enable';

  return [
    {
      ...findingAt(document, [FIX, ['quantization'], ['model']], 'overflow-risk', severity, message),
      related: related(report),
      data: {
        current: report.overflow.fix,
        best: best?.fix ?? unknown,
        gives: givenText(report, best, target),
        compared: settings.length > 0,
      },
    },
  ];
}

/** What sums do on the CPU that the config names: saturate, or not, or, for `host`, who knows where the model will run. */
type Target = 'saturating' | 'exact' | 'any';

function targetOf(document: ConfigDocument): Target {
  const node = findNode(document.tree, TARGET);
  const value = node?.kind === 'scalar' ? String(node.value) : 'host';
  const target = TARGET_ISAS.find((name) => name === value) ?? 'host';
  const saturates = isaSaturates(target);
  if (saturates !== null) return saturates ? 'saturating' : 'exact';
  return 'any';
}

function saturationText(layers: Overflow['layers']): string {
  const risky = layers.filter((layer) => layer.pairs_at_risk > 0);
  if (risky.length === 0) return 'On CPUs without VNNI no 16-bit sum can saturate.';
  const names = risky.slice(0, 3).map((layer) => layer.name);
  const more = risky.length > 3 ? ` and ${risky.length - 3} more` : '';
  const measured = risky.some((layer) => layer.saturating_fraction_calibration !== null);
  const saturating = risky.filter((layer) => (layer.saturating_fraction_calibration ?? 0) > 0).length;
  const seen = measured
    ? `; in ${saturating === 0 ? 'none' : saturating} they do on calibration samples`
    : '';

  return `On CPUs without VNNI, 16-bit sums can saturate in ${risky.length} of ${layers.length} layers (${names.join(', ')}${more})${seen}.`;
}

/** The accuracy there and here. */
function accuracyText({
  overflow: { predicted, settings = [], fix: currentFix },
  metric,
}: QuantizationReport): string {
  if (metric === null) return '';
  const value = (figure: number | null) => (figure === null ? '–' : percent(metric.name, figure));
  if (settings.length > 0) {
    const figures = settings.map(
      (setting) => `${setting.fix} ${value(setting.predicted)} (${value(setting.metric)})`,
    );

    return `${metric.name} predicted without VNNI (measured on this machine), before restoration: ${figures.join(', ')}.`;
  }

  const compare = '`quantsmith overflow` compares the settings.';
  if (predicted === null) return compare;

  return `${metric.name} with ${currentFix}: ${value(predicted.metric)} predicted without VNNI, ${value(metric.quantized)} measured on this machine. ${compare}`;
}

/** Whether the written model is worse there by more than the samples' noise. */
function losesAccuracy({ overflow: { predicted }, metric }: QuantizationReport): boolean {
  if (predicted === null || metric === null || predicted.drop === null || metric.drop === null) return false;
  return predicted.drop - metric.drop > noiseOf(metric);
}

const noiseOf = ({ ci95 }: NonNullable<QuantizationReport['metric']>) =>
  ci95 === null ? 0 : (ci95[1] - ci95[0]) / 2;

/**
 * The setting to choose: of those that are as good as the best on the target, within the samples' noise, the one in which
 * fewest layers saturate, then the one with the most accuracy, then the one that coarsens fewest weights, then the present
 * one. Where the target is any CPU, a setting is as good as on the worse of both kinds.
 */
function bestSetting({ overflow, metric }: QuantizationReport, target: Target): Setting | null {
  // `auto` was measured for a CPU that saturates; for another one it is `disable`.
  const settings = (overflow.settings ?? []).filter(({ fix }) => target !== 'exact' || fix !== 'auto');
  const sign = metric?.higher_is_better === false ? -1 : 1;
  const figure = (value: number | null) => (value === null ? Number.NEGATIVE_INFINITY : sign * value);
  const good = (setting: Setting) => {
    const [measured, predicted] = [figure(setting.metric), figure(setting.predicted)];
    return target === 'any' ? Math.min(measured, predicted) : target === 'exact' ? measured : predicted;
  };

  const saturating = (setting: Setting) => (target === 'exact' ? 0 : setting.saturating);
  const scale = metric?.drop_type === 'relative' ? Math.abs(metric.baseline) : 1;
  const noise = metric === null ? 0 : noiseOf(metric) * scale;
  const least = largest(settings.map(good)) - noise;
  const order = (a: Setting, b: Setting) =>
    saturating(a) - saturating(b) ||
    good(b) - good(a) ||
    a.half_range - b.half_range ||
    Number(b.fix === overflow.fix) - Number(a.fix === overflow.fix);

  return settings.filter((setting) => good(setting) >= least).sort(order)[0] ?? null;
}

function givenText({ metric }: QuantizationReport, best: Setting | null, target: Target): string {
  if (metric === null || best === null) return '';
  const value = target === 'exact' ? best.metric : best.predicted;
  if (value === null) return '';
  return ` (${metric.name} ${percent(metric.name, value)}${target === 'exact' ? '' : ' without VNNI'})`;
}

const textOr = (value: unknown, fallback: string) => (typeof value === 'string' ? value : fallback);

/** What each setting gives has to be measured first. */
const COMPARE: Fix = {
  title: 'Compare the settings of overflow_fix',
  edits: [],
  command: OVERFLOW_COMMAND,
  preferred: false,
};

export const overflowFixes: FixTable = {
  'overflow-risk'(document, { data }) {
    const compare = data['compared'] === true ? [] : [COMPARE];
    const best = textOr(data['best'], 'enable');
    // `auto` does nothing for a target that does not saturate.
    const aims = best === 'auto' && targetOf(document) !== 'saturating';
    if (best === data['current'] && !aims) return compare;
    const changes: [ConfigPath, Written][] = aims
      ? [
          [FIX, best],
          [TARGET, 'avx2'],
        ]
      : [[FIX, best]];

    const what = `Set overflow_fix to ${best}${aims ? ' for target_isa avx2' : ''}`;

    return [...fix(`${what}${textOr(data['gives'], '')}`, setAll(document, changes)), ...compare];
  },
};

/** Several settings at once, as one edit; null where one of them cannot be made. */
function setAll(document: ConfigDocument, changes: readonly [ConfigPath, Written][]): TextEdit[] | null {
  const before = document.text.getText();
  const { uri, languageId, version } = document.text;
  let changed = document;
  for (const [path, value] of changes) {
    const edits = setValue(changed, path, value);
    if (edits === null) return null;
    const text = TextDocument.applyEdits(changed.text, edits);
    changed = parseConfig(TextDocument.create(uri, languageId, version, text));
  }

  const after = changed.text.getText();
  const shorter = Math.min(before.length, after.length);
  let start = 0;
  while (start < shorter && before[start] === after[start]) start++;
  let kept = 0;
  while (kept < shorter - start && before.at(-1 - kept) === after.at(-1 - kept)) kept++;
  const range = {
    start: document.text.positionAt(start),
    end: document.text.positionAt(before.length - kept),
  };

  return [{ range, newText: after.slice(start, after.length - kept) }];
}
