import { edited } from '../document/compose.js';
import type { ConfigDocument } from '../document/document.js';
import { singleQuoted } from '../document/edit.js';
import { KEY_NAMES } from '../knowledge/schema.js';
import {
  CLOSING,
  lineAround,
  repeated,
  replacement,
  replacing,
  type Cause,
  type FindCause,
} from './cause.js';

/** How far one tab may indent, in spaces; what is usual first. */
const TAB_WIDTHS = [2, 4, 8];

/** Lines that are indented by tabs, which YAML forbids. */
function tabs(document: ConfigDocument): Cause | null {
  const leads = [...document.text.getText().matchAll(/^ *\t[ \t]*/gm)].map(({ index, 0: lead }) => ({
    lead,
    start: index,
    end: index + lead.length,
  }));

  if (leads.length === 0) return null;
  const tab = ' '.repeat(tabWidth(document.text.getText()));

  return repeated(document, leads, {
    message: () => 'YAML is indented by spaces; this line has a tab.',
    titles: ['Replace the tab with spaces', 'Replace tabs with spaces'],
    mend: ({ lead, start, end }) => ({ start, end, newText: lead.replaceAll('\t', tab) }),
  });
}

/** The first width under which what follows a key without a value lies below it, and all else no deeper than the line before. */
function tabWidth(text: string): number {
  const lines = text.split(/\r?\n/).filter((line) => !/^\s*(#|$)/.test(line));
  const isFitting = (width: number) => {
    const indents = lines.map((line) => /^[ \t]*/.exec(line)![0].replaceAll('\t', ' '.repeat(width)).length);
    return lines.every((line, index) => {
      const [before = 0, indent = 0] = [indents[index - 1], indents[index]];
      const opens = /:(\s+#.*)?\s*$/.test(lines[index - 1] ?? '');
      return !/^ *\t/.test(line) || (opens ? indent > before : indent <= before);
    });
  };

  return TAB_WIDTHS.find(isFitting) ?? TAB_WIDTHS[0]!;
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

  return repeated(document, joined, {
    message: ({ word }) => `A space is missing after "${word}:".`,
    titles: ['Insert a space', 'Insert spaces'],
    mend: ({ end }) => ({ start: end, end, newText: ' ' }),
  });
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

  return repeated(document, joined, {
    message: ({ word }) => `A colon stands between a key and its value: "${word}: …".`,
    titles: ['Change to a colon', 'Change to colons'],
    mend: ({ word, start, end }) => ({ start, end, newText: `${word}: ` }),
  });
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
      edits: [replacement(document, start, end, singleQuoted(plain))],
    };
  }

  return null;
}

/** What the library says where a `{` or `[` has no end: at the place where it gave up. */
const UNCLOSED = /^Flow (map|sequence) in block collection must be/;
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
  const edits = written === '' ? [] : [replacement(document, start, end, singleQuoted(written))];

  return {
    message: `A text that starts with ${written.charAt(0)} needs quotes.`,
    title: 'Put it in quotes',
    start,
    end,
    edits,
  };
}

/** Lines that stand around a text where it was copied from a page. */
const FENCE = /^[ \t]*(?:```|~~~).*(?:\r?\n|$)/gm;

function fences(document: ConfigDocument): Cause | null {
  const lines = [...document.text.getText().matchAll(FENCE)].map(({ index, 0: line }) => ({
    start: index,
    end: index + line.trimEnd().length,
    lineEnd: index + line.length,
  }));

  return repeated(document, lines, {
    message: () => 'This line is Markdown, not YAML.',
    titles: ['Remove this line', 'Remove these lines'],
    mend: ({ start, lineEnd }) => ({ start, end: lineEnd, newText: '' }),
  });
}

/** What version control leaves in a file whose versions it could not bring together. */
function conflictMarker(document: ConfigDocument): Cause | null {
  const marker = /^<{7} .*$/m.exec(document.text.getText());
  if (marker === null) return null;
  const span = { start: marker.index, end: marker.index + marker[0].length };
  return {
    ...span,
    message: 'A merge conflict starts here: keep one of its two versions.',
    title: '',
    edits: [],
  };
}

/** A dash with the item right behind it. */
const JOINED_DASH = /^( *(?:- +)*)-(?=[\w"'/.])/gm;

/** YAML takes `-item` for one word. */
function missingDashSpace(document: ConfigDocument): Cause | null {
  const dashes = [...document.text.getText().matchAll(JOINED_DASH)].map(({ index, 0: lead }) => ({
    start: index + lead.length - 1,
    end: index + lead.length,
  }));

  return repeated(document, dashes, {
    message: () => 'A space is missing after the dash of a list item.',
    titles: ['Insert a space', 'Insert spaces'],
    mend: ({ end }) => ({ start: end, end, newText: ' ' }),
  });
}

/** `key: value` whose value has a colon of its own. */
const COLON_INSIDE = /^( *(?:- +)*[\w$-]+: +)([^\s"'#{[|>&*][^#]*: [^#]*?)(?=\s*(?: #.*)?$)/;

function colonInValue(document: ConfigDocument): Cause | null {
  const content = document.text.getText();
  const problem = document.tree.problems.find(({ message }) => /^Nested mappings/.test(message));
  if (problem === undefined) return null;
  const { line, start } = lineAround(content, problem.start);
  const [, lead = '', value = ''] = COLON_INSIDE.exec(line) ?? [];
  if (value === '') return null;
  const span = { start: start + lead.length, end: start + lead.length + value.length };
  if (KEY_NAMES.has(value.slice(0, value.indexOf(':'))))
    return replacing(
      document,
      span,
      'A mapping behind its key needs braces.',
      'Put it in braces',
      `{${value}}`,
    );
  const message = 'A text with a colon and a space in it needs quotes.';

  return replacing(document, span, message, 'Put it in quotes', singleQuoted(value));
}

/** A value in quotes, up to the last one on its line. */
const QUOTES_INSIDE = /^(.*?(?:: +|- +|[[{,] *))(["'])(.*)\2(?=\s*[\]},]*\s*(?: #.*)?$)/;

/** A quote inside of a text in the same quotes ends it. */
function quoteInside(document: ConfigDocument): Cause | null {
  const problem = document.tree.problems.find(({ message }) => /^Unexpected/.test(message));
  if (problem === undefined) return null;
  const { line, start } = lineAround(document.text.getText(), problem.start);
  const [, lead = '', quote = '', inner = ''] = QUOTES_INSIDE.exec(line) ?? [];
  if (!inner.includes(quote)) return null;
  const span = { start: start + lead.length, end: start + lead.length + inner.length + 2 };
  const isSingle = quote === "'";
  const message = isSingle
    ? 'A single quote ends this text: inside it, write it twice.'
    : 'A double quote ends this text: inside it, write a backslash before it.';
  const written = isSingle
    ? inner.replace(/'+/g, (run) => (run.length % 2 === 0 ? run : `${run}'`))
    : inner.replace(/(?<!\\)"/g, '\\"');

  return replacing(
    document,
    span,
    message,
    isSingle ? 'Double the quote' : 'Escape the quote',
    `${quote}${written}${quote}`,
  );
}

/** A value that begins with a quote that its line does not end. */
const OPEN_QUOTE = /^(.*?(?:: +|- +|[[{,] *))(["'])((?:(?!\2).)*)$/;

function openQuote(document: ConfigDocument): Cause | null {
  const { tree, text } = document;
  if (!tree.problems.some(({ message }) => /^Missing closing ["']quote/.test(message))) return null;
  const content = text.getText();
  for (const { index, 0: line } of content.matchAll(/^.*$/gm)) {
    const [, lead = '', quote = '', rest = ''] = OPEN_QUOTE.exec(line.replace(/\r$/, '')) ?? [];
    if (quote === '') continue;
    const start = index + lead.length;
    const end = start + 1 + rest.replace(/\s+#.*$/, '').replace(/[\s\]},]+$/, '').length;
    const edits = [replacement(document, end, end, quote)];
    return {
      message: `This ${quote} has no closing ${quote}.`,
      title: `Insert ${quote}`,
      start,
      end: start + 1,
      edits,
    };
  }

  return null;
}

/** The most certain first. */
export const yamlCauses: readonly FindCause[] = [
  ...[
    fences,
    conflictMarker,
    tabs,
    missingSpace,
    equalsSign,
    missingDashSpace,
    colonInValue,
    openQuote,
    quoteInside,
  ],
  ...[missingColon, wrongEscape, unclosed, overClosed, reserved],
];
