import { withAbsolutePaths } from '@quantsmith/schemas';
import type { EmulatedCpu } from '@quantsmith/engine';
import { runOnConfig, type EngineOptions } from '../engine.js';
import { EXIT } from '../exit.js';
import { summaryTable } from '../summary.js';
import { emulatorFor, verifyOnCpu } from '../verify.js';
import { renderReport, type MadeReport, type ReportFormat } from './report.js';

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
  let made: MadeReport | null = null;
  const failed = await runOnConfig(path, 'run', options, (event) => {
    if (event.type === 'report') made = event;
  });
  if (failed !== null) return failed;
  const code = await finish(made, options.json === true ? 'json' : options.format);
  if (made === null || emulator === null) return code;
  const { report, reportPath } = made as MadeReport;
  const verified = { config: path, model: withAbsolutePaths(report, reportPath).output.path };
  return (await verifyOnCpu(verified, options.verifyIsa!, emulator, options.allowModules === true)) ?? code;
}

async function finish(made: MadeReport | null, format: ReportFormat | undefined): Promise<number> {
  if (made === null) {
    console.error('The engine ended without a report.');
    return EXIT.internal;
  }
  const { report, reportPath } = made;
  console.log(
    format === undefined
      ? summaryTable(withAbsolutePaths(report, reportPath))
      : await renderReport(made, format, true),
  );
  return report.metric?.satisfied === false ? EXIT.targetMissed : EXIT.ok;
}
