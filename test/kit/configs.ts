import { TextDocument } from 'vscode-languageserver-textdocument';
import type { CompletionItem, Position, TextEdit } from 'vscode-languageserver';
import { parseConfig, type ConfigDocument } from '../../service/src/document/document.js';
import { complete, type CompletionContext } from '../../service/src/features/completion.js';

export type Language = 'yaml' | 'json';

/** A config whose text holds a `|` where the cursor stands. */
export function at(
  marked: string,
  language: Language = 'yaml',
): { document: ConfigDocument; position: Position } {
  const offset = marked.indexOf('|');
  const document = config(marked.slice(0, offset) + marked.slice(offset + 1), language);
  return { document, position: document.text.positionAt(offset) };
}

export function config(text: string, language: Language = 'yaml'): ConfigDocument {
  const uri = `file:///folder/test.quant.${language}`;
  return parseConfig(TextDocument.create(uri, `quant-${language}`, 1, text));
}

export const CONTEXT: CompletionContext = { model: null, baseDir: null, markdown: true, snippets: false };

export function completions(
  marked: string,
  language: Language = 'yaml',
  context: Partial<CompletionContext> = {},
): CompletionItem[] {
  const { document, position } = at(marked, language);
  return complete(document, position, { ...CONTEXT, ...context });
}

export const labels = (...args: Parameters<typeof completions>) =>
  completions(...args).map((item) => item.label);

/** The document's text after an item was accepted. */
export function accepted(document: ConfigDocument, item: CompletionItem): string {
  const edits = [...(item.additionalTextEdits ?? []), item.textEdit as TextEdit];
  return applied(document, edits);
}

export function applied(document: ConfigDocument, edits: readonly TextEdit[]): string {
  return TextDocument.applyEdits(document.text, [...edits]);
}
