import { report as rendered, type ReportFormat } from '@quantsmith/api';
import type { EmulatedCpu } from '@quantsmith/engine';
import { claimTextPlace } from '@quantsmith/model/files';
import { fail, hasErrors, type QuantizationReport, withAbsolutePaths } from '@quantsmith/schemas';
import { type EngineOptions, runOnConfig } from '../run/engine.js';
import { EXIT } from '../output/exitCodes.js';
import type { Session } from '../output/session.js';
import { summaryTable } from '../output/summary.js';
import { terminalPaint, printLines, printReport } from '../output/terminal.js';
import { lockChoices } from '../run/lockChoices.js';
import { emulatorFor, verifyOnCpu } from '../run/verify.js';

export interface RunOptions extends EngineOptions {
  readonly json?: boolean;
  /** What is printed at the end; default: a summary. */
  readonly format?: ReportFormat;
  /** Write the choices into the config. */
  readonly locked?: boolean;
  /** Whether an error that the report tells of ends the command as a missed target does. */
  readonly strict?: boolean;
  /** Also run the written model on this CPU, emulated. */
  readonly verifyIsa?: EmulatedCpu;
}

/** `quantsmith run`: checks the config, runs the engine, prints what came of it. Returns the exit code. */
export async function runCommand(path: string, options: RunOptions, session: Session): Promise<number> {
  const emulator = options.verifyIsa === undefined ? null : await emulatorFor(options.verifyIsa);
  // What is chosen has a place: the run may take hours.
  if (options.locked === true) await claimTextPlace(path);
  const made: { readonly report: QuantizationReport; readonly reportPath: string }[] = [];
  const code = await runOnConfig(path, 'run', options, session, (event) => {
    if (event.type === 'report') made.push(event);
  });

  if (code !== null) return code;
  const [result] = made;
  if (result === undefined) return fail('engine-crashed', 'The engine ended without a report.');
  const { report, reportPath } = result;
  const absolute = withAbsolutePaths(report, reportPath);
  const format = options.json === true ? 'json' : options.format;
  if (format === undefined) printLines(summaryTable(absolute).split('\n'), { painted: true });
  else printReport(await rendered(report, { format, reportPath, paint: terminalPaint() }), format);
  if (options.locked === true) await lockChoices(path, report.pinned ?? {}, session);
  if (emulator !== null) {
    const verified = { config: path, model: absolute.output.path };
    const allowModules = options.allowModules === true;
    await verifyOnCpu(verified, { cpu: options.verifyIsa!, emulator, allowModules }, session);
  }

  const isFailed = report.metric?.satisfied === false || (options.strict === true && hasErrors(report));

  return isFailed ? EXIT.targetMissed : EXIT.ok;
}
