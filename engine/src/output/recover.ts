import { join } from 'node:path';
import { readdir } from 'node:fs/promises';
import { type OutputFiles, QuantsmithError } from '@quantsmith/schemas';
import { completeCommit } from './commit.js';
import { outputFacts } from './facts.js';
import { lockOwner } from '../processes/lock.js';
import { takeLock } from './lock.js';
import { outputObstacle } from './obstacle.js';

/**
 * Ends what a run that was killed has left of an output: completes it where all was ready, else removes it. Leaves outputs
 * of living runs alone. Returns whether model and report were completed.
 */
export async function recoverOutput(files: OutputFiles): Promise<boolean> {
  if ((await lockOwner(files.staging)) !== 'nobody') return false;
  try {
    const lock = await takeLock(files.staging, files.output);
    try {
      // What came to lie there since is not ours to replace.
      if (outputObstacle(await outputFacts(files, []), false) !== null) return false;
      return await completeCommit(files, []);
    } finally {
      await lock.release();
    }
  } catch (error) {
    // Another run has taken it meanwhile, or the folder is gone or locked: there is nothing to be done here.
    if (error instanceof QuantsmithError || (error instanceof Error && 'code' in error)) return false;
    throw error;
  }
}

const STAGING = /^\.(.+)\.quantsmith$/;

/** Recovers every output of a folder whose run has died. Returns whether no run is at work there. */
export async function recoverFolder(
  folder: string,
  filesOf: (output: string) => OutputFiles,
): Promise<boolean> {
  let isFree = true;
  for (const name of await readdir(folder).catch(() => [])) {
    const output = STAGING.exec(name)?.[1];
    if (output === undefined) continue;
    const files = filesOf(join(folder, output));
    await recoverOutput(files);
    if ((await lockOwner(files.staging)) !== null) isFree = false;
  }

  return isFree;
}
