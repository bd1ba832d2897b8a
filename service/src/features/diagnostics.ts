import { DiagnosticSeverity, DiagnosticTag, type Diagnostic } from 'vscode-languageserver-types';
import { pathToFileURL } from 'node:url';
import { rangeOf, type ConfigDocument } from '../document/document.js';
import type { Finding, Severity } from '../findings/finding.js';

const SEVERITY: Readonly<Record<Severity, DiagnosticSeverity>> = {
  error: DiagnosticSeverity.Error,
  warning: DiagnosticSeverity.Warning,
  info: DiagnosticSeverity.Information,
  hint: DiagnosticSeverity.Hint,
};

/** The source that diagnostics name: clients send those of other servers along. */
export const SOURCE = 'quantsmith';

/** Codes of what can be taken out without a change: editors fade it. */
const UNNECESSARY: ReadonlySet<string> = new Set(['dead-setting', 'ignored-already']);

const START = { start: { line: 0, character: 0 }, end: { line: 0, character: 0 } };

export interface DiagnosticOptions {
  /** Severities by code as the user set them; `off` leaves a code out. */
  readonly severities: Readonly<Record<string, Severity | 'off'>>;
  readonly relatedInformation: boolean;
  readonly codeDescription: boolean;
  /** Where the documentation that comes with the server lies, as a URI; null: nowhere. */
  readonly docs?: string | null;
  readonly diagnosticTags: boolean;
  /** Whether the client gives the data back. */
  readonly diagnosticData: boolean;
}

/** Findings in the protocol's form. */
export function toDiagnostics(
  document: ConfigDocument,
  findings: readonly Finding[],
  options: DiagnosticOptions,
): Diagnostic[] {
  const { docs = null } = options;
  const page = options.codeDescription && docs !== null ? `${docs}diagnostics.md` : null;
  return findings.flatMap((finding) => {
    const severity = options.severities[finding.code] ?? finding.severity;
    if (severity === 'off') return [];
    const related = finding.related?.map(({ file, message, range = START }) => ({
      location: { uri: pathToFileURL(file).href, range },
      message,
    }));

    return [
      {
        range: rangeOf(document, finding),
        severity: SEVERITY[severity],
        code: finding.code,
        source: SOURCE,
        ...(page !== null ? { codeDescription: { href: `${page}#${finding.code}` } } : {}),
        message: finding.message,
        ...(options.diagnosticData ? { data: { ...finding.data, path: finding.path } } : {}),
        ...(options.diagnosticTags ? tagsOf(finding.code) : {}),
        ...(related === undefined || !options.relatedInformation ? {} : { relatedInformation: related }),
      },
    ];
  });
}

function tagsOf(code: string): Pick<Diagnostic, 'tags'> {
  if (UNNECESSARY.has(code)) return { tags: [DiagnosticTag.Unnecessary] };
  return code === 'deprecated-value' ? { tags: [DiagnosticTag.Deprecated] } : {};
}
