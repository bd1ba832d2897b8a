import type { ConfigDocument } from '../document/document.js';
import type { Finding } from '../findings/finding.js';

/**
 * Leaves out what comments suppress: `# quantsmith-disable-next-line CODE…`, `# quantsmith-disable-line CODE…` and
 * `# quantsmith-disable CODE…` for the whole file; without codes, everything.
 */
export function withoutSuppressed(document: ConfigDocument, findings: readonly Finding[]): Finding[] {
  const rules = document.tree.comments.flatMap((comment) => {
    const match = /quantsmith-disable(-next-line|-line)?(?:\s+([\w\-, ]+))?/.exec(comment.text);
    if (match === null) return [];
    const line = document.text.positionAt(comment.start).line;
    const codes = (match[2] ?? '').split(/[\s,]+/).filter((code) => code !== '');
    const only = match[1] === '-next-line' ? line + 1 : match[1] === '-line' ? line : null;
    return [{ only, codes }];
  });

  if (rules.length === 0) return [...findings];
  return findings.filter((finding) => {
    const line = document.text.positionAt(finding.start).line;
    return !rules.some(
      ({ only, codes }) =>
        (only === null || only === line) && (codes.length === 0 || codes.includes(finding.code)),
    );
  });
}
