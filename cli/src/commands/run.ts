import type { QuantizationReport } from '@quantsmith/schemas';
import type { EmulatedCpu } from '@quantsmith/engine';
import { runOnConfig, type EngineOptions } from '../engine.js';
import { EXIT } from '../exit.js';
import { summaryTable } from '../summary.js';
import { emulatorFor, verifyOnCpu } from '../verify.js';
import { renderReport, type ReportFormat } from './report.js';

export interface RunOptions extends EngineOptions {
  readonly json?: boolean;
  /** What is printed at the end; default: a summary. */
  readonly format?: ReportFormat;
  /** Also run the written model on this CPU, emulated. */
  readonly verifyIsa?: EmulatedCpu;
}

/** `quantsmith run`: checks the config, runs the engine, prints what came of it. Returns the exit code. */
export async function runCommand(path: string, options: RunOptions): Promise<number> {
  const emulator = options.verifyIsa === undefined ? null : await emulatorFor(options.verifyIsa);
  if (typeof emulator === 'number') return emulator;
  let report: QuantizationReport | null = null;
  const failed = await runOnConfig(path, 'run', options, (event) => {
    if (event.type === 'report') report = event.report;
  });
  if (failed !== null) return failed;
  const code = await finish(report, options.json === true ? 'json' : options.format);
  if (report === null || emulator === null) return code;
  const verified = { config: path, model: (report as QuantizationReport).output.path };
  return (await verifyOnCpu(verified, options.verifyIsa!, emulator, options.allowModules === true)) ?? code;
}

async function finish(report: QuantizationReport | null, format: ReportFormat | undefined): Promise<number> {
  if (report === null) {
    console.error('The engine ended without a report.');
    return EXIT.internal;
  }
  console.log(format === undefined ? summaryTable(report) : await renderReport(report, format, true));
  return report.metric?.satisfied === false ? EXIT.targetMissed : EXIT.ok;
}
