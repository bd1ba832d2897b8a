import { SARIF_LEVELS, type SarifResult, sarifLog, type SarifRule, sarifRuleId } from '@quantsmith/report';
import { type QuantizationReport, TOOL } from '@quantsmith/schemas';
import { reportFindings } from '@quantsmith/server';
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

/** Findings as SARIF 2.1.0, with what each rule means; files are relative to the working folder, in CI the checkout. */
export function findingsSarif(findings: readonly FileFinding[]): object {
  const results = findings.map(({ file, code, severity, message, range }) => ({
    ruleId: code,
    level: SARIF_LEVELS[severity],
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
    findings.map(({ data, ...finding }) => ({
      ...finding,
      code: sarifRuleId(finding.code, data?.['warning']),
      file: report.config.path,
    })),
  );
}

function ruleOf(code: string): SarifRule | null {
  const explanation = explain(code);
  return explanation === null ? null : { text: explanation.text, helpUri: explanation.url };
}
