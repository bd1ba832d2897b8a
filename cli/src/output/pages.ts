import { readText, systemReason, writeText } from '@quantsmith/model/files';
import { reportHtml } from '@quantsmith/report';
import { type QuantizationReport, QuantsmithError, REPORT_SUFFIX, visible } from '@quantsmith/schemas';
import { existsSync } from 'node:fs';
import { dirname, relative, resolve } from 'node:path';
import type { Messages } from './messages.js';
import { shownFile } from './place.js';

/** What every page of ours has in its head. */
const OURS = '<meta name="generator" content="quantsmith">';
const MAX_PAGE_BYTES = 256 * 2 ** 20;

export interface PageOfReport {
  readonly report: QuantizationReport;
  readonly reportPath: string;
}

/**
 * Writes the HTML page of each report beside it, so that other pages can lead there: `net.int8.onnx.report.html`. What is no page
 * of ours is not replaced: then the way leads to the report itself, and a note says so. Returns where each way leads.
 */
export async function writePages(
  reports: readonly PageOfReport[],
  { note }: Messages,
): Promise<ReadonlyMap<string, string>> {
  const pages = new Map<string, string>();
  for (const { report, reportPath } of reports) {
    const page = reportPath.endsWith(REPORT_SUFFIX)
      ? `${reportPath.slice(0, -REPORT_SUFFIX.length)}.report.html`
      : `${reportPath}.html`;
    const obstacle = await writtenOver(page, reportHtml(report));
    if (obstacle !== null) note(`The page ${visible(shownFile(page))} is not written: ${obstacle}`);
    pages.set(reportPath, obstacle === null ? page : reportPath);
  }

  return pages;
}

/** Writes a page; returns why it cannot be written, as a sentence. */
async function writtenOver(page: string, html: string): Promise<string | null> {
  try {
    if (existsSync(page) && !(await readText(page, MAX_PAGE_BYTES)).includes(OURS))
      return 'a file of this name exists that quantsmith did not write.';
    await writeText(page, html);

    return null;
  } catch (error) {
    return error instanceof QuantsmithError ? error.problem.message : `${systemReason(error)}.`;
  }
}

/** A file as a page at `output`, or in the working folder, links to it. */
export function linkTo(file: string, output: string | undefined): string {
  const folder = output === undefined ? process.cwd() : dirname(resolve(output));
  return relative(folder, file).split(/[\\/]/).map(encodeURIComponent).join('/');
}
