import { readReport as currentReport, type QuantizationReport, withAbsolutePaths } from '@quantsmith/schemas';
import { readFile } from 'node:fs/promises';

/** The report at a path, with absolute paths, or null when there is none or it is not valid. */
export async function readReport(path: string): Promise<QuantizationReport | null> {
  try {
    const read = currentReport(JSON.parse(await readFile(path, 'utf8')));
    return 'report' in read ? withAbsolutePaths(read.report, path) : null;
  } catch {
    return null;
  }
}
