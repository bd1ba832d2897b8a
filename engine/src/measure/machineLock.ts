import { reasonOf, type Problem } from '@quantsmith/schemas';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { enterFolder, type Lock } from '../processes/lock.js';
import type { Owner } from '../processes/owner.js';

/** Runs a measurement while no other process of this machine measures. */
export type Alone = <T>(measure: () => Promise<T>) => Promise<T>;

export interface MachineLockOptions {
  /** Called again and again while another process measures. */
  readonly onWait: (owner: Owner | null) => void;
  readonly warn: (problems: readonly Problem[]) => void;
  /** What is taken for the machine; default: a folder in that of temporary files. */
  readonly folder?: string;
  readonly maxWaitMs?: number;
}

/** No measurement takes so long: whoever holds the lock longer does not give it back. */
const MAX_WAIT_MS = 10 * 60_000;
const LOOK_MS = 200;

/**
 * Measurements of latency disturb each other, so that one at a time takes place on a machine, whoever started it. A lock that a
 * dead process has left is taken over. Where there is no lock to be had, it is measured all the same, and said once.
 */
export function machineLock({ onWait, warn, ...options }: MachineLockOptions): Alone {
  const { folder = join(tmpdir(), 'quantsmith-latency'), maxWaitMs = MAX_WAIT_MS } = options;
  let isTold = false;
  const tell = (reason: string) => {
    if (!isTold) warn([unlocked(reason, folder)]);
    isTold = true;
  };

  return async (measure) => {
    const lock = await waitFor(folder, performance.now() + maxWaitMs, onWait).catch(reasonOf);
    if (typeof lock === 'string') {
      tell(lock);
      return measure();
    }

    try {
      return await measure();
    } finally {
      await lock.release();
    }
  };
}

/** The lock, or why there is none. */
async function waitFor(
  folder: string,
  deadline: number,
  onWait: MachineLockOptions['onWait'],
): Promise<Lock | string> {
  for (;;) {
    const entered = await enterFolder(folder, { shared: true });
    if (entered.state === 'taken') return entered.lock;
    if (entered.state === 'not-a-folder') return `${folder} is not a folder`;
    const owner = entered.state === 'busy' ? entered.owner : null;
    if (performance.now() >= deadline)
      return owner === null ? 'others came first' : `process ${owner.pid} on ${owner.host} keeps it`;
    onWait(owner);
    await setTimeout(LOOK_MS);
  }
}

function unlocked(reason: string, folder: string): Problem {
  return {
    code: 'latency-not-alone',
    severity: 'info',
    message: `The latency was measured without the lock that keeps other runs of this machine from measuring at the same time: ${reason}.`,
    file: folder,
  };
}
