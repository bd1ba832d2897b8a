import { edited } from '../document/compose.js';
import { convert } from '../document/convert.js';
import type { ConfigDocument } from '../document/document.js';
import { NO_CLOSING_QUOTE } from '../document/json.js';
import { parseYaml } from '../document/yaml.js';
import { CLOSING, lineAround, replacement, type Cause, type FindCause } from './cause.js';

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
    /(?<![\w.+-])(?<hex>0[xX][\da-fA-F]+|0[oO][0-7]+|0[bB][01]+)\b/,
    /(?<![\w.+-])(?<number>[-+]?(?:\d[\d_]*\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)(?![\w.])/,
    /(?<equals>=)/,
    /(?<semicolon>;)/,
    /(?<=[:[,]\s*)(?<bare>(?!(?:true|false|null)\b)[A-Za-z_./~][^\s,\]}"':]*)/,
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
  const { semicolon, bare } = groups;
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
  if (semicolon !== undefined) return { newText: ',', message: 'JSON separates entries with commas.' };
  if (bare !== undefined) return { newText: JSON.stringify(bare), message: quoted };
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

/** A string that its line does not end. */
const OPEN_STRING = /^((?:[^"\\]|\\.|"(?:[^"\\]|\\.)*")*)"([^"]*)$/;

function openString(document: ConfigDocument): Cause | null {
  const { tree, text } = document;
  const problem = tree.problems.find(({ message }) => message === NO_CLOSING_QUOTE);
  if (problem === undefined) return null;
  const { line, start: lineStart } = lineAround(text.getText(), problem.start);
  const [, lead = '', rest = ''] = OPEN_STRING.exec(line) ?? [];
  const start = lineStart + lead.length;
  const end = start + 1 + rest.replace(/[\s\]},]+$/, '').length;
  const mended = [replacement(document, end, end, '"')];
  // A string over several lines is not mended by closing it on the first.
  const edits = edited(document, mended).tree.problems.length === 0 ? mended : [];

  return { message: NO_CLOSING_QUOTE, title: 'Insert "', start, end: start + 1, edits };
}

/** A config of the other notation in a file whose name says JSON. */
function isYaml(document: ConfigDocument): Cause | null {
  const content = document.text.getText();
  if (/^\s*[[{]/.test(content)) return null;
  const tree = parseYaml(content);
  if (tree.problems.length > 0 || tree.root?.kind !== 'mapping') return null;
  const { keySpan } = tree.root.entries[0] ?? {};
  if (keySpan === undefined || /^["']/.test(content.slice(keySpan.start))) return null;

  return {
    ...keySpan,
    message: 'This config is written in YAML, and its name says JSON.',
    title: 'Write it as JSON',
    edits: [replacement(document, 0, content.length, convert({ ...document, tree }) ?? '')],
  };
}

/** The most certain first. */
export const jsonCauses: readonly FindCause[] = [isYaml, strangeTokens, openString, unclosedJson];
