import { type ConfigPath, fail } from '@quantsmith/schemas';

/** More entries of folders than this are no data set: the largest public ones have about a million. */
const MAX_ENTRIES = 4_000_000;

/** Counts one entry of a folder. Throws `data-too-large` when there are too many. */
export type Counted = () => void;

/** Counts what is found below a folder. */
export function countEntries(folder: string, configPath?: ConfigPath, maxEntries = MAX_ENTRIES): Counted {
  let count = 0;
  return () => {
    if (++count <= maxEntries) return;
    fail(
      'data-too-large',
      `${folder} and the folders below it have more than ${maxEntries} entries: this is not a folder of samples.`,
      { file: folder, ...(configPath === undefined ? {} : { configPath }) },
    );
  };
}
