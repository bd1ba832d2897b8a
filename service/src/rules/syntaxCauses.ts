import type { TextEdit } from 'vscode-languageserver-types';
import { edited } from '../document/compose.js';
import type { ConfigDocument } from '../document/document.js';
import type { Span } from '../document/tree.js';
import { KEY_NAMES } from '../knowledge/schema.js';

/** The one reason for what a parser says in several places, and what mends it. */
interface Cause extends Span {
  /** One sentence. */
  readonly message: string;
  readonly title: string;
  readonly edits: readonly TextEdit[];
}

/** The first cause whose edits leave fewer problems; null: none is known. */
export function causeOf(document: ConfigDocument): Cause | null {
  const { problems, language } = document.tree;
  if (problems.length === 0) return null;
  const causes =
    language === 'yaml' ? [tabs, missingSpace, missingColon, wrongEscape, unclosed] : [strangeTokens];
  for (const find of causes) {
    const cause = find(document);
    if (cause === null || cause.edits.length === 0) continue;
    if (edited(document, cause.edits).tree.problems.length < problems.length) return cause;
  }

  return null;
}

function replacement({ text }: ConfigDocument, start: number, end: number, newText: string): TextEdit {
  return { range: { start: text.positionAt(start), end: text.positionAt(end) }, newText };
}

/** How far one tab indents. */
const TAB = '  ';

/** Lines that are indented by tabs, which YAML forbids. */
function tabs(document: ConfigDocument): Cause | null {
  const lines = [...document.text.getText().matchAll(/^ *\t[ \t]*/gm)];
  const [first] = lines;
  if (first === undefined) return null;

  return {
    message: 'YAML is indented by spaces; this line has a tab.',
    title: lines.length === 1 ? 'Replace the tab with spaces' : 'Replace tabs with spaces',
    start: first.index,
    end: first.index + first[0].length,
    edits: lines.map(({ index, 0: lead }) =>
      replacement(document, index, index + lead.length, lead.replaceAll('\t', TAB)),
    ),
  };
}

/** A key, or an item's first one, with a value behind it and no colon. */
const COLON_LESS = /^( *(?:- +)*)([\w$-]+)(?=\s|$)/;

/** A line that is no mapping's: the colon behind its first word is missing. */
function missingColon(document: ConfigDocument): Cause | null {
  const { tree, text } = document;
  const [first] = tree.problems;
  if (first === undefined || !/^(Implicit (map )?keys|Unexpected scalar)/.test(first.message)) return null;
  const { line } = text.positionAt(first.start);
  const lines = [line, line - 1].flatMap((row) => {
    const start = text.offsetAt({ line: row, character: 0 });
    const match = row < 0 ? null : COLON_LESS.exec(text.getText().slice(start, start + 200));
    return match === null ? [] : [{ match, start, end: start + match[0].length }];
  });
  // A text of several words that is the root has its first problem on the line behind it.
  const [mended] = lines.filter(
    ({ end }) =>
      edited(document, [replacement(document, end, end, ':')]).tree.problems.length < tree.problems.length,
  );
  if (mended === undefined) return null;
  const { start, end } = mended;
  const [, indent = '', word = ''] = mended.match;

  return {
    message: `A colon is missing after "${word}".`,
    title: 'Insert a colon',
    start: start + indent.length,
    end,
    edits: [replacement(document, end, end, ':')],
  };
}

/** A key that is known, with its value right behind its colon. */
const SPACELESS = /^( *(?:- +)*)([\w$-]+):(?=[^\s:/\\])/gm;

/** YAML takes `key:value` for one word. */
function missingSpace(document: ConfigDocument): Cause | null {
  const joined = [...document.text.getText().matchAll(SPACELESS)].flatMap(
    ({ index, 0: whole, 2: word = '' }) => {
      const end = index + whole.length;
      return KEY_NAMES.has(word) ? [{ word, start: end - word.length - 1, end }] : [];
    },
  );
  const [first] = joined;
  if (first === undefined) return null;

  return {
    message: `A space is missing after "${first.word}:".`,
    title: joined.length === 1 ? 'Insert a space' : 'Insert spaces',
    start: first.start,
    end: first.end,
    edits: joined.map(({ end }) => replacement(document, end, end, ' ')),
  };
}

/** A regular expression in double quotes, in which a backslash begins an escape. */
function wrongEscape(document: ConfigDocument): Cause | null {
  const { tree, text } = document;
  const problem = tree.problems.find(({ message }) => /^Invalid escape/.test(message));
  if (problem === undefined) return null;
  const content = text.getText();
  const line = content.lastIndexOf('\n', problem.start) + 1;
  for (const { index, 0: quoted } of content.slice(line).matchAll(/"(?:[^"\\\n]|\\.)*"/g)) {
    const [start, end] = [line + index, line + index + quoted.length];
    if (end <= problem.start) continue;
    if (start > problem.start) return null;
    const plain = quoted.slice(1, -1).replace(/\\(["\\])/g, '$1');

    return {
      message: 'In double quotes a backslash starts an escape: write the text in single quotes.',
      title: 'Use single quotes',
      start,
      end,
      edits: [replacement(document, start, end, `'${plain.replaceAll("'", "''")}'`)],
    };
  }

  return null;
}

/** What the library says where a `{` or `[` has no end: at the place where it gave up. */
const UNCLOSED = /^Flow (map|sequence) in block collection must be/;
const CLOSING: Readonly<Record<string, string>> = { '{': '}', '[': ']' };
/** Texts in quotes, comments, and the brackets of flow style. */
const BRACKETS = /"(?:[^"\\\n]|\\.)*"|'(?:[^'\n]|'')*'|(?:^|\s)#.*|[[\]{}]/gm;

/** A list or mapping in flow style that is not closed on the line that it begins on. */
function unclosed(document: ConfigDocument): Cause | null {
  const problem = document.tree.problems.find(({ message }) => UNCLOSED.test(message));
  if (problem === undefined) return null;
  const content = document.text.getText();
  const open: { readonly index: number; readonly bracket: string }[] = [];
  for (const { index, 0: token } of content.slice(0, problem.start).matchAll(BRACKETS)) {
    if (token in CLOSING) open.push({ index, bracket: token });
    else if (token === '}' || token === ']') open.pop();
  }

  const [outer] = open;
  if (outer === undefined) return null;
  const line = content.slice(outer.index, content.indexOf('\n', outer.index));
  const end = outer.index + line.replace(/\s#.*$/, '').trimEnd().length;
  const missing = open
    .map(({ bracket }) => CLOSING[bracket] ?? '')
    .reverse()
    .join('');

  return {
    message: `This ${outer.bracket} has no ${CLOSING[outer.bracket]}.`,
    title: `Insert ${missing}`,
    start: outer.index,
    end: outer.index + 1,
    edits: [replacement(document, end, end, missing)],
  };
}

const LITERALS: Readonly<Record<string, string>> = { True: 'true', False: 'false', None: 'null' };
/** Strings and comments, which stay as they are; texts in single quotes; Python's constants; numbers of any notation. */
const TOKENS =
  /"(?:[^"\\\n]|\\.)*"|\/\/.*|\/\*[^]*?\*\/|'((?:[^'\\\n]|\\.)*)'|\b(True|False|None)\b|(?<![\w.+-])([-+]?(?:\d[\d_]*\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)(?![\w.])/g;
/** ECMA-404, 8. */
const NUMBER = /^-?(0|[1-9]\d*)(\.\d+)?([eE][-+]?\d+)?$/;

/** JSON as Python prints it, or with numbers that only other notations have. */
function strangeTokens(document: ConfigDocument): Cause | null {
  const tokens = [...document.text.getText().matchAll(TOKENS)].flatMap((match) => {
    const [token, single, literal, number] = match;
    const span = { start: match.index, end: match.index + token.length };
    if (literal !== undefined) {
      const newText = LITERALS[literal] ?? literal;
      return [{ ...span, newText, message: `JSON writes ${newText} for ${literal}.` }];
    }

    if (single !== undefined) {
      const newText = JSON.stringify(single.replaceAll("\\'", "'"));
      return [{ ...span, newText, message: 'JSON strings need double quotes.' }];
    }

    if (number === undefined || NUMBER.test(number)) return [];
    const newText = String(Number(number.replaceAll('_', '')));
    const why = /^[-+]?0\d/.test(number) ? ', and has no octal numbers' : '';

    return [{ ...span, newText, message: `JSON writes ${newText} for ${number}${why}.` }];
  });
  const [first] = tokens;
  if (first === undefined) return null;
  const { start, end, message, newText } = first;

  return {
    message,
    title: tokens.length === 1 ? `Change to ${newText}` : 'Write it as JSON',
    start,
    end,
    edits: tokens.map((token) => replacement(document, token.start, token.end, token.newText)),
  };
}
