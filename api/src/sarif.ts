import { type SarifResult, sarifLog, type SarifRule } from '@quantsmith/report';
import { type QuantizationReport, TOOL } from '@quantsmith/schemas';
import { reportFindings, type ReportFinding } from '@quantsmith/server';
import { pathToFileURL } from 'node:url';
import { explain } from './explain.js';

/** A finding in a file; without a range it is about the file as a whole. */
export interface FileFinding {
  readonly file: string;
  readonly code: string;
  readonly severity: 'error' | 'warning' | 'info' | 'hint';
  readonly message: string;
  readonly range: SarifResult['range'];
}

const LEVELS = { error: 'error', warning: 'warning', info: 'note', hint: 'note' } as const;

/** Findings as SARIF 2.1.0, with what each rule means; files are relative to the working folder, in CI the checkout. */
export function findingsSarif(findings: readonly FileFinding[]): object {
  const results = findings.map(({ file, code, severity, message, range }) => ({
    ruleId: code,
    level: LEVELS[severity],
    message,
    uri: pathToFileURL(file).href,
    range,
  }));

  return sarifLog(TOOL.version, `${pathToFileURL(process.cwd()).href}/`, results, ruleOf);
}

/** What a report says about accuracy, overflow and warnings, on the lines of its config. */
export async function reportSarif(report: QuantizationReport): Promise<object> {
  const findings = await reportFindings(report);
  return findingsSarif(
    findings.map((finding) => ({ ...finding, code: ruleIdOf(finding), file: report.config.path })),
  );
}

/** What a run warned of has a code of its own: code hosts group and mute results by it. */
const ruleIdOf = ({ code, data }: ReportFinding): string =>
  code === 'run-warning' && typeof data?.['warning'] === 'string' ? data['warning'] : code;

function ruleOf(code: string): SarifRule | null {
  const explanation = explain(code);
  return explanation === null ? null : { text: explanation.text, helpUri: explanation.url };
}
