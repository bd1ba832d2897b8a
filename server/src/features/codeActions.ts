import { CodeActionKind, type CodeAction, type Diagnostic, type TextEdit } from 'vscode-languageserver';
import type { ConfigDocument } from '../document/document.js';
import type { FindingData } from '../diagnostics.js';

/** A fix for each suggestion that a diagnostic carries; the only or first one is preferred. */
export function codeActions(document: ConfigDocument, diagnostics: readonly Diagnostic[]): CodeAction[] {
  return diagnostics.flatMap((diagnostic) => {
    const { suggestions = [] } = (diagnostic.data ?? {}) as FindingData;
    const written = document.text.getText(diagnostic.range);
    return suggestions.slice(0, 5).map((suggestion, index) => ({
      title: `Change to ${suggestion}`,
      kind: CodeActionKind.QuickFix,
      diagnostics: [diagnostic],
      isPreferred: index === 0,
      edit: { changes: { [document.text.uri]: [replacement(diagnostic, written, suggestion)] } },
    }));
  });
}

/** Keeps the quotes that the text stands in. */
function replacement(diagnostic: Diagnostic, written: string, suggestion: string): TextEdit {
  const quote = /^["']/.exec(written)?.[0] ?? '';
  const keepsQuotes = quote !== '' && !/^(true|false|null|-?[\d.]+)$/.test(suggestion);
  return { range: diagnostic.range, newText: keepsQuotes ? `${quote}${suggestion}${quote}` : suggestion };
}
