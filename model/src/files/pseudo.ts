import { statfs } from 'node:fs/promises';

/** The types of /proc and /sys (linux/magic.h): what lies there is made while it is read, and there is no end to it. */
const PSEUDO_TYPES: ReadonlySet<number> = new Set([0x9fa0, 0x62656572]);

/**
 * Tells whether a folder belongs to the system and holds no data of anybody. `device`: that of the folder, each of which is asked
 * about once. Never throws.
 */
export function pseudoFolders(): (folder: string, device: bigint) => Promise<boolean> {
  const known = new Map<bigint, Promise<boolean>>();
  return (folder, device) => {
    const pseudo = known.get(device) ?? isPseudo(folder);
    known.set(device, pseudo);
    return pseudo;
  };
}

const isPseudo = (folder: string) =>
  statfs(folder).then(
    ({ type }) => PSEUDO_TYPES.has(type),
    () => false,
  );
