import { fail } from '@quantsmith/schemas';
import { EXIT } from '../output/exitCodes.js';
import type { Session } from '../output/session.js';
import { runOnConfig, type EngineOptions } from '../run/engine.js';
import { storeFolder } from '../run/scaleOut.js';
import { runCommand, type RunOptions } from './run.js';

export interface ShardOptions extends EngineOptions {
  /** Seconds to wait for what other shares compute. */
  readonly wait?: number;
}

/** Far more than any run has units of work. */
const MAX_SHARES = 1_000_000;

/** A share as it is written, "2/8": the second of eight. Throws `usage-invalid`. */
function parseShare(text: string): { share: number; shares: number } {
  const [, share = 0, shares = 0] = (/^(\d+)\/(\d+)$/.exec(text) ?? []).map(Number);
  if (shares > MAX_SHARES)
    fail('usage-invalid', `"${text}" is not a share: there may be at most ${MAX_SHARES} of them.`);
  if (share < 1 || share > shares)
    fail('usage-invalid', `"${text}" is not a share: write 1/8 for the first of eight.`);
  return { share, shares };
}

/**
 * `quantsmith shard`: computes one share of what a run measures into the store. Ends well also where it has to wait for others: the
 * same command goes on from there.
 */
export async function shardCommand(
  share: string,
  path: string,
  options: ShardOptions,
  session: Session,
): Promise<number> {
  const { wait = 0 } = options;
  const work = { store: storeFolder(options.store), role: 'share', wait, ...parseShare(share) } as const;
  const code = await runOnConfig(path, 'run', { ...options, work }, session, () => undefined);

  return code ?? EXIT.ok;
}

/** `quantsmith merge`: makes model and report of what the shares of a run have put into the store. */
export function mergeCommand(path: string, options: RunOptions, session: Session): Promise<number> {
  const work = { store: storeFolder(options.store), role: 'merge' } as const;
  return runCommand(path, { ...options, work }, session);
}
