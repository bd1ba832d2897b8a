import { readReport as currentReport, type QuantizationReport, withAbsolutePaths } from '@quantsmith/schemas';
import { textOf } from './look.js';

/** Larger reports are none of ours. */
const MAX_REPORT_BYTES = 16 * 1024 ** 2;

/** The text of a report; null where there is none that can be read. */
export function reportText(path: string): Promise<string | null> {
  return textOf(path, MAX_REPORT_BYTES).catch(() => null);
}

/** The report at a path, with absolute paths, or null when there is none or it is not valid. */
export async function readReport(path: string): Promise<QuantizationReport | null> {
  try {
    const text = await reportText(path);
    const read = text === null ? null : currentReport(JSON.parse(text));
    return read !== null && 'report' in read ? withAbsolutePaths(read.report, path) : null;
  } catch {
    return null;
  }
}
