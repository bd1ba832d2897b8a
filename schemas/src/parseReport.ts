import { reasonOf } from './problem.js';
import { visible } from './escape.js';
import type { QuantizationReport } from './generated/report.js';
import { REPORT_VERSION } from './reportUpgrades.js';
import { readReport } from './reportVersions.js';

/** A report, or why a text is none, in one sentence. */
export type ParsedReport = { readonly report: QuantizationReport } | { readonly problem: string };

/** Reads a report's JSON text. Never throws: what is not a valid report comes back as a problem that names the place. */
export function parseReport(text: string): ParsedReport {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    // The parser quotes the text, whatever it holds.
    return { problem: `It is not JSON: ${visible(reasonOf(error))}.` };
  }

  const read = readReport(value);
  if ('report' in read) return read;
  const version = laterVersion(value);
  if (version !== null)
    return {
      problem: `It has version ${version} of the format, and this version of Quantsmith reads up to ${REPORT_VERSION}. Use the one that wrote it, or a later one.`,
    };
  const [issue] = read.issues;
  if (issue === undefined) return { problem: 'It is not a report.' };
  const place = issue.path.length === 0 ? 'The top level' : `"${issue.path.join('.')}"`;
  const details = Object.values(issue.params).map((detail) => JSON.stringify(detail));

  return {
    problem: `It is not a report of this version of Quantsmith: ${visible(place)} breaks the rule "${issue.keyword}" (${details.join(', ')}).`,
  };
}

/** The version of a report that says that it is later than this one's. */
function laterVersion(value: unknown): number | null {
  if (typeof value !== 'object' || value === null || !('schema_version' in value)) return null;
  const { schema_version: version } = value;
  return typeof version === 'number' && version > REPORT_VERSION ? version : null;
}
