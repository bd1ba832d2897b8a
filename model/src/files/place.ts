import { constants } from 'node:fs';
import { access, lstat, realpath, stat, statfs } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { fail } from '@quantsmith/schemas';

/**
 * What lies where a file is to be written. special: a device, FIFO or socket, or a link to one; broken-link: a link that leads
 * nowhere.
 */
export type PlaceKind = 'absent' | 'file' | 'folder' | 'special' | 'broken-link';

/** Never throws. */
export async function placeKind(path: string): Promise<PlaceKind> {
  const link = await lstat(path).catch(() => null);
  if (link === null) return 'absent';
  const target = await stat(path).catch(() => null);
  if (target === null) return 'broken-link';
  if (target.isFile()) return 'file';
  return target.isDirectory() ? 'folder' : 'special';
}

export type FolderState = 'writable' | 'absent' | 'not-a-folder' | 'locked';

/**
 * File systems that show the system's own state: a permission says nothing there. Source: the numbers of statfs(2) for proc, sysfs,
 * cgroup, cgroup2, debugfs, securityfs, tracefs, bpf, devpts and SELinux.
 */
const SYSTEM_STATE: ReadonlySet<number> = new Set([
  ...[0x9fa0, 0x62656572, 0x27e0eb, 0x63677270, 0x64626720, 0x73636673, 0x74726163, 0xcafe4a11, 0x1cd1],
  0xf97cff8c,
]);

/** Whether files can be created in a folder. Never throws. */
export async function folderState(path: string): Promise<FolderState> {
  try {
    if (!(await stat(path)).isDirectory()) return 'not-a-folder';
    await access(path, constants.W_OK | constants.X_OK);
    return (await isSystemState(path)) ? 'locked' : 'writable';
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : null;
    return code === 'ENOENT' || code === 'ENOTDIR' ? 'absent' : 'locked';
  }
}

/** Numbers of Windows and macOS are others, and mean other things. */
const isSystemState = async (path: string) =>
  process.platform === 'linux' && SYSTEM_STATE.has((await statfs(path)).type);

/** The one of `files` that is the same file as a path: links and the case of letters are seen through. null: none is. */
export async function sameFile(path: string, files: readonly string[]): Promise<string | null> {
  const identity = async (named: string) => {
    const info = await stat(named, { bigint: true }).catch(() => null);
    return info === null ? null : `${info.dev}:${info.ino}`;
  };

  const written = await identity(path);
  const place = await realpath(dirname(path)).catch(() => dirname(path));
  for (const file of files) {
    if (resolve(path) === resolve(file) || join(place, basename(path)) === resolve(file)) return file;
    if (written !== null && written === (await identity(file))) return file;
  }

  return null;
}

/** Bytes that a file's name may have, nearly everywhere. */
const MAX_NAME_BYTES = 255;

/**
 * Makes sure, before anything is computed, that a text can be written to a place that the user names. `inputs`: what the command
 * reads, which is never replaced. Throws `output-unusable`.
 */
export async function claimTextPlace(path: string, inputs: readonly string[] = []): Promise<void> {
  const obstacle = await textObstacle(path, inputs);
  if (obstacle !== null) fail('output-unusable', `The output ${path} ${obstacle}.`, { file: path });
}

async function textObstacle(path: string, inputs: readonly string[]): Promise<string | null> {
  if (path.includes('\0')) return 'has a null character in its name, which no file can have';
  const name = Buffer.byteLength(basename(path));
  if (name > MAX_NAME_BYTES) return `has a name of ${name} bytes; at most ${MAX_NAME_BYTES} are possible`;
  const folder = dirname(resolve(path));
  const state = await folderState(folder);
  if (state === 'absent') return `cannot be written: the folder ${folder} does not exist`;
  if (state === 'not-a-folder') return `cannot be written: ${folder} is not a folder`;
  const kind = await placeKind(path);
  if (kind === 'folder') return 'is a folder';
  if (kind === 'special') return 'is a device, a FIFO or a socket, which is never replaced';
  if (kind === 'broken-link') return 'is a link to nothing';
  if ((await sameFile(path, inputs)) !== null) return 'is a file that this command reads';

  return state === 'locked' ? `cannot be written: files cannot be created in the folder ${folder}` : null;
}
