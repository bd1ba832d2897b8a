import type { TextEdit } from 'vscode-languageserver-types';
import type { ConfigDocument } from '../document/document.js';
import type { Span } from '../document/tree.js';

/** The one reason for what a parser says in several places, and what mends it. */
export interface Cause extends Span {
  /** One sentence. */
  readonly message: string;
  readonly title: string;
  /** Empty: only the author can mend it. */
  readonly edits: readonly TextEdit[];
}

export type FindCause = (document: ConfigDocument) => Cause | null;

/** A cause that is mended by other text in its place. */
export function replacing(
  document: ConfigDocument,
  span: Span,
  message: string,
  title: string,
  newText: string,
): Cause {
  return { ...span, message, title, edits: [replacement(document, span.start, span.end, newText)] };
}

export function replacement({ text }: ConfigDocument, start: number, end: number, newText: string): TextEdit {
  return { range: { start: text.positionAt(start), end: text.positionAt(end) }, newText };
}

export const CLOSING: Readonly<Record<string, string>> = { '{': '}', '[': ']' };

/** The line around an offset, without its end, and where it begins. */
export function lineAround(
  content: string,
  offset: number,
): { readonly line: string; readonly start: number } {
  const start = content.lastIndexOf('\n', offset - 1) + 1;
  const end = content.indexOf('\n', offset);
  return { line: content.slice(start, end === -1 ? content.length : end).replace(/\r$/, ''), start };
}
