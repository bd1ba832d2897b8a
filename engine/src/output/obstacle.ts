import { accessSync, constants, lstatSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';

/**
 * Why a model cannot be written to `output`, as the end of a sentence that begins with its path; null: nothing is known to
 * be in the way. `inputs` are the files that a run reads: none of them may be replaced by the model, its report or its
 * external data. Asked before anything is computed, since a run may take hours.
 */
export function outputObstacle(output: string, inputs: readonly string[]): string | null {
  for (const written of [output, `${output}.report.json`, `${output}.data`]) {
    const read = inputs.find((input) => isSameFile(written, input));
    if (read === undefined) continue;
    return written === output ? `is a file that the run reads` : `would replace ${read}, which the run reads`;
  }
  const dir = dirname(output);
  try {
    if (!statSync(dir).isDirectory()) return `cannot be written: ${dir} is no folder`;
    if (statSync(output, { throwIfNoEntry: false })?.isDirectory() === true) return 'is a folder';
    accessSync(dir, constants.W_OK);
    return null;
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : null;
    return code === 'ENOENT' || code === 'ENOTDIR'
      ? `cannot be written: the folder ${dir} does not exist`
      : `cannot be written: files cannot be made in the folder ${dir}`;
  }
}

/** Whether writing to the one path changes what is read from the other: links and the case of letters are seen through. */
function isSameFile(written: string, read: string): boolean {
  if (resolve(written) === resolve(read)) return true;
  try {
    // A link that is written to is replaced; one that is read is followed.
    const [there, source] = [lstatSync(written, { bigint: true }), statSync(read, { bigint: true })];
    return there.ino === source.ino && there.dev === source.dev;
  } catch {
    return false;
  }
}
