// Names come from models, configs and reports of anybody. Whatever shows one goes through here.

/**
 * Text as it can stand on a line: control characters (terminal escapes, newlines), invisible and direction-changing
 * ones and lone surrogates appear as escapes, so that no name of a model can forge lines or colours.
 */
export function visible(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Noncharacter_Code_Point}]/gu, (char) => {
    const short = { '\n': '\\n', '\r': '\\r', '\t': '\\t' }[char];
    return short ?? `\\u{${char.codePointAt(0)!.toString(16)}}`;
  });
}

/**
 * Text in which nothing is Markdown: specials become character references, which are never syntax, not even for the
 * cells of a table. A space of no width keeps `@name` from calling somebody to the pull request.
 */
export function markdownText(text: string): string {
  return visible(text)
    .replace(/[\\`*_{}[\]<>|&~#$]/g, (char) => `&#${char.charCodeAt(0)};`)
    .replace(/@(?=\w)/g, '@&#8203;');
}

/** Text as code in Markdown: nothing in it can end the span. */
export function markdownCode(text: string): string {
  const shown = visible(text);
  const fence = '`'.repeat(longestRun(shown) + 1);
  const space = /^[` ]|[` ]$/.test(shown) ? ' ' : '';
  return shown === '' ? '' : `${fence}${space}${shown}${space}${fence}`;
}

/** As `markdownCode`, where a table may be around it: where anything could end span or cell, an element takes its place. */
export function markdownCellCode(text: string): string {
  const shown = visible(text);
  const isSimple = /^[^`|\\\s](?:[^`|\\]*[^`|\\\s])?$/.test(shown);
  return isSimple ? `\`${shown}\`` : `<code>${markdownText(text)}</code>`;
}

/** Lines of a file as a block of code in Markdown: nothing in them can end it. */
export function markdownCodeBlock(source: string, language: string): string {
  const shown = source.split(/\r?\n/).map(visible).join('\n');
  const fence = '`'.repeat(Math.max(3, longestRun(shown) + 1));
  return `${fence}${language}\n${shown}\n${fence}`;
}

function longestRun(text: string): number {
  return [...text.matchAll(/`+/g)].reduce((longest, [run]) => Math.max(longest, run.length), 0);
}

/**
 * One line for a terminal or the log of a CI system: `visible`, and no line is a command to GitHub (`::error`) or Azure
 * (`##vso[`). `painted`: colours stay, of text whose names went through `visible` already.
 */
export function terminalLine(text: string, { painted = false }: { readonly painted?: boolean } = {}): string {
  const shown = painted ? text.split(COLOUR).map(visible) : [visible(text)];
  const colours = painted ? (text.match(COLOUR) ?? []) : [];
  const line = shown.map((part, index) => part + (colours[index] ?? '')).join('');
  return line.replace(/^(\s*):(?=:)/, '$1\\u{3a}').replace(/##(?=\[|vso\[)/g, '#\\u{23}');
}

// eslint-disable-next-line no-control-regex -- the sequences that colours are made of
const COLOUR = /\u001b\[\d+(?:;\d+)*m/g;

/** JSON for a terminal or a log: the same value, without characters that a terminal or a CI system obeys. */
export function terminalJson(value: unknown): string {
  const escaped = (char: string) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`;
  return JSON.stringify(value, null, 2)
    .replace(/[\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g, escaped)
    .replaceAll('##', '#\\u0023');
}
