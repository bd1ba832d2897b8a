import type { QuantizationReport } from '@quantsmith/schemas';
import { runOnConfig, type EngineOptions } from '../engine.js';
import { EXIT } from '../exit.js';
import { summaryTable } from '../summary.js';
import { renderReport, type ReportFormat } from './report.js';

export interface RunOptions extends EngineOptions {
  readonly json?: boolean;
  /** What is printed at the end; default: a summary. */
  readonly format?: ReportFormat;
}

/** `quantsmith run`: checks the config, runs the engine, prints what came of it. Returns the exit code. */
export async function runCommand(path: string, options: RunOptions): Promise<number> {
  let report: QuantizationReport | null = null;
  const failed = await runOnConfig(path, 'run', options, (event) => {
    if (event.type === 'report') report = event.report;
  });
  return failed ?? finish(report, options.json === true ? 'json' : options.format);
}

async function finish(report: QuantizationReport | null, format: ReportFormat | undefined): Promise<number> {
  if (report === null) {
    console.error('The engine ended without a report.');
    return EXIT.internal;
  }
  console.log(format === undefined ? summaryTable(report) : await renderReport(report, format, true));
  return report.metric?.satisfied === false ? EXIT.targetMissed : EXIT.ok;
}
