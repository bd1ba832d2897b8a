import { readReport, type QuantizationReport, visible } from '@quantsmith/schemas';

/** A report, or why a text is none, in one sentence. */
export type ParsedReport = { readonly report: QuantizationReport } | { readonly problem: string };

/** Reads a report's JSON text. Never throws: what is not a valid report comes back as a problem that names the place. */
export function parseReport(text: string): ParsedReport {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    // The parser quotes the text, whatever it holds.
    return { problem: `It is not JSON: ${visible(error instanceof Error ? error.message : String(error))}.` };
  }

  const read = readReport(value);
  if ('report' in read) return read;
  const [issue] = read.issues;
  if (issue === undefined) return { problem: 'It is not a report.' };
  const place = issue.path.length === 0 ? 'The top level' : `"${issue.path.join('.')}"`;
  const details = Object.values(issue.params).map((detail) => JSON.stringify(detail));

  return {
    problem: `It is not a report of this version of Quantsmith: ${visible(place)} breaks the rule "${issue.keyword}" (${details.join(', ')}).`,
  };
}
