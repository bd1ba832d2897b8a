import type { QuantizationReport } from '@quantsmith/schemas';
import { readFile } from 'node:fs/promises';
import { pathToFileURL } from 'node:url';
import { TextDocument } from 'vscode-languageserver-textdocument';
import { sha256, type CheckedFinding } from '../check.js';
import { parseConfig, rangeOf } from '../document/document.js';
import { accuracyFindings } from '../rules/accuracy.js';
import { withoutSuppressed } from '../rules/suppress.js';

/** A finding of a report; without a range where the config is not the one that was run. */
export type ReportFinding = Omit<CheckedFinding, 'range'> & {
  readonly range: CheckedFinding['range'] | null;
};

/**
 * What a report says about accuracy, overflow and warnings, on the lines of its config: what the editor shows after the
 * run. A config that has changed since, or is gone, gives the same findings without places.
 */
export async function reportFindings(report: QuantizationReport): Promise<ReportFinding[]> {
  const { path } = report.config;
  const text = await readFile(path, 'utf8').catch(() => '');
  const same = sha256(text) === report.config.sha256;
  const document = parseConfig(TextDocument.create(pathToFileURL(path).href, '', 1, same ? text : ''));
  return withoutSuppressed(document, accuracyFindings(document, report, null)).map((finding) => ({
    ...finding,
    range: same ? rangeOf(document, finding) : null,
  }));
}
