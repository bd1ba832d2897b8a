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

/** A text that should stand in another's place. */
interface Mend extends Span {
  readonly newText: string;
}

/** One mistake in several places, told at the first of them; `titles`: of its fix where it is made once, and more often. */
interface Repeated<P extends Span> {
  readonly message: (first: P) => string;
  readonly titles: readonly [string, string];
  readonly mend: (place: P) => Mend;
}

/** A cause that is mended in all its places at once; null: there are none. */
export function repeated<P extends Span>(
  document: ConfigDocument,
  places: readonly P[],
  { message, titles, mend }: Repeated<P>,
): Cause | null {
  const [first] = places;
  if (first === undefined) return null;

  return {
    message: message(first),
    title: titles[places.length === 1 ? 0 : 1],
    start: first.start,
    end: first.end,
    edits: places.map(mend).map(({ start, end, newText }) => replacement(document, start, end, newText)),
  };
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
