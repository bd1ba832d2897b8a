import { claimTextPlace, writeText } from '@quantsmith/model/files';
import { report, REPORT_FORMATS, type ReportFormat } from '@quantsmith/api';
import { reportPathOf } from '@quantsmith/schemas';
import { extname } from 'node:path';
import { EXIT } from '../output/exitCodes.js';
import { terminalPaint, printReport } from '../output/terminal.js';

export { REPORT_FORMATS, type ReportFormat };

/** The format that a file's name asks for. */
const BY_EXTENSION: Readonly<Record<string, ReportFormat>> = {
  '.md': 'markdown',
  '.html': 'html',
  '.htm': 'html',
  '.sarif': 'sarif',
  '.json': 'json',
};

/** `quantsmith report`: a report in another format, printed or written to a file. Returns the exit code. */
export async function reportCommand(
  path: string,
  { format, output }: { readonly format?: ReportFormat; readonly output?: string },
): Promise<number> {
  if (output !== undefined) await claimTextPlace(output, [path, reportPathOf(path)]);
  const chosen = format ?? BY_EXTENSION[extname(output ?? '').toLowerCase()] ?? 'table';
  const paint = output === undefined ? { paint: terminalPaint() } : {};
  await printOrWrite(await report(path, { format: chosen, ...paint }), output, chosen);
  return EXIT.ok;
}

/** Text on standard output, or whole in a file. */
export async function printOrWrite(
  text: string,
  output: string | undefined,
  format: ReportFormat,
): Promise<void> {
  if (output === undefined) printReport(text, format);
  else await writeText(output, `${text}\n`);
}
