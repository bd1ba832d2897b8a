import { spawn } from 'node:child_process';
import type { Outcome } from './attempt.js';

/** A command may take so long before it counts as hanging. */
const MAX_COMMAND_MS = 120_000;

/**
 * Runs the built command line. Every end but one of `codes` is a fault, and so is a stack trace. What it computes is not
 * known: only hangs and crashes are found here.
 */
export function commandOutcome(
  cli: string,
  args: readonly string[],
  {
    codes,
    fileBytes,
    cwd,
  }: { readonly codes: readonly number[]; readonly fileBytes: number; readonly cwd?: string },
): Promise<{ stdout: string; outcome: Outcome }> {
  const child = spawn(process.execPath, [cli, ...args], { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
  const begun = performance.now();
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const timer = setTimeout(() => child.kill('SIGKILL'), MAX_COMMAND_MS);

  return new Promise((resolve) => {
    child.once('close', (code, signal) => {
      clearTimeout(timer);
      const isKnown = code !== null && codes.includes(code);
      const faults = [
        ...(isKnown ? [] : [`ended with ${String(signal ?? code)}: ${stderr.slice(-300)}`]),
        ...(/^\s+at .*:\d+:\d+\)?$/m.test(stderr) ? [`a stack trace: ${stderr.slice(0, 300)}`] : []),
      ];
      const cost = { computedMs: 0, waitedMs: performance.now() - begun, grownBytes: 0, fileBytes };
      resolve({ stdout, outcome: { counted: ['as a command', `code ${code}`], faults, cost } });
    });
  });
}
