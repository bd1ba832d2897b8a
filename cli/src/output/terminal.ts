import type { ReportFormat } from '@quantsmith/api';
import type { Paint } from '@quantsmith/report';
import { terminalJson, terminalLine } from '@quantsmith/schemas';
import picocolors from 'picocolors';

/** Colours for standard output: on a terminal, unless NO_COLOR or FORCE_COLOR say otherwise; FORCE_COLOR wins, as in Node. */
export function terminalPaint(): Paint {
  const { bold, green, red, dim } = picocolors.createColors(wantsColour(process.env, process.stdout.isTTY));
  return { strong: bold, good: green, bad: red, quiet: dim };
}

/** Whether colours are wanted: an empty variable says nothing. */
export function wantsColour(env: NodeJS.ProcessEnv, isTerminal: boolean | undefined): boolean {
  const { FORCE_COLOR: force = '', NO_COLOR: noColor = '', TERM: term } = env;
  if (force !== '') return force !== '0' && force !== 'false';
  return noColor === '' && isTerminal === true && term !== 'dumb';
}

/**
 * Prints lines on standard output. Nothing in a line can start another one, colour it or move the cursor, whatever names are
 * in it; in `painted` text colours stay, and its names went through `visible`.
 */
export function printLines(lines: readonly string[], options: { readonly painted?: boolean } = {}): void {
  console.log(lines.map((line) => terminalLine(line, options)).join('\n'));
}

/** Prints a value as JSON on standard output. */
export function printJson(value: unknown): void {
  console.log(terminalJson(value));
}

/** Prints a rendered report: names in it went through `visible`, or are escaped as its form wants it. */
export function printReport(text: string, format: ReportFormat): void {
  if (format === 'json') printJson(JSON.parse(text));
  else if (format === 'table') printLines(text.split('\n'), { painted: true });
  else if (format === 'markdown') printLines(text.split('\n'));
  else console.log(text);
}

/** Prints text of a form that somebody else defines (a config, SARIF, HTML, workflow commands), as it is. */
export function printRaw(text: string, stream: 'stdout' | 'stderr' = 'stdout'): void {
  process[stream].write(text);
}
