import { whyUnreadable } from '@quantsmith/model/files';
import { parseReport, type QuantizationReport, withAbsolutePaths } from '@quantsmith/schemas';
import { textOf } from './look.js';

/** Larger reports are none of ours. */
const MAX_REPORT_BYTES = 16 * 1024 ** 2;

/** A report with absolute paths, or why what lies there is none, as a sentence. */
export type LoadedReport =
  | { readonly report: QuantizationReport; readonly problem: null }
  | { readonly report: null; readonly problem: string };

/** The text of a report; null where there is none that can be read. */
export function reportText(path: string): Promise<string | null> {
  return textOf(path, MAX_REPORT_BYTES).catch(() => null);
}

/** The report at a path, of this or an earlier version. Never throws. */
export async function loadReport(path: string): Promise<LoadedReport> {
  const refused = (problem: string) => ({ report: null, problem });
  try {
    const text = await textOf(path, MAX_REPORT_BYTES);
    if (text === null) return refused(`It is larger than ${MAX_REPORT_BYTES / 1024 ** 2} MiB.`);
    const parsed = parseReport(text);
    return 'problem' in parsed
      ? refused(parsed.problem)
      : { report: withAbsolutePaths(parsed.report, path), problem: null };
  } catch (error) {
    return refused(`It ${whyUnreadable(error)}.`);
  }
}
