import { fail, type SensitivityReport, visible, largest, rounded, smallest } from '@quantsmith/schemas';
import type { RequestOptions } from '@quantsmith/server';
import { runOnConfig } from '../run/engine.js';
import { EXIT } from '../output/exitCodes.js';
import type { Session } from '../output/session.js';
import { printJson, printLines } from '../output/terminal.js';

export interface SensitivityOptions extends RequestOptions {
  readonly json?: boolean;
}

/** `quantsmith sensitivity`: what quantizing each layer alone does, the costliest first. Writes no model. */
export async function sensitivityCommand(
  path: string,
  options: SensitivityOptions,
  session: Session,
): Promise<number> {
  const reports: SensitivityReport[] = [];
  const code = await runOnConfig(path, 'sensitivity', options, session, (event) => {
    if (event.type === 'sensitivity') reports.push(event.report);
  });

  if (code !== null) return code;
  const report = reports[0] ?? fail('engine-crashed', 'The engine ended without a result.');
  if (options.json === true) printJson(report);
  else printLines(sensitivityText(report).split('\n'));

  return EXIT.ok;
}

const shown = (value: number | null, decimals: number) => (value === null ? '–' : rounded(value, decimals));

/** The layers as a table for a terminal. */
export function sensitivityText({ samples, metric, layers }: SensitivityReport): string {
  const head = ['operators', 'type', 'weights dB', 'inputs dB', 'outputs dB'];
  if (metric !== null) head.push(metric.name, 'drop');
  const rows = layers.map((layer) => {
    const inputs = layer.inputs.map(({ sqnr_db: db }) => db).filter((value) => value !== null);
    const row = [
      visible(layer.operators.join(', ')),
      layer.op,
      shown(layer.weight_sqnr_db, 1),
      shown(inputs.length === 0 ? null : smallest(inputs), 1),
      shown(layer.output_sqnr_db, 1),
    ];

    return metric === null ? row : [...row, shown(layer.metric, 4), shown(layer.drop, 4)];
  });
  const widths = head.map((title, column) =>
    Math.max(title.length, largest(rows.map((row) => row[column]?.length ?? 0))),
  );
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, column) =>
        column < 2 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0),
      )
      .join('  ')
      .trimEnd();
  const measured =
    metric === null
      ? ''
      : `; ${metric.name} on ${metric.samples} samples, the float model's is ${rounded(metric.float, 4)}`;

  return [
    line(head),
    ...rows.map(line),
    '',
    `Each row: only these operators are quantized. Signal to noise on ${samples} calibration samples${measured}.`,
  ].join('\n');
}
