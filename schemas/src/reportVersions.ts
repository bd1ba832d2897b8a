import type { QuantizationReport } from './generated/report.js';
import { upgradedReport } from './reportUpgrades.js';
import { validateReport, type SchemaIssue } from './validate.js';

/** Reads a report of this or any earlier version. */
export function readReport(
  value: unknown,
): { readonly report: QuantizationReport } | { readonly issues: readonly SchemaIssue[] } {
  const current = upgradedReport(value);
  const issues = validateReport(current);
  return issues.length === 0 ? { report: current as QuantizationReport } : { issues };
}
