import type { QuantizationReport } from '@quantsmith/schemas';
import { readFile } from 'node:fs/promises';
import { pathToFileURL } from 'node:url';
import { TextDocument } from 'vscode-languageserver-textdocument';
import type { CheckedFinding } from './check.js';
import {
  accuracyFindings,
  type ConfigDocument,
  configHash,
  inherit,
  parseConfig,
  rangeOf,
  withoutSuppressed,
} from '@quantsmith/service';
import { createSources } from '../sources/sources.js';

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
  const parsed = (content: string): ConfigDocument =>
    parseConfig(TextDocument.create(pathToFileURL(path).href, '', 1, content));
  const whole = parsed(text);
  const same = configHash(whole, await inherit(whole, path, createSources().config)) === report.config.sha256;
  const document = same ? whole : parsed('');
  return withoutSuppressed(document, accuracyFindings(document, report, null)).map((finding) => ({
    ...finding,
    range: same ? rangeOf(document, finding) : null,
  }));
}
