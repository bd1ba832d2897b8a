import { type ConfigPath, type Problem, visible } from '@quantsmith/schemas';
import type { ConfigFinding } from '@quantsmith/server';
import { type Messages, problemText } from './messages.js';
import { findingsIn } from './exitCodes.js';
import { shownFile } from './place.js';
import { printJson } from './terminal.js';

/** What every command gets besides its arguments. */
export interface Session {
  readonly messages: Messages;
  /** Whether the result is asked for as JSON; then problems are JSON on standard output too. */
  readonly json: boolean;
}

/** A problem with the place in a file that it is about, as far as that is known. */
export interface PlacedProblem {
  readonly code: string;
  readonly severity: 'error' | 'warning' | 'info' | 'hint';
  readonly message: string;
  readonly file?: string;
  readonly configPath?: ConfigPath;
  /** Zero-based; the end is left out where only the start is known. */
  readonly start?: { readonly line: number; readonly character: number };
}

/** A problem as it is told: of configs that are refused, each of their findings at its place. */
export function problemsIn(problem: Problem): PlacedProblem[] {
  const findings = findingsIn(problem);
  if (findings === null) return [problem];

  return findings.map(placedFinding);
}

export function placedFinding({ file, range, ...finding }: ConfigFinding): PlacedProblem {
  return {
    ...finding,
    ...(file === null ? {} : { file }),
    ...(range === null ? {} : { start: range.start }),
  };
}

/** Says what ended a command, on standard error and, where JSON was asked for, on standard output. Returns the exit code. */
export function failed(
  { messages, json }: Session,
  problems: readonly PlacedProblem[],
  code: number,
): number {
  for (const problem of problems) {
    if (problem.severity === 'error') messages.error(placedText(problem));
    else messages.note(placedText(problem));
  }

  if (json) printJson({ exit_code: code, problems: problems.map(problemAsJson) });

  return code;
}

/** `file:line:column: severity: message [code]`, the form that editors and CI systems turn into links. */
export function placedText({ file, start, severity, message, code }: PlacedProblem): string {
  if (file === undefined) return problemText({ severity, message, code } as Problem);
  const place = start === undefined ? '' : `:${start.line + 1}:${start.character + 1}`;
  return `${visible(shownFile(file))}${place}: ${severity}: ${visible(message)} [${code}]`;
}

/** As `quantsmith schema problems` says. */
export function problemAsJson({ code, severity, message, file, configPath, start }: PlacedProblem) {
  return { code, severity, message, file: file ?? null, config_path: configPath ?? [], start: start ?? null };
}
