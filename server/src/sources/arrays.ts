import { ARRAY_HEAD_BYTES, arrayLayout } from '@quantsmith/model/arrays';
import type { ArrayHeader } from '@quantsmith/service';
import { bytesOf, withFile } from './look.js';

/** The end record of a ZIP file: its signature, its size without the comment, and the longest comment. */
const END = 0x06054b50;
const END_BYTES = 22;
const LONGEST_COMMENT = 0xffff;
const ENTRY = 0x02014b50;
const ENTRY_BYTES = 46;
/** Directories beyond this are those of no array file. */
const LARGEST_DIRECTORY = 4 * 1024 ** 2;

/** Shape and element type of a .npy; null for what is none. */
export async function arrayHeader(path: string): Promise<ArrayHeader | null> {
  const layout = await withFile(path, async (handle, size) =>
    arrayLayout(await bytesOf(handle, 0, Math.min(size, ARRAY_HEAD_BYTES)), size),
  );

  return typeof layout === 'string' ? null : { shape: layout.shape, type: layout.type };
}

/**
 * The names of the arrays in a .npz, from the directory at its end (PKWARE's APPNOTE, 4.3.12 and 4.3.16); the arrays are
 * not read. null for what is no such file, or one that is too large for the plain directory.
 */
export async function memberNames(path: string): Promise<string[] | null> {
  return withFile(path, async (handle, size) => {
    const tail = buffer(await bytesOf(handle, Math.max(0, size - END_BYTES - LONGEST_COMMENT), size));
    for (let position = tail.length - END_BYTES; position >= 0; position--) {
      if (tail.readUInt32LE(position) !== END) continue;
      const length = tail.readUInt32LE(position + 12);
      const start = tail.readUInt32LE(position + 16);
      if (length > LARGEST_DIRECTORY || start + length > size) return null;
      const directory = buffer(await bytesOf(handle, start, start + length));
      return namesIn(directory, tail.readUInt16LE(position + 10));
    }

    return null;
  });
}

function namesIn(directory: Buffer, count: number): string[] | null {
  const names: string[] = [];
  for (let at = 0, i = 0; i < count; i++) {
    if (at + ENTRY_BYTES > directory.length || directory.readUInt32LE(at) !== ENTRY) return null;
    const [name, extra, comment] = [28, 30, 32].map((field) => directory.readUInt16LE(at + field)) as [
      number,
      number,
      number,
    ];

    names.push(directory.toString('utf8', at + ENTRY_BYTES, at + ENTRY_BYTES + name));
    at += ENTRY_BYTES + name + extra + comment;
  }

  return names.flatMap((name) => (name.endsWith('.npy') ? [name.slice(0, -'.npy'.length)] : []));
}

const buffer = ({ buffer: memory, byteOffset, length }: Uint8Array) =>
  Buffer.from(memory, byteOffset, length);
