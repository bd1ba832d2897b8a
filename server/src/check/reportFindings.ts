import { isConfig, type QuantizationReport } from '@quantsmith/schemas';
import { pathToFileURL } from 'node:url';
import { TextDocument } from 'vscode-languageserver-textdocument';
import type { CheckedFinding } from './check.js';
import {
  accuracyFindings,
  type ConfigDocument,
  effectiveValue,
  inherit,
  isReportOf,
  parseConfig,
  rangeOf,
  withoutSuppressed,
} from '@quantsmith/service';
import { textOf } from '../sources/look.js';
import { createSources, MAX_CONFIG_BYTES } from '../sources/sources.js';

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
  const text = (await textOf(path, MAX_CONFIG_BYTES).catch(() => null)) ?? '';
  const parsed = (content: string): ConfigDocument =>
    parseConfig(TextDocument.create(pathToFileURL(path).href, '', 1, content));

  const current = parsed(text);
  const inherited = await inherit(current, path, createSources().config);
  const value = effectiveValue(current, inherited);
  const same = isReportOf(report, current, inherited, isConfig(value) ? value : null);
  const document = same ? current : parsed('');

  return withoutSuppressed(document, accuracyFindings(document, report, null)).map((finding) => ({
    ...finding,
    range: same ? rangeOf(document, finding) : null,
  }));
}
