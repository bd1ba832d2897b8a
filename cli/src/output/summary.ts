import { factsText, summaryFacts } from '@quantsmith/report';
import { reportPathOf, type QuantizationReport } from '@quantsmith/schemas';
import { terminalPaint } from './terminal.js';

/** The table that ends a run. */
export function summaryTable(report: QuantizationReport): string {
  const facts = summaryFacts(report);
  const files = [
    ['model', report.output.path],
    ['report', reportPathOf(report.output.path)],
  ] as const;

  return factsText({ ...facts, rows: [...facts.rows, ...files] }, terminalPaint());
}
