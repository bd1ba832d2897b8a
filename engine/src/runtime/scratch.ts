import { fail } from '@quantsmith/schemas';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isRunning, processNamespace, thisProcess } from '../processes/owner.js';

/** Scratch folders are called after the process that made them, so that those of dead ones can be removed. */
const scratchPrefix = (pid: number) => `quantsmith-${namespaceNumber()}-${pid}-`;
const namespaceNumber = () => /\d+/.exec(processNamespace())?.[0] ?? '0';

/**
 * Runs `body` with a scratch folder that is gone afterwards, whatever happens. Throws `scratch-failed` where the system's
 * folder for temporary files cannot be used.
 */
export async function withScratchFolder<T>(body: (dir: string) => Promise<T>): Promise<T> {
  const dir = await mkdtemp(join(tmpdir(), scratchPrefix(process.pid))).catch(scratchFailed);
  try {
    return await body(dir);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

/** Removes the scratch folders of processes that have ended: of one, or of all. */
export async function removeScratch(pid?: number): Promise<void> {
  const owned = new RegExp(`^quantsmith-${namespaceNumber()}-(\\d+)-`);
  const self = { ...thisProcess(), begun: '' };
  for (const name of await readdir(tmpdir()).catch(() => [])) {
    const digits = owned.exec(name)?.[1];
    if (digits === undefined) continue;
    const owner = Number(digits);
    if (pid === undefined ? isRunning({ ...self, pid: owner }) === false : owner === pid)
      await rm(join(tmpdir(), name), { recursive: true, force: true }).catch(() => undefined);
  }
}

/** Throws `scratch-failed`. */
export function scratchFailed(error: unknown): never {
  const reason = error instanceof Error ? error.message.replace(/ '.*$/, '') : String(error);
  return fail(
    'scratch-failed',
    `The folder for temporary files, ${tmpdir()}, cannot be used: ${reason}. Set TMPDIR to another one.`,
    { file: tmpdir() },
  );
}
