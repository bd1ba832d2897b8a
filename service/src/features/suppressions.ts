import { CompletionItemKind, type CompletionItem } from 'vscode-languageserver-types';
import type { ConfigDocument } from '../document/document.js';
import { CODES } from '../findings/codes.js';
import { isSuppressible } from '../rules/all.js';
import { textItem } from './completionItem.js';
import type { Cursor } from './cursor.js';

/** Comments that leave out findings. */
const DIRECTIVES = [
  ['quantsmith-disable-next-line', 'disables diagnostics on the next line'],
  ['quantsmith-disable-line', 'disables diagnostics on this line'],
  ['quantsmith-disable', 'disables diagnostics in this file'],
] as const;

const DIRECTIVE = /quantsmith-disable(?:-next-line|-line)?\s+(?:[\w-]+[\s,]+)*$/;

/** What a comment may say to the server: which findings it leaves out. */
export function suppressionItems({ text }: ConfigDocument, cursor: Cursor): CompletionItem[] {
  const { start } = cursor.range;
  const line = text.getText({ start: { line: start.line, character: 0 }, end: start });
  const before = line.slice(Math.max(line.lastIndexOf('#'), line.lastIndexOf('//')));
  if (DIRECTIVE.test(before))
    return CODES.filter((code) => isSuppressible(code, false) && !before.includes(code)).map((code) =>
      textItem(code, 'a finding', CompletionItemKind.EnumMember, cursor),
    );

  if (!/^[#/*\s]*$/.test(before)) return [];
  const fitting = DIRECTIVES.filter(([name]) => name.startsWith(cursor.word));
  return fitting.map(([name, detail]) => textItem(name, detail, CompletionItemKind.Keyword, cursor));
}
