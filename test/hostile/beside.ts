import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import type { Outcome } from './attempt.js';

/** A case may take so long before the process that it runs in counts as hanging. */
const MAX_CASE_MS = 120_000;
/** A process serves so many cases: what the runtime keeps does not add up to a fault of the last one. */
const CASES_EACH = 200;

/**
 * Runs cases in a process of their own, where a crash of the runtime ends one case and not the campaign. `entry` answers a
 * seed with its outcome.
 */
export function casesBeside(entry: string, args: readonly string[]) {
  let child: ChildProcess | null = null;
  let served = 0;
  const stop = () => {
    child?.kill('SIGKILL');
    child = null;
  };

  return {
    stop,
    async run(seed: number): Promise<Outcome> {
      if (served++ % CASES_EACH === 0) stop();
      child ??= fork(entry, args, { stdio: ['ignore', 'ignore', 'ignore', 'ipc'] });
      const waiting = new AbortController();
      const { signal } = waiting;
      child.send(seed);
      const outcome = await Promise.race([
        once(child, 'message', { signal }).then(([message]) => message as Outcome),
        once(child, 'exit', { signal }).then(([code, name]) => ended(`ended with ${String(name ?? code)}`)),
        patience(signal).then(() => ended(`no end within ${MAX_CASE_MS} ms`)),
      ]);
      waiting.abort();
      if (outcome.counted.includes('process ended')) stop();
      return outcome;
    },
  };
}

const ended = (fault: string): Outcome => ({
  counted: ['process ended'],
  faults: [fault],
  cost: { computedMs: 0, waitedMs: 0, grownBytes: 0, fileBytes: 0 },
});

function patience(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, MAX_CASE_MS);
    signal.addEventListener('abort', () => clearTimeout(timer));
  });
}
