import { readText, syncFolder, systemReason, writeSynced } from '@quantsmith/model/files';
import { fail, isExternalDataName, type OutputFiles } from '@quantsmith/schemas';
import { existsSync, renameSync } from 'node:fs';
import { lstat, readdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/**
 * How an output appears: as a whole or not at all.
 *
 * Everything is written into the staging folder first. `commit.json` appears there, by a rename, when all is complete and
 * on disk; then the files go to their places, external data first (its name follows from its content, so that it never
 * meets the model of another run), the report next, the model last. What a kill leaves, and what the next run of the same
 * output, or the parent of the one that was killed, makes of it:
 *
 * | state                                        | in the folder                | then                             |
 * |----------------------------------------------|------------------------------|----------------------------------|
 * | 1. owner, files in part                      | the old pair, or nothing     | rolled back: staging is removed  |
 * | 2. all files, no `commit.json`               | the old pair, or nothing     | rolled back                      |
 * | 3. `commit.json`, nothing moved              | the old pair, or nothing     | completed                        |
 * | 4. data moved                                | the old pair, and new data   | completed                        |
 * | 5. report moved                              | the old model, a new report  | completed                        |
 * | 6. model moved                               | the new pair                 | completed: old data, staging go  |
 *
 * Between 3 and 6 lie three renames and nothing else. Where the system refuses the last of them, state 5 is left as after a kill.
 */
export const STAGED = { model: 'model', data: 'data', report: 'report', commit: 'commit.json' } as const;

interface Commit {
  readonly format: 1;
  /** The name of the external data file; null: there is none. */
  readonly data: string | null;
}

/** From state 1 to 6: all files are in `staging`. `keep`: files beside the output that are not removed, come what may. */
export async function commitOutput(
  files: OutputFiles,
  dataName: string | null,
  keep: readonly string[],
): Promise<void> {
  const { staging, output } = files;
  try {
    if (dataName !== null) await refuseSpecial(join(dirname(output), dataName));
    const commit: Commit = { format: 1, data: dataName };
    const draft = join(staging, `${STAGED.commit}.draft`);
    await writeSynced(draft, JSON.stringify(commit));
    await syncFolder(staging);
    await rename(draft, join(staging, STAGED.commit));
    await syncFolder(staging);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error)) throw error;
    fail('write-failed', `${output} cannot be written: ${systemReason(error)}.`, { file: output });
  }

  await completeCommit(files, keep);
}

/** From states 3 to 6 on; does nothing in 1 and 2. Returns whether there was something to complete. */
export async function completeCommit(files: OutputFiles, keep: readonly string[]): Promise<boolean> {
  const { staging, output, report } = files;
  const commit = await readCommit(files);
  if (commit === null) return false;
  const folder = dirname(output);
  try {
    // Nothing else comes between: each step is a state that a kill can leave.
    if (commit.data !== null) moveIfStaged(join(staging, STAGED.data), join(folder, commit.data));
    moveIfStaged(join(staging, STAGED.report), report);
    moveIfStaged(join(staging, STAGED.model), output);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error)) throw error;
    fail('write-failed', `${output} cannot be written: ${systemReason(error)}.`, { file: output });
  }

  await syncFolder(folder);
  await removeOldData(output, commit.data, keep);
  await rm(join(staging, STAGED.commit), { force: true });

  return true;
}

/** Whether the report is in its place and the model, which comes after it, is not: the next run must complete this. */
export function isCommitHalfMoved({ staging }: OutputFiles): boolean {
  const isStaged = (name: string) => existsSync(join(staging, name));
  return isStaged(STAGED.commit) && isStaged(STAGED.model) && !isStaged(STAGED.report);
}

function moveIfStaged(from: string, to: string): void {
  if (existsSync(from)) renameSync(from, to);
}

/** null: there is none, or it is not one that this tool writes: it could name any file of the folder. */
async function readCommit({ staging, output }: OutputFiles): Promise<Commit | null> {
  try {
    const { format, data } = JSON.parse(await readText(join(staging, STAGED.commit))) as Partial<Commit>;
    const isName = data === null || (typeof data === 'string' && isExternalDataName(output, data));
    return format === 1 && isName ? { format, data } : null;
  } catch {
    return null;
  }
}

/** External data of earlier models at this place, which nothing refers to any more. */
async function removeOldData(output: string, current: string | null, keep: readonly string[]): Promise<void> {
  const folder = dirname(output);
  const names = await readdir(folder).catch(() => []);
  const old = names.filter((name) => name !== current && isExternalDataName(output, name));
  for (const path of old.map((name) => join(folder, name))) {
    if (!keep.includes(path)) await rm(path, { force: true }).catch(() => undefined);
  }
}

async function refuseSpecial(path: string): Promise<void> {
  const existing = await lstat(path).catch(() => null);
  if (existing !== null && !existing.isFile())
    fail('write-failed', `${path} cannot be written: it is not a regular file.`, { file: path });
}
