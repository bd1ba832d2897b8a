import { open, type FileHandle } from 'node:fs/promises';

/** The end record of a ZIP file: its signature, its size without the comment, and the longest comment. */
const END = 0x06054b50;
const END_BYTES = 22;
const LONGEST_COMMENT = 0xffff;
const ENTRY = 0x02014b50;
const ENTRY_BYTES = 46;
/** Directories beyond this are those of no array file. */
const LARGEST_DIRECTORY = 4 * 1024 ** 2;

/**
 * The names of the arrays in a .npz, from the directory at its end (PKWARE's APPNOTE, 4.3.12 and 4.3.16); the arrays are
 * not read. null for what is no such file, or one that is too large for the plain directory.
 */
export async function arrayNames(path: string): Promise<string[] | null> {
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    const tail = await read(file, Math.max(0, size - END_BYTES - LONGEST_COMMENT), size);
    for (let at = tail.length - END_BYTES; at >= 0; at--) {
      if (tail.readUInt32LE(at) !== END) continue;
      const length = tail.readUInt32LE(at + 12);
      const start = tail.readUInt32LE(at + 16);
      if (length > LARGEST_DIRECTORY || start + length > size) return null;
      return namesIn(await read(file, start, start + length), tail.readUInt16LE(at + 10));
    }
    return null;
  } finally {
    await file.close();
  }
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

async function read(file: FileHandle, start: number, end: number): Promise<Buffer> {
  const buffer = Buffer.alloc(end - start);
  const { bytesRead } = await file.read(buffer, 0, buffer.length, start);
  return buffer.subarray(0, bytesRead);
}
