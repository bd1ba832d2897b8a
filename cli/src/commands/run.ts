import type { QuantizationReport } from '@quantsmith/schemas';
import { runPaths } from '@quantsmith/engine/paths';
import type { Problem } from '@quantsmith/engine/problem';
import type { RunRequest } from '@quantsmith/engine/protocol';
import { existsSync } from 'node:fs';
import { startEngine } from '@quantsmith/engine/spawn';
import { checkConfigFile, type CheckedConfig, type CheckedFinding } from '@quantsmith/server';
import { EXIT, exitCodeOf } from '../exit.js';
import { createProgress } from '../progress.js';
import { summaryTable } from '../summary.js';
import { findingLine } from './check.js';
import { renderReport, type ReportFormat } from './report.js';

export interface RunOptions {
  readonly output?: string;
  readonly json?: boolean;
  /** What is printed at the end; default: a summary. */
  readonly format?: ReportFormat;
  readonly allowModules?: boolean;
  readonly cache?: boolean;
  readonly resume?: boolean;
}

/** `quantsmith run`: checks the config, runs the engine, prints what came of it. Returns the exit code. */
export async function runCommand(path: string, options: RunOptions): Promise<number> {
  const checked = await checkConfigFile(path);
  for (const finding of worthShowing(checked)) console.error(findingLine(checked.path, finding));
  if (checked.config === null || checked.findings.some((finding) => finding.severity === 'error'))
    return EXIT.config;

  const abort = new AbortController();
  const cancel = () => abort.abort();
  process.once('SIGINT', cancel).once('SIGTERM', cancel);
  const progress = createProgress(process.stderr);
  let report: QuantizationReport | null = null;
  const request: RunRequest = {
    kind: 'run',
    config: checked.config,
    configPath: checked.path,
    configSha256: checked.sha256,
    allowModules: options.allowModules === true,
    cache: options.cache !== false,
    resume: options.resume === true,
    ...(options.output === undefined ? {} : { output: options.output }),
  };
  const outcome = await startEngine(request, {
    signal: abort.signal,
    onEvent(event) {
      if (event.type === 'progress') progress.update(event);
      else if (event.type === 'problem') progress.line(problemLine(checked.path, event.problem));
      else if (event.type === 'report') report = event.report;
    },
  });
  progress.end();
  if (outcome.code === 'cancelled') {
    const { journal } = runPaths(request);
    const goesOn = existsSync(journal) ? ' `quantsmith run --resume` goes on where it stood.' : '';
    console.error(`Cancelled; no model was written.${goesOn}`);
    return EXIT.cancelled;
  }
  if (outcome.code === 'failed') {
    console.error(problemLine(checked.path, outcome.problem));
    return exitCodeOf(outcome.problem);
  }
  return finish(report, options.json === true ? 'json' : options.format);
}

async function finish(report: QuantizationReport | null, format: ReportFormat | undefined): Promise<number> {
  if (report === null) {
    console.error('The engine ended without a report.');
    return EXIT.internal;
  }
  console.log(format === undefined ? summaryTable(report) : await renderReport(report, format, true));
  return report.metric?.satisfied === false ? EXIT.targetMissed : EXIT.ok;
}

/** All findings; of a text that does not parse only the first, since the others follow from it. */
function worthShowing({ findings }: CheckedConfig): readonly CheckedFinding[] {
  const syntax = findings.find((finding) => finding.code === 'syntax');
  return syntax === undefined ? findings.filter((finding) => finding.severity !== 'hint') : [syntax];
}

/** One line: the config's file, where in it, what is wrong. */
function problemLine(file: string, problem: Problem): string {
  const place =
    problem.configPath === undefined || problem.configPath.length === 0
      ? ''
      : ` (${problem.configPath.join('.')})`;
  return `${file}${place}: ${problem.severity}: ${problem.message} [${problem.code}]`;
}
