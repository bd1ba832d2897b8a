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
    language === 'yaml'
      ? [tabs, missingSpace, equalsSign, missingColon, wrongEscape, unclosed, overClosed, reserved]
      : [strangeTokens, unclosedJson];
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

/** A key that is known, with an equals sign behind it. */
const EQUALS = /^( *(?:- +)*)([\w$-]+)[ \t]*=[ \t]*(?=\S)/gm;

/** Keys and values as other formats join them. */
function equalsSign(document: ConfigDocument): Cause | null {
  const joined = [...document.text.getText().matchAll(EQUALS)].flatMap(
    ({ index, 0: whole, 1: lead = '', 2: word = '' }) => {
      const start = index + lead.length;
      return KEY_NAMES.has(word) ? [{ word, start, end: index + whole.length }] : [];
    },
  );
  const [first] = joined;
  if (first === undefined) return null;

  return {
    message: `A colon stands between a key and its value: "${first.word}: …".`,
    title: joined.length === 1 ? 'Change to a colon' : 'Change to colons',
    start: first.start,
    end: first.end,
    edits: joined.map(({ word, start, end }) => replacement(document, start, end, `${word}: `)),
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

/** A bracket that closes nothing. */
function overClosed(document: ConfigDocument): Cause | null {
  const { tree, text } = document;
  const problem = tree.problems.find(({ message }) => /^Unexpected flow-(map|seq)-end/.test(message));
  if (problem === undefined) return null;
  const { start } = problem;
  const bracket = text.getText().charAt(start);

  return {
    message: `This ${bracket} closes nothing.`,
    title: `Remove ${bracket}`,
    start,
    end: start + 1,
    edits: [replacement(document, start, start + 1, '')],
  };
}

/** A text without quotes up to what ends it, the colon of a key among it. */
const RESERVED = /^[@`%](?:[^\n,{}[\]#:]|:(?! |$))*/;

/** A text that begins with a character that YAML keeps for itself. */
function reserved(document: ConfigDocument): Cause | null {
  const { tree, text } = document;
  const problem = tree.problems.find(({ message }) => /^Plain value cannot start with/.test(message));
  if (problem === undefined) return null;
  const { start } = problem;
  const written = RESERVED.exec(text.getText().slice(start))?.[0].trimEnd() ?? '';
  const end = start + written.length;
  const edits =
    written === '' ? [] : [replacement(document, start, end, `'${written.replaceAll("'", "''")}'`)];

  return {
    message: `A text that starts with ${written.charAt(0)} needs quotes.`,
    title: 'Put it in quotes',
    start,
    end,
    edits,
  };
}

/** A list or mapping of JSON that the text ends in. */
function unclosedJson(document: ConfigDocument): Cause | null {
  const { tree, text } = document;
  if (!tree.problems.some(({ message }) => /^Close (brace|bracket) expected/.test(message))) return null;
  const content = text.getText();
  const open: { readonly index: number; readonly bracket: string }[] = [];
  for (const { index, 0: token } of content.matchAll(JSON_BRACKETS)) {
    if (token in CLOSING) open.push({ index, bracket: token });
    else if (token === '}' || token === ']') open.pop();
  }

  const inner = open.at(-1);
  if (inner === undefined) return null;
  const missing = open.map(({ bracket }) => CLOSING[bracket] ?? '').reverse();
  const end = content.trimEnd().length;

  return {
    message: `This ${inner.bracket} has no ${CLOSING[inner.bracket]}.`,
    title: `Insert ${missing.join('')}`,
    start: inner.index,
    end: inner.index + 1,
    edits: [replacement(document, end, end, missing.join(''))],
  };
}

const JSON_BRACKETS = /"(?:[^"\\\n]|\\.)*"|\/\/.*|\/\*[^]*?\*\/|[[\]{}]/g;

/** Constants as other languages write them. */
const LITERALS: ReadonlyMap<string, string> = new Map([
  ...['True', 'TRUE'].map((word) => [word, 'true'] as const),
  ...['False', 'FALSE'].map((word) => [word, 'false'] as const),
  ...['None', 'NULL', 'Null', 'nil', 'undefined', 'NaN'].map((word) => [word, 'null'] as const),
]);

/** What JSON does not have in this form, by kind; strings and comments come first, and what is in them stays. */
const TOKENS = new RegExp(
  [
    /(?<string>"(?:[^"\\\n]|\\.)*")/,
    /\/\/.*|\/\*[^]*?\*\//,
    /(?<hash>#.*)/,
    /'(?<single>(?:[^'\\\n]|\\.)*)'/,
    /[“”„](?<curly>[^“”„"\n]*)[“”]/,
    /`(?<tick>[^`\n]*)`/,
    /\b(?<key>[A-Za-z_$][\w$-]*)(?=\s*:)/,
    new RegExp(`\\b(?<literal>${[...LITERALS.keys()].join('|')})\\b`),
    /(?<![\w.+-])(?<hex>0[xX][\da-fA-F]+)\b/,
    /(?<![\w.+-])(?<number>[-+]?(?:\d[\d_]*\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)(?![\w.])/,
    /(?<equals>=)/,
    /(?<comma>,)(?=\s*,)/,
  ]
    .map(({ source }) => source)
    .join('|'),
  'g',
);
/** ECMA-404, 8. */
const NUMBER = /^-?(0|[1-9]\d*)(\.\d+)?([eE][-+]?\d+)?$/;
/** A backslash that begins no escape. */
const NO_ESCAPE = /(?<!\\)(?:\\\\)*\\(?!["\\/bfnrtu])/;

/** A token in JSON's own form, and why; null: it is in that. */
function inJson(
  token: string,
  groups: Readonly<Record<string, string | undefined>>,
): { readonly newText: string; readonly message: string } | null {
  const { string, hash, single, curly, tick, key, literal, hex, number, equals, comma } = groups;
  const quoted = 'JSON strings need double quotes.';
  if (string !== undefined)
    return NO_ESCAPE.test(string)
      ? {
          newText: string.replace(/\\(?!")/g, '\\\\'),
          message: 'A backslash starts an escape: write two for one.',
        }
      : null;
  if (hash !== undefined) return { newText: `//${hash.slice(1)}`, message: 'JSON comments start with //.' };
  if (single !== undefined)
    return { newText: JSON.stringify(single.replaceAll("\\'", "'")), message: quoted };
  if (curly !== undefined || tick !== undefined)
    return { newText: JSON.stringify(curly ?? tick), message: quoted };
  if (key !== undefined) return { newText: JSON.stringify(key), message: 'JSON keys need double quotes.' };
  if (equals !== undefined) return { newText: ':', message: 'JSON has a colon between a key and its value.' };
  if (comma !== undefined) return { newText: '', message: 'A value is missing between these commas.' };
  const plain = literal === undefined ? hex : LITERALS.get(literal);
  if (plain !== undefined) {
    const newText = hex === undefined ? plain : String(Number(hex));
    return { newText, message: `JSON writes ${newText} for ${token}.` };
  }

  if (number === undefined || NUMBER.test(number)) return null;
  const newText = String(Number(number.replaceAll('_', '')));
  const why = /^[-+]?0\d/.test(number) ? ', and has no octal numbers' : '';

  return { newText, message: `JSON writes ${newText} for ${number}${why}.` };
}

/** JSON as Python, JavaScript or a text processor writes it, or with numbers that only other notations have. */
function strangeTokens(document: ConfigDocument): Cause | null {
  const tokens = [...document.text.getText().matchAll(TOKENS)].flatMap(({ index, 0: token, groups = {} }) => {
    const mended = inJson(token, groups);
    return mended === null ? [] : [{ start: index, end: index + token.length, ...mended }];
  });
  const [first] = tokens;
  if (first === undefined) return null;
  const { start, end, message, newText } = first;
  const change = newText === '' ? 'Remove it' : `Change to ${newText}`;

  return {
    message,
    title: tokens.length === 1 ? change : 'Write it as JSON',
    start,
    end,
    edits: tokens.map((token) => replacement(document, token.start, token.end, token.newText)),
  };
}
