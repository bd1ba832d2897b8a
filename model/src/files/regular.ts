import { reasonOf } from '@quantsmith/schemas';
import { closeSync, constants, fstatSync, openSync, readSync, statSync, type Stats } from 'node:fs';
import { open, stat, type FileHandle } from 'node:fs/promises';

// The door to files that anybody may have named: opened to read, a FIFO waits for a writer for ever, a device may never end, and
// some of /proc wait for what has not happened yet. Only regular files are opened, and no more is read than they have.

/** More bytes than this are not read at once. */
const MAX_READ_BYTES = 2 ** 31 - 1;
/** Longer texts are no strings in V8. */
export const MAX_TEXT_BYTES = 2 ** 29 - 24;
/** A FIFO that has come to be there meanwhile is not waited for. */
const FLAGS = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0);

/**
 * Opens a regular file, and closes it again. `size`: its bytes. Throws what the system throws, and an error with the code
 * `NOT_REGULAR`.
 */
export async function withFile<T>(
  path: string,
  read: (handle: FileHandle, size: number) => Promise<T>,
): Promise<T> {
  const handle = await openFile(path);
  try {
    return await read(handle, (await handle.stat()).size);
  } finally {
    await handle.close();
  }
}

/** Opens a regular file, for the caller to close. Throws what the system throws, and an error with the code `NOT_REGULAR`. */
export async function openFile(path: string): Promise<FileHandle> {
  refuseSpecial(await stat(path));
  const handle = await open(path, FLAGS);
  try {
    refuseSpecial(await handle.stat());
    return handle;
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/** The bytes [start, end) of an open file, fewer where it ends before. */
export async function bytesOf(handle: FileHandle, start: number, end: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(end - start);
  let done = 0;
  while (done < bytes.length) {
    const { bytesRead } = await handle.read(bytes, done, bytes.length - done, start + done);
    if (bytesRead === 0) break;
    done += bytesRead;
  }

  return bytes.subarray(0, done);
}

/** The bytes of a regular file. Throws as `withFile` does, and an error with the code `TOO_LARGE`. */
export function readBytes(path: string, maxBytes = MAX_READ_BYTES): Promise<Uint8Array> {
  return withFile(path, (handle, size) => {
    refuseLarger(size, maxBytes);
    return bytesOf(handle, 0, size);
  });
}

/** The text of a regular file. Throws as `readBytes` does. */
export async function readText(path: string, maxBytes = MAX_TEXT_BYTES): Promise<string> {
  return new TextDecoder().decode(await readBytes(path, maxBytes));
}

/** As `withFile`, at once: for what is read piece by piece in the middle of computing. */
export function withFileSync<T>(
  path: string,
  read: (bytesAt: (start: number, count: number) => Uint8Array, size: number) => T,
): T {
  refuseSpecial(statSync(path));
  const handle = openSync(path, FLAGS);
  try {
    const info = fstatSync(handle);
    refuseSpecial(info);
    return read((start, count) => bytesOfSync(handle, start, count), info.size);
  } finally {
    closeSync(handle);
  }
}

/** As `readText`, at once. */
export function readTextSync(path: string): string {
  return withFileSync(path, (bytesAt, size) => {
    refuseLarger(size, MAX_TEXT_BYTES);
    return new TextDecoder().decode(bytesAt(0, size));
  });
}

function bytesOfSync(handle: number, start: number, count: number): Uint8Array {
  // Not cleared before: samples are read so often that it would show.
  const bytes = Buffer.allocUnsafeSlow(count);
  let done = 0;
  while (done < count) {
    const read = readSync(handle, bytes, done, Math.min(count - done, 1 << 30), start + done);
    if (read === 0) break;
    done += read;
  }

  return new Uint8Array(bytes.buffer, 0, done);
}

/** Why a file could not be read, as the end of a sentence that begins with its path: "does not exist", "cannot be read: …". */
export function whyUnreadable(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : null;
  if (code === 'ENOENT' || code === 'ENOTDIR') return 'does not exist';

  return `cannot be read: ${systemReason(error)}`;
}

/** What the system says went wrong, without what was called and with what path. */
export function systemReason(error: unknown): string {
  const text = reasonOf(error);
  return text.replace(/^E[A-Z0-9]+: /, '').replace(/, \w+( '.*)?$/s, '');
}

function refuseLarger(size: number, maxBytes: number): void {
  if (size > maxBytes) throw coded(`it has ${size} bytes, more than ${maxBytes}`, 'TOO_LARGE');
}

function refuseSpecial(info: Stats): void {
  if (info.isFile()) return;
  const kind = info.isDirectory()
    ? 'a folder'
    : info.isFIFO()
      ? 'a FIFO'
      : info.isSocket()
        ? 'a socket'
        : 'a device';

  throw coded(`it is ${kind}, not a regular file`, 'NOT_REGULAR');
}

const coded = (message: string, code: 'NOT_REGULAR' | 'TOO_LARGE') =>
  Object.assign(new Error(message), { code });
