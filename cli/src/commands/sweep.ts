import { sweep, type Sweep, type SweepPoint, type SweepRun } from '@quantsmith/api';
import { useCombination } from '@quantsmith/server';
import { claimTextPlace } from '@quantsmith/model/files';
import { sweepHtml, sweepMarkdown, sweepText, type SweptRun } from '@quantsmith/report';
import { dirname, extname, relative, resolve } from 'node:path';
import { changeText, fail, hasErrors, metricValue, type Problem, type Settings } from '@quantsmith/schemas';
import { refuseModel } from '../run/engine.js';
import { openSharing, type ScaleOptions } from '../run/scaleOut.js';
import { cancellable } from '../run/signals.js';
import { EXIT, exitCodeOf } from '../output/exitCodes.js';
import { shortNames } from '../output/names.js';
import { linkTo, writePages } from '../output/pages.js';
import { placedFinding, placedText, problemAsJson, problemsIn, type Session } from '../output/session.js';
import { terminalPaint } from '../output/terminal.js';
import { printOrWrite } from './report.js';

export const SWEEP_FORMATS = ['table', 'markdown', 'html', 'json'] as const;
export type SweepFormat = (typeof SWEEP_FORMATS)[number];

const BY_EXTENSION: Readonly<Record<string, SweepFormat>> = {
  '.md': 'markdown',
  '.html': 'html',
  '.htm': 'html',
  '.json': 'json',
};

export interface SweepCommandOptions extends ScaleOptions {
  readonly format?: SweepFormat;
  readonly json?: boolean;
  readonly output?: string;
  /** Settings that all runs have. */
  readonly set?: Settings;
  /** Seconds for all runs together. */
  readonly timeLimit?: number;
  /** The combination whose settings are written into the config. */
  readonly use?: string;
  readonly fresh?: boolean;
  readonly strict?: boolean;
  readonly force?: boolean;
  readonly cache?: boolean;
  readonly allowModules?: boolean;
}

/** `quantsmith sweep`: runs every combination of the configs' matrices, and compares what came of them. */
export async function sweepCommand(
  configs: readonly string[],
  { use, ...options }: SweepCommandOptions,
  session: Session,
): Promise<number> {
  for (const config of configs) refuseModel(config);
  if (use !== undefined) return usePoint(configs, use, session);
  const { output } = options;
  const { messages } = session;
  if (output !== undefined) await claimTextPlace(output, configs);

  const { progress, note } = messages;
  const labels = labelsFor(configs);
  const sharing = await openSharing(options, note);
  // What the check has found, the engine may find again.
  const remarks = new Set<string>();
  const subjectOf = ({ code, message }: { code: string; message: string }) => `${code}: ${message}`;
  const done = await cancellable((signal) =>
    sweep(configs, {
      ...options,
      ...(sharing === null ? {} : { sharing }),
      signal,
      onProgress: (event) => progress.update({ type: 'progress', ...event }),
      onProblem: (problem) => {
        if (!remarks.has(subjectOf(problem))) note(placedText(problem));
      },
      onRemarks: (findings) => {
        for (const finding of findings) {
          remarks.add(subjectOf(finding));
          note(placedText(placedFinding(finding)));
        }
      },
      onConsole: (module, lines) => lines.forEach((line) => note(`${module}: ${line}`)),
      onRefused: (refusals) => {
        for (const problem of refusals.flatMap(problemsIn)) messages.error(placedText(problem));
      },
      onRun: (run) => {
        progress.end();
        note(runText(run, labels));
      },
      onStage: ({ samples, runs, dropped, seconds }) =>
        note(
          `The time is not enough for all: ${runs} combinations tried on ${samples} samples in ${seconds.toFixed(1)} s, ${dropped} dropped.`,
        ),
    }).catch((error: unknown) => {
      if (signal.aborted) return null;
      throw error;
    }),
  ).finally(() => sharing?.close());

  if (done === null) {
    messages.error('Cancelled; run `quantsmith sweep` again to continue with the runs that are left.');
    return EXIT.cancelled;
  }

  const isJson = options.json === true || options.format === 'json';
  const format = isJson ? 'json' : (options.format ?? BY_EXTENSION[extname(output ?? '')] ?? 'table');
  const pages = format === 'html' && output !== undefined ? await pagesOf(done, messages) : null;
  await printOrWrite(rendered(done, format, output, pages, labels), output, format);

  return exitCode(done, options.strict === true);
}

/** Writes the settings of one combination into its config. */
async function usePoint(configs: readonly string[], name: string, { messages }: Session): Promise<number> {
  const [config, ...others] = configs;
  if (config === undefined || others.length > 0) return fail('usage-invalid', '--use takes one config.');
  await useCombination(config, name);
  messages.note(`${config} states ${name}.`);

  return EXIT.ok;
}

/** The pages of the runs' reports, which the sweep's page leads to. */
function pagesOf({ points }: Sweep, messages: Session['messages']) {
  const made = points.flatMap(({ report, reportPath }) => (report === null ? [] : [{ report, reportPath }]));
  return writePages(made, messages);
}

/** One line before a run and one after it. */
function runText(run: SweepRun, labelOf: LabelOf): string {
  const { index, total, point, samples } = run;
  const few = samples === null ? '' : ` on ${samples} samples`;
  const subject = `[${index + 1}/${total}] ${labelOf(run)}${few}`;
  if (point === null) return subject;
  const { report, kept, problem } = point;
  if (report === null) return `${subject}: failed: ${problem?.message ?? ''}`;
  const { metric } = report;
  const figure =
    metric === null
      ? ''
      : `: ${metric.name} ${metricValue(metric.name, metric.quantized)}${metric.drop === null ? '' : ` (${changeText(metric, metric.drop)})`}`;

  return `${subject}${figure}${kept ? ', kept from before' : ''}`;
}

type LabelOf = (run: Pick<SweepPoint, 'config' | 'name'>) => string;

/** What tells runs of one config apart is enough where there is only one. */
function labelsFor(configs: readonly string[]): LabelOf {
  const nameOf = shortNames(configs);
  return ({ config, name }) => {
    if (name === '') return nameOf(config);
    return configs.length === 1 ? name : `${nameOf(config)}: ${name}`;
  };
}

function rendered(
  done: Sweep,
  format: SweepFormat,
  output: string | undefined,
  pages: ReadonlyMap<string, string> | null,
  labelOf: LabelOf,
): string {
  const runs = done.points.map((point) => ({ label: labelOf(point), ...listed(point, output, pages) }));
  switch (format) {
    case 'json':
      return JSON.stringify(asJson(done, output), null, 2);
    case 'html':
      return sweepHtml(runs, done).trimEnd();
    case 'markdown':
      return sweepMarkdown(runs, done).trimEnd();
    case 'table':
      return sweepText(runs, done, output === undefined ? terminalPaint() : undefined);
  }
}

/** Where the paths in a result start: its own folder, or the working one. */
const folderOf = (output: string | undefined) =>
  output === undefined ? process.cwd() : dirname(resolve(output));

/** Links lead from where the page lies to the pages of the reports. */
function listed(
  point: SweepPoint,
  output: string | undefined,
  pages: ReadonlyMap<string, string> | null,
): Omit<SweptRun, 'label'> {
  const { report, reportPath, onFront, problem, dropped } = point;
  const href = linkTo(pages?.get(reportPath) ?? reportPath, output);
  const failure = problem?.message ?? null;

  return { report, href, onFront, failure, dropped };
}

/** As `quantsmith schema sweep` says; paths are relative to the file, or to the working folder. */
function asJson({ points, work, stages, timeLimit, seconds }: Sweep, output: string | undefined) {
  const portable = (path: string) => relative(folderOf(output), path).split('\\').join('/');

  return {
    schema_version: 1,
    points: points.map(({ config, name, settings, output: model, reportPath, report, kept, ...rest }) => ({
      config,
      name,
      settings,
      output: portable(model),
      report: portable(reportPath),
      state: rest.dropped !== null ? 'dropped' : report === null ? 'failed' : kept ? 'kept' : 'done',
      problem: rest.problem === null ? null : failureAsJson(rest.problem),
      metric: report?.metric ?? null,
      outputs: report?.outputs ?? [],
      latency_ms: report?.latency_ms ?? null,
      size: report?.size ?? null,
      dropped: rest.dropped,
      on_front: rest.onFront,
    })),
    work,
    stages,
    time_limit: timeLimit,
    seconds,
  };
}

/** Of a combination that was refused, with what was found in its config. */
function failureAsJson(problem: Problem) {
  const { code, message } = problem;
  return code === 'config-invalid'
    ? { code, message, findings: problemsIn(problem).map(problemAsJson) }
    : { code, message };
}

/** What failed counts first; a target is met where one of the runs that have it meets it. */
function exitCode({ points }: Sweep, strict: boolean): number {
  const failed = points.find(({ problem }) => problem !== null);
  if (failed !== undefined && failed.problem !== null) return exitCodeOf(failed.problem);
  const reports = points.flatMap(({ report }) => (report === null ? [] : [report]));
  const withTarget = reports.filter(({ metric }) => (metric?.satisfied ?? null) !== null);
  const isMissed = withTarget.length > 0 && !withTarget.some(({ metric }) => metric?.satisfied === true);

  return isMissed || (strict && reports.some(hasErrors)) ? EXIT.targetMissed : EXIT.ok;
}
