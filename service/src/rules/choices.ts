import {
  type ConfigPath,
  decibels,
  MEASURED,
  settingsLeftOpen,
  type QuantizationConfig,
  type QuantizationReport,
} from '@quantsmith/schemas';
import type { Change } from '../context/context.js';
import { setValue, type Written } from '../document/edit.js';
import type { ConfigDocument } from '../document/document.js';
import { pinEdits } from './pin.js';
import type { Finding } from '../findings/finding.js';
import { fix, type FixTable } from '../findings/fix.js';
import { STATED } from '../reports/choices.js';
import { findingAt, related } from './runFinding.js';
import { defineRule } from './rule.js';

const DEFAULTS: ConfigPath = ['quantization', 'defaults'];
/** Less than this many dB is not worth a word. */
const CLEAR = 1;

/** `against-evidence`, `choices-open`, `defaults-changed`: what the last run measured of settings that were left open. */
function choiceFindings(
  document: ConfigDocument,
  config: QuantizationConfig,
  report: QuantizationReport,
  changed: Change,
): Finding[] {
  const open = [...settingsLeftOpen(config)];
  // Figures of another model or other data say nothing of this one.
  if (changed !== null && changed !== 'config') return [];
  const { choices, pinned = {} } = report;
  if (choices === undefined) return open.length === 0 ? [] : [defaultsChanged(document, report, open)];
  const against = againstEvidence(document, config, report);
  const canPin = changed === null && open.length > 0 && Object.keys(pinned).length > 0;
  if (!canPin) return against;
  const chosen = choices.map(({ setting, value }) => `${setting.split('.').at(-1)} ${value}`).join(', ');
  const message = `Settings that this config leaves open were chosen by measurement: ${chosen}. Another machine may choose differently unless they are pinned.`;
  const hint = findingAt(document, [['quantization'], ['model']], 'choices-open', 'hint', message);

  return [...against, { ...hint, related: related(report), data: { pinned } }];
}

function defaultsChanged(
  document: ConfigDocument,
  report: QuantizationReport,
  open: readonly string[],
): Finding {
  const keys = open.map((setting) => setting.split('.').at(-1)).join(', ');
  const message = `The last run was made by a version with fixed defaults. The next one chooses by measurement what is left open (${keys}): another model. \`defaults: nncf\` keeps the fixed ones.`;
  return {
    ...findingAt(document, [['quantization'], ['model']], 'defaults-changed', 'info', message),
    related: related(report),
  };
}

/** Stated values that the last run, which had them open, found worse than another one. */
function againstEvidence(
  document: ConfigDocument,
  { quantization = {} }: QuantizationConfig,
  report: QuantizationReport,
): Finding[] {
  return MEASURED.flatMap((setting) => {
    const choice = report.choices?.find((candidate) => candidate.setting === setting);
    const stated = STATED[setting];
    const value = stated?.read(quantization) ?? null;
    if (choice === undefined || stated === undefined || value === null) return [];
    const ratio = choice.over.find((other) => other.value === value)?.sqnr_db ?? null;
    if (ratio === null || choice.sqnr_db === null || choice.sqnr_db - ratio < CLEAR) return [];
    const { path } = stated;
    const key = String(path.at(-1));
    const message = `${key}: ${value.replace(`${key} `, '')}: ${decibels(choice.sqnr_db - ratio)} below ${choice.value} on ${choice.samples} calibration samples of the last run (${decibels(ratio)} against ${decibels(choice.sqnr_db)} at the outputs).`;
    const finding = findingAt(document, [path], 'against-evidence', 'info', message);
    const data = { value: stated.parse(choice.value) };

    return [{ ...finding, path, related: related(report), data }];
  });
}

const choiceFixes: FixTable = {
  'against-evidence'(document, { path, data }) {
    const value = data['value'] as Written;
    return fix(
      `Set ${String(path.at(-1))} to ${JSON.stringify(value).replaceAll('"', '')}`,
      setValue(document, path, value),
      true,
    );
  },
  'choices-open'(document, { data }) {
    const pinned = data['pinned'] as NonNullable<QuantizationReport['pinned']>;
    return fix('Pin choices', pinEdits(document, pinned));
  },
  'defaults-changed'(document) {
    return fix('Keep the fixed defaults (defaults: nncf)', setValue(document, DEFAULTS, 'nncf'), true);
  },
};

const BEFORE = 'model: model.onnx\ndata: {calibration: {images: ./train}}\n';

export const rule = defineRule({
  codes: ['against-evidence', 'choices-open', 'defaults-changed'],
  needs: 'run',
  check: ({ document, config, report, changed }) => choiceFindings(document, config, report, changed),
  fixes: choiceFixes,
  suppressible: true,
  sections: {
    'against-evidence':
      'Severity: info.\n\nA setting has a value that the last run, in which it was left open, measured as worse than another by 1 dB or more. Reported only where that very value was measured. The fix states the better one.',
    'choices-open':
      'Severity: hint.\n\nThe last run chose by measurement what this config leaves open. The fix, Pin choices, states what was chosen, so that later runs, and runs on other CPUs, give the same without measuring. `quantsmith run --locked` does the same.',
    'defaults-changed':
      'Severity: info.\n\nThe last run was made by a version that had fixed defaults; the next one chooses by measurement what is left open. The fix writes `defaults: nncf`, which keeps the fixed ones. It is not reported again after the next run.',
  },
  examples: [
    { code: 'against-evidence', before: BEFORE, after: null },
    { code: 'choices-open', before: BEFORE, after: null },
    { code: 'defaults-changed', before: BEFORE, after: null },
  ],
});
