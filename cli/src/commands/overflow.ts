import { fail, type OverflowSummary, QuantsmithError, visible, largest, rounded } from '@quantsmith/schemas';
import { startEngine } from '@quantsmith/engine';
import { metricValue, outputsAtRisk, unaffectedText } from '@quantsmith/report';
import { extname } from 'node:path';
import type { RequestOptions } from '@quantsmith/server';
import { runOnConfig } from '../run/engine.js';
import { EXIT } from '../output/exitCodes.js';
import type { Session } from '../output/session.js';
import { printJson, printLines } from '../output/terminal.js';

export interface OverflowOptions extends RequestOptions {
  readonly json?: boolean;
}

/**
 * `quantsmith overflow`: of a model, which layers can saturate on CPUs without VNNI; of a config, also which do, and what
 * each overflow_fix gives. Returns the exit code.
 */
export async function overflowCommand(
  path: string,
  options: OverflowOptions,
  session: Session,
): Promise<number> {
  const summaries: OverflowSummary[] = [];
  if (extname(path).toLowerCase() === '.onnx') summaries.push(await overflowOfModel(path));
  else {
    const code = await runOnConfig(path, 'overflow', options, session, (event) => {
      if (event.type === 'overflow') summaries.push(event.overflow);
    });

    if (code !== null) return code;
  }

  const summary = summaries[0] ?? fail('engine-crashed', 'The engine ended without a result.');

  if (options.json === true) printJson({ schema_version: 1, ...summary });
  else printLines(overflowText(summary).split('\n'));
  return EXIT.ok;
}

async function overflowOfModel(modelPath: string): Promise<OverflowSummary> {
  const summaries: OverflowSummary[] = [];
  const outcome = await startEngine(
    { kind: 'overflow-model', modelPath },
    { onEvent: (event) => event.type === 'overflow' && summaries.push(event.overflow) },
  );

  if (outcome.code === 'failed') throw new QuantsmithError(outcome.problem);

  return summaries[0] ?? fail('engine-crashed', 'The engine ended without a result.');
}

const percent = (share: number | null, digits: number) =>
  share === null ? '–' : `${(100 * share).toFixed(digits)} %`;

/** The layers at risk, and the settings where they were measured, as tables for a terminal. */
export function overflowText({ layers, settings, metric }: OverflowSummary): string {
  const risky = layers.filter((layer) => layer.pairs_at_risk > 0);
  const unaffected = unaffectedText(layers);
  const rows = risky.map((layer) => [
    visible(layer.name),
    layer.op,
    String(layer.pairs_at_risk),
    outputsAtRisk(layer),
    percent(layer.worst_case_exceeds, 0),
    percent(layer.saturating_fraction_calibration, 4),
    layer.saturation_sqnr_db === undefined || layer.saturation_sqnr_db === null
      ? '–'
      : rounded(layer.saturation_sqnr_db, 1),
  ]);

  const head = ['layer', 'kernel', 'pairs at risk', 'in outputs', 'largest sum', 'saturates', 'output dB'];

  return [
    ...(risky.length === 0 ? [] : [...table(head, rows), '']),
    layers.length === 0
      ? 'The model has no layer with constant 8-bit weights: nothing can saturate.'
      : `On x86 CPUs without VNNI, 16-bit sums can saturate in ${risky.length} of ${layers.length} layers with 8-bit weights.`,
    ...(unaffected === '' ? [] : [unaffected]),
    ...(settings.length === 0 ? [] : ['', ...settingsTable(settings, metric)]),
  ].join('\n');
}

function settingsTable(settings: OverflowSummary['settings'], metric: string | null): string[] {
  const head = ['overflow_fix', 'half range', 'at risk', 'saturate'];
  if (metric !== null) head.push(metric, 'without VNNI');
  const value = (number: number | null) => (number === null ? '–' : metricValue(metric ?? '', number));
  const rows = settings.map((setting) => {
    const counts = [setting.half_range, setting.at_risk, setting.saturating].map(String);
    const measured = metric === null ? [] : [value(setting.metric), value(setting.predicted)];
    return [setting.fix, ...counts, ...measured];
  });

  return table(head, rows);
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const widths = head.map((title, column) =>
    Math.max(title.length, largest(rows.map((row) => row[column]!.length))),
  );

  return [head, ...rows].map((cells) =>
    cells
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!)))
      .join('  '),
  );
}
