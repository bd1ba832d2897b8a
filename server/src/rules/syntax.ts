import type { ConfigDocument } from '../document/document.js';
import type { Finding } from '../diagnostics.js';

/** `syntax`: the text is not YAML or JSON. A flood of follow-up errors is cut after ten. */
export function syntaxFindings({ tree }: ConfigDocument): Finding[] {
  return tree.problems.slice(0, 10).map(({ start, end, message }) => ({
    code: 'syntax',
    severity: 'error',
    message,
    start,
    end,
    path: [],
  }));
}
