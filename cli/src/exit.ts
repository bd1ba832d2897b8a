import type { Problem } from '@quantsmith/schemas';

/** What the process ends with; documented in docs/cli.md. */
export const EXIT = {
  ok: 0,
  findings: 1,
  usage: 2,
  config: 3,
  input: 4,
  targetMissed: 5,
  internal: 6,
  cancelled: 130,
} as const;

/** The exit code for a problem that ended a run. */
export function exitCodeOf(problem: Problem): number {
  const internal = problem.code === 'internal-error' || problem.code === 'engine-crashed';
  return internal ? EXIT.internal : EXIT.input;
}

/** Ends the process once everything written has left it: a pipe takes long texts piece by piece. */
export function exit(code: number): void {
  process.stdout.write('', () => process.stderr.write('', () => process.exit(code)));
}
