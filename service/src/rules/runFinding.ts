import { type ConfigPath, metricValue, reportPathOf, type QuantizationReport } from '@quantsmith/schemas';
import type { Code, Finding } from '../findings/finding.js';
import type { ConfigDocument } from '../document/document.js';
import { findEntry, type Span } from '../document/tree.js';

/** A metric's value as a person writes it. */
export const percent = metricValue;

export const day = (report: QuantizationReport) => report.created.slice(0, 16).replace('T', ' ');

/** The report that a finding was read from. */
export function related(report: QuantizationReport): NonNullable<Finding['related']> {
  return [{ file: reportPathOf(report.output.path), message: `Report of ${day(report)}` }];
}

/** A finding on the first of the keys that the config has, else at its beginning. */
export function findingAt(
  document: ConfigDocument,
  paths: readonly ConfigPath[],
  code: Code,
  severity: Finding['severity'],
  message: string,
): Finding {
  for (const path of [...paths, ['extends'] as const]) {
    const entry = findEntry(document.tree, path);
    if (entry === undefined) continue;
    const scalar = entry.value?.kind === 'scalar' ? entry.value : null;
    const span: Span = scalar === null ? entry.keySpan : { start: entry.keySpan.start, end: scalar.end };
    return { code, severity, message, start: span.start, end: span.end, path };
  }

  return { code, severity, message, start: 0, end: 1, path: [] };
}
