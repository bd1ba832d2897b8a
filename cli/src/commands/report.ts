import { writeText } from '@quantsmith/model/onnx';
import { type QuantizationReport, QuantsmithError, withAbsolutePaths } from '@quantsmith/schemas';
import { reportHtml, reportMarkdown, reportText, sarifLog } from '@quantsmith/report';
import { reportFindings } from '@quantsmith/server';
import { extname } from 'node:path';
import { pathToFileURL } from 'node:url';
import { EXIT } from '../exit.js';
import { readReportFile, reportFile } from '../reportFile.js';
import { SARIF_LEVELS, workingFolder } from '../sarif.js';
import { terminalPaint } from '../terminal.js';
import { TOOL_VERSION } from '../version.js';

export const REPORT_FORMATS = ['table', 'markdown', 'html', 'sarif', 'json'] as const;
export type ReportFormat = (typeof REPORT_FORMATS)[number];

/** The format that a file's name asks for. */
const BY_EXTENSION: Readonly<Record<string, ReportFormat>> = {
  '.md': 'markdown',
  '.html': 'html',
  '.htm': 'html',
  '.sarif': 'sarif',
  '.json': 'json',
};

/** `quantsmith report`: a report in another format, printed or written to a file. Returns the exit code. */
export async function reportCommand(
  path: string,
  { format, output }: { readonly format?: ReportFormat; readonly output?: string },
): Promise<number> {
  const parsed = await readReportFile(path);
  if ('problem' in parsed) {
    console.error(`error: ${parsed.problem}`);
    return EXIT.input;
  }
  const chosen = format ?? BY_EXTENSION[extname(output ?? '').toLowerCase()] ?? 'table';
  const text = await renderReport(
    { report: parsed.report, reportPath: reportFile(path) },
    chosen,
    output === undefined,
  );
  return printOrWrite(text, output);
}

/** A report, and where it lies. */
export interface MadeReport {
  readonly report: QuantizationReport;
  readonly reportPath: string;
}

/** The report in a format; ends without a newline. */
export async function renderReport(
  { report, reportPath }: MadeReport,
  format: ReportFormat,
  colours: boolean,
): Promise<string> {
  switch (format) {
    case 'table':
      return reportText(report, colours ? terminalPaint() : undefined);
    case 'markdown':
      return reportMarkdown(report).trimEnd();
    case 'html':
      return reportHtml(report).trimEnd();
    case 'json':
      return JSON.stringify(report, null, 2);
    case 'sarif':
      return JSON.stringify(await reportSarif(withAbsolutePaths(report, reportPath)), null, 2);
  }
}

/** Text on standard output, or whole in a file. */
export async function printOrWrite(text: string, output: string | undefined): Promise<number> {
  if (output === undefined) {
    console.log(text);
    return EXIT.ok;
  }
  try {
    await writeText(output, `${text}\n`);
    return EXIT.ok;
  } catch (error) {
    if (!(error instanceof QuantsmithError)) throw error;
    console.error(`error: ${error.message} [${error.problem.code}]`);
    return EXIT.input;
  }
}

async function reportSarif(report: QuantizationReport): Promise<object> {
  const uri = pathToFileURL(report.config.path).href;
  const results = (await reportFindings(report)).map(({ code, severity, message, range }) => ({
    ruleId: code,
    level: SARIF_LEVELS[severity],
    message,
    uri,
    range,
  }));
  return sarifLog(TOOL_VERSION, workingFolder(), results);
}
