import type { ConfigPath } from './configPath.js';

/** An error or warning as data. `code` is stable; `message` is presentation and may change. */
export interface Problem {
  readonly code: string;
  readonly severity: 'error' | 'warning' | 'info';
  /** One full sentence that names the offending file, node or value. */
  readonly message: string;
  /** The file that the problem is about (not the config), where there is one. */
  readonly file?: string;
  /** Where in the config the cause stands. */
  readonly configPath?: ConfigPath;
  readonly data?: Readonly<Record<string, unknown>>;
}

/** The one exception that engine code throws on purpose: it carries a problem, never just a text. */
export class QuantsmithError extends Error {
  readonly problem: Problem;
  constructor(problem: Problem) {
    super(problem.message);
    this.name = 'QuantsmithError';
    this.problem = problem;
  }
}

/** What a thrown value says: an error's message, or the value as text. */
export function reasonOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}

/** Throws a `QuantsmithError` of severity error. */
export function fail(
  code: string,
  message: string,
  where: { file?: string; configPath?: ConfigPath; data?: Record<string, unknown> } = {},
): never {
  throw new QuantsmithError({ code, severity: 'error', message, ...where });
}
