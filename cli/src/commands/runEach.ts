import { fail } from '@quantsmith/schemas';
import { EXIT, exitCodeOf, problemOf } from '../output/exitCodes.js';
import { shownFile } from '../output/place.js';
import { failed, problemsIn, type Session } from '../output/session.js';
import { refuseModel } from '../run/engine.js';
import { runCommand, type RunOptions } from './run.js';

/** What says most about several runs: what nobody expects first, a missed target last. */
const WORST_FIRST = [EXIT.internal, EXIT.usage, EXIT.config, EXIT.input, EXIT.targetMissed];

/**
 * `quantsmith run a b c`: one config after another, each with its report. What one run fails of does not keep the others from
 * running; Ctrl+C ends all. Returns the worst exit code.
 */
export async function runEach(
  configs: readonly string[],
  options: RunOptions,
  session: Session,
): Promise<number> {
  const [only, ...others] = configs;
  if (only !== undefined && others.length === 0) return runCommand(only, options, session);
  refuseForSeveral(options);
  for (const config of configs) refuseModel(config);
  const codes = new Set<number>();
  for (const [index, config] of configs.entries()) {
    session.messages.note(`[${index + 1}/${configs.length}] ${shownFile(config)}`);
    const code = await runCommand(config, options, session).catch((error: unknown) => {
      const problem = problemOf(error);
      return failed(session, problemsIn(problem), exitCodeOf(problem));
    });
    if (code === EXIT.cancelled) return code;
    codes.add(code);
  }

  return WORST_FIRST.find((code) => codes.has(code)) ?? EXIT.ok;
}

/** One file cannot hold the models of several configs, nor one page their reports. */
function refuseForSeveral({ output, format }: RunOptions): void {
  if (output !== undefined)
    fail(
      'usage-invalid',
      '--output names the model of one config; state `output` in the configs, or run them one by one.',
    );
  if (format === 'html' || format === 'sarif')
    fail(
      'usage-invalid',
      `--format ${format} is one document, and there are several reports: \`quantsmith report <model> --format ${format}\` makes one of each.`,
    );
}
