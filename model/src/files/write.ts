import { open, realpath, rename, rm, type FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fail } from '@quantsmith/schemas';
import { claimTextPlace } from './place.js';
import { systemReason } from './regular.js';

/** Makes a file anew, through no link, and waits until it is on disk. Throws what the system throws. */
export async function writeSynced(
  path: string,
  content: string | ((handle: FileHandle) => Promise<void>),
): Promise<void> {
  await rm(path, { force: true });
  const handle = await open(path, 'wx');
  try {
    if (typeof content === 'string') await handle.writeFile(content);
    else await content(handle);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** The most that one call of the system is asked to write. */
const LARGEST_WRITE = 1 << 30;

/** Writes all of the bytes at a position of an open file. */
export async function writeAt(handle: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.byteLength;) {
    const length = Math.min(bytes.byteLength - done, LARGEST_WRITE);
    const { bytesWritten } = await handle.write(bytes, done, length, position + done);
    done += bytesWritten;
  }
}

/** Waits until the names in a folder are on disk, where the system can do that. */
export async function syncFolder(dir: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await open(dir, 'r');
  await handle.sync().catch(() => undefined);
  await handle.close();
}

/**
 * Writes a text file whole or not at all: beside its place, then renamed. Of a link what it leads to is replaced. What is no
 * regular file is never replaced. Throws `output-unusable` and `write-failed`.
 */
export async function writeText(path: string, text: string): Promise<void> {
  await claimTextPlace(path);
  const target = await realpath(path).catch(() => path);
  // A name of its own: the place's may have no room for an ending.
  const temporary = join(dirname(target), `.quantsmith-${process.pid}.tmp`);
  try {
    await writeSynced(temporary, text);
    await rename(temporary, target);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined);
    if (!(error instanceof Error && 'code' in error)) throw error;
    fail('write-failed', `${path} cannot be written: ${systemReason(error)}.`, { file: path });
  }
}
