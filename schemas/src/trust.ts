import type { QuantizationReport } from './generated/report.js';

/** Warnings over which no verdict on accuracy means anything, where they are errors. */
const DISTRUSTED: ReadonlySet<string> = new Set(['output-damaged', 'float-accuracy-implausible']);

/** Why the figures of a report are not to be trusted, in one sentence; null: nothing speaks against them. */
export function distrustOf({ warnings }: Pick<QuantizationReport, 'warnings'>): string | null {
  const distrust = warnings.find(({ code, severity }) => severity === 'error' && DISTRUSTED.has(code));
  return distrust?.message ?? null;
}

/** Whether a run found something as bad as an error, and wrote the model all the same. */
export const hasErrors = ({ warnings }: Pick<QuantizationReport, 'warnings'>): boolean =>
  warnings.some(({ severity }) => severity === 'error');
