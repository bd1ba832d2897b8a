import type { ConfigFinding } from '@quantsmith/server';
import { REFUSAL_CODES } from '@quantsmith/model/refusals';
import { type Problem, QuantsmithError, reasonOf } from '@quantsmith/schemas';

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

const BY_CODE: Readonly<Record<string, number>> = {
  cancelled: EXIT.cancelled,
  'internal-error': EXIT.internal,
  'internal-operator': EXIT.internal,
  'internal-quantized-model': EXIT.internal,
  'engine-crashed': EXIT.internal,
  'runtime-missing': EXIT.internal,
  'config-invalid': EXIT.config,
  'too-many-threads': EXIT.config,
  'emulator-missing': EXIT.usage,
  'usage-invalid': EXIT.usage,
};

/** Findings in a config that are about the model or the data it names, which the engine would refuse as well. */
const ABOUT_FILES: ReadonlySet<string> = new Set([
  ...REFUSAL_CODES,
  'model-unreadable',
  'data-empty',
  'data-unreadable',
  'tokenizer-invalid',
  'sample-shape',
  'labels-unfit',
  'labels-class',
  'labels-conflict',
]);

/** The exit code for a problem that ended a command. */
export function exitCodeOf(problem: Problem): number {
  const findings = findingsIn(problem);
  return findings === null ? (BY_CODE[problem.code] ?? EXIT.input) : exitCodeFor(findings);
}

/** What was found in the configs that a problem refuses; null: it is another problem. */
export function findingsIn({ code, data }: Problem): readonly ConfigFinding[] | null {
  return code === 'config-invalid' && Array.isArray(data?.['findings'])
    ? (data['findings'] as ConfigFinding[])
    : null;
}

/** Configs that are valid but for the model or the data that they name have an exit code of their own. */
export function exitCodeFor(
  findings: readonly { readonly code: string; readonly severity: string }[],
): number {
  const errors = findings.filter(({ severity }) => severity === 'error');
  const isInput = errors.length > 0 && errors.every(({ code }) => ABOUT_FILES.has(code));
  return isInput ? EXIT.input : EXIT.config;
}

/** The problem that something thrown stands for; what nobody threw on purpose is an internal error. */
export function problemOf(error: unknown): Problem {
  if (error instanceof QuantsmithError) return error.problem;
  const message = reasonOf(error);
  const stack = error instanceof Error ? { data: { stack: error.stack } } : {};
  return { code: 'internal-error', severity: 'error', message, ...stack };
}

/** Ends the process once everything written has left it: a pipe takes long texts piece by piece. */
export function exit(code: number): void {
  process.stdout.write('', () => process.stderr.write('', () => process.exit(code)));
}
