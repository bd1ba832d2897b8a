import { validateReport, type QuantizationReport } from '@quantsmith/schemas';
import { readFile } from 'node:fs/promises';

/** The report at a path, or null when there is none or it is not valid. */
export async function readReport(path: string): Promise<QuantizationReport | null> {
  try {
    const value: unknown = JSON.parse(await readFile(path, 'utf8'));
    return validateReport(value).length === 0 ? (value as QuantizationReport) : null;
  } catch {
    return null;
  }
}
