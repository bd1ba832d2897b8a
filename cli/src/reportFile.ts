import { reportPathOf } from '@quantsmith/schemas';
import { parseReport, type ParsedReport } from '@quantsmith/report';
import { readFile } from 'node:fs/promises';

/** The report that a path names: itself, or the one beside a quantized model. */
export const reportFile = (path: string) => (path.endsWith('.onnx') ? reportPathOf(path) : path);

/** Reads a report, or the one beside a quantized model. Never throws: a problem names the file. */
export async function readReportFile(path: string): Promise<ParsedReport> {
  const file = reportFile(path);
  try {
    const parsed = parseReport(await readFile(file, 'utf8'));
    return 'problem' in parsed ? { problem: `The report ${file} cannot be read. ${parsed.problem}` } : parsed;
  } catch (error) {
    const missing = error instanceof Error && 'code' in error && error.code === 'ENOENT';
    const reason = missing ? 'it does not exist' : String(error);
    return { problem: `The report ${file} cannot be read: ${reason}.` };
  }
}
