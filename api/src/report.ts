import { readText, whyUnreadable } from '@quantsmith/model/files';
import { type Paint, reportHtml, reportMarkdown, reportText } from '@quantsmith/report';
import {
  fail,
  parseReport,
  type QuantizationReport,
  reportPathOf,
  withAbsolutePaths,
} from '@quantsmith/schemas';
import { reportOfConfig } from '@quantsmith/server';
import { existsSync } from 'node:fs';
import { relative, resolve } from 'node:path';
import { reportSarif } from './sarif.js';

export const REPORT_FORMATS = ['table', 'markdown', 'html', 'sarif', 'json'] as const;
export type ReportFormat = (typeof REPORT_FORMATS)[number];

export interface ReportOptions {
  /** Default: `table`, for a terminal. */
  readonly format?: ReportFormat;
  /** Where a report lies that is given as an object: its paths are relative to that place. Default: the working folder. */
  readonly reportPath?: string;
  /** Colours of a table; default: none. */
  readonly paint?: Paint;
}

/**
 * A run's report as text; ends without a newline. It is named by the path of the report, or of the quantized model that it
 * lies beside. Rejects with a `QuantsmithError` (`report-unreadable`).
 */
export async function report(
  source: string | QuantizationReport,
  { format = 'table', paint, reportPath }: ReportOptions = {},
): Promise<string> {
  const value = typeof source === 'string' ? await readReport(source) : source;
  switch (format) {
    case 'table':
      return reportText(value, paint);
    case 'markdown':
      return reportMarkdown(value).trimEnd();
    case 'html':
      return reportHtml(value).trimEnd();
    case 'json':
      return JSON.stringify(value, null, 2);
    case 'sarif':
      return JSON.stringify(
        await reportSarif(withAbsolutePaths(value, placeOf(source, reportPath))),
        null,
        2,
      );
  }
}

function placeOf(source: string | QuantizationReport, reportPath = 'in-memory.report.json'): string {
  return resolve(typeof source === 'string' ? reportFile(source) : reportPath);
}

/** The report that a path names: itself, or the one beside a quantized model. */
function reportFile(path: string): string {
  return /\.onnx$/i.test(path) ? reportPathOf(path) : path;
}

/** Reads a report, or the one beside a quantized model. Rejects with a `QuantsmithError` (`report-unreadable`). */
export async function readReport(path: string): Promise<QuantizationReport> {
  const file = reportFile(path);
  const unreadable = (reason: string) =>
    fail('report-unreadable', `The report ${file} cannot be read. ${reason}`, { file });
  const text = await readText(file).catch((error: unknown) =>
    fail('report-unreadable', `The report ${file} ${whyUnreadable(error)}.`, { file }),
  );

  const made = await reportOfConfig(file);
  if (made !== null || /\.ya?ml$/i.test(file)) fail('report-unreadable', notReport(file, made), { file });
  const parsed = parseReport(text);

  return 'problem' in parsed ? unreadable(parsed.problem) : parsed.report;
}

/** What is said of a config that is named as a report. `made`: where its run writes one; null: that is not known. */
function notReport(file: string, made: string | null): string {
  const what = `${file} is a config, not a report`;
  if (made === null)
    return `${what}: name the report that its run has written, or the quantized model beside it.`;
  const path = relative(process.cwd(), made);
  return existsSync(made)
    ? `${what}: name ${path}, which its run has written.`
    : `${what}: \`quantsmith run\` writes its report to ${path}, which does not exist yet.`;
}
