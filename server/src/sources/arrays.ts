import { ARRAY_HEAD_BYTES, arrayLayout, arrayValues } from '@quantsmith/model/arrays';
import type { ArrayFacts, ArrayHeader } from '@quantsmith/service';
import type { FileHandle } from 'node:fs/promises';
import { constants, inflateRawSync } from 'node:zlib';
import { bytesOf, withFile } from '@quantsmith/model/files';

/** The end record of a ZIP file: its signature, its size without the comment, and the longest comment. */
const END = 0x06054b50;
const END_BYTES = 22;
const LONGEST_COMMENT = 0xffff;
const ENTRY = 0x02014b50;
const ENTRY_BYTES = 46;
/** What stands before each file, and the one way of packing that is common. */
const LOCAL = 0x04034b50;
const LOCAL_BYTES = 30;
const DEFLATED = 8;
/** Directories beyond this are those of no array file. */
const LARGEST_DIRECTORY = 4 * 1024 ** 2;

/** Bytes of the first sample that are looked at. */
const MAX_SAMPLE_BYTES = 64 * 1024;

/** Shape and element type of a .npy, or why it cannot be used. */
export function arrayFacts(path: string): Promise<ArrayFacts> {
  return withFile(path, async (handle, size) =>
    factsIn(await bytesOf(handle, 0, Math.min(size, ARRAY_HEAD_BYTES + MAX_SAMPLE_BYTES)), size),
  );
}

/** The same for who does not ask why. */
export async function arrayHeader(path: string): Promise<ArrayHeader | null> {
  const facts = await arrayFacts(path);
  return 'shape' in facts ? facts : null;
}

function factsIn(head: Uint8Array, size: number): ArrayFacts {
  const layout = arrayLayout(head, size);
  if (typeof layout === 'string') return { problem: layout };
  const { shape, type, dataStart, valueBytes } = layout;
  const header = { shape, type };
  if (!/^float(32|64)$/.test(type)) return header;

  const values = shape.slice(1).reduce((product, dim) => product * dim, 1);
  const end = Math.min(dataStart + values * valueBytes, head.length);
  const wholeEnd = end - ((end - dataStart) % valueBytes);
  const first = arrayValues(type, head.subarray(dataStart, Math.max(dataStart, wholeEnd)));
  const values32 = first as Float32Array;

  return {
    ...header,
    fractional: values32.some((value) => !Number.isInteger(value)),
    isFinite: values32.every(Number.isFinite),
  };
}

/** A file in an archive. */
interface Member {
  readonly name: string;
  readonly isDeflated: boolean;
  readonly bytes: number;
  /** Where its own header begins. */
  readonly start: number;
}

export type ArchiveFacts =
  { readonly members: ReadonlyMap<string, ArrayHeader | null> } | { readonly problem: string };

/** Arrays of an archive whose headers are read. */
const MAX_MEMBERS = 64;

/**
 * The arrays in a .npz, from the directory at its end (PKWARE's APPNOTE, 4.3.12 and 4.3.16), and the beginning of each; the
 * arrays are not read. null: not known, as of one that is too large for the plain directory.
 */
export async function archiveFacts(path: string): Promise<ArchiveFacts | null> {
  return withFile(path, async (handle, size) => {
    const tail = buffer(await bytesOf(handle, Math.max(0, size - END_BYTES - LONGEST_COMMENT), size));
    for (let position = tail.length - END_BYTES; position >= 0; position--) {
      if (tail.readUInt32LE(position) !== END) continue;
      const length = tail.readUInt32LE(position + 12);
      const start = tail.readUInt32LE(position + 16);
      if (length > LARGEST_DIRECTORY || start + length > size) return null;
      const directory = buffer(await bytesOf(handle, start, start + length));
      const members = membersIn(directory, tail.readUInt16LE(position + 10));
      return members === null ? null : readMembers(handle, members);
    }

    return { problem: 'it is not a ZIP archive' };
  });
}

/** The names of the arrays in a .npz; null: not known. */
export async function memberNames(path: string): Promise<string[] | null> {
  const facts = await archiveFacts(path);
  return facts !== null && 'members' in facts ? [...facts.members.keys()] : null;
}

async function readMembers(handle: FileHandle, listed: readonly Member[]): Promise<ArchiveFacts> {
  const members = new Map<string, ArrayHeader | null>();
  for (const [index, member] of listed.entries()) {
    const facts = index < MAX_MEMBERS ? await memberFacts(handle, member) : null;
    if (facts !== null && 'problem' in facts)
      return { problem: `its array "${member.name}" cannot be read: ${facts.problem}` };
    members.set(member.name, facts);
  }

  return { members };
}

/** The beginning of an array in an archive; null: it is packed in a way that is not read here. */
async function memberFacts(handle: FileHandle, member: Member): Promise<ArrayFacts | null> {
  const { start, isDeflated, bytes } = member;
  const local = buffer(await bytesOf(handle, start, start + LOCAL_BYTES));
  if (local.length < LOCAL_BYTES || local.readUInt32LE(0) !== LOCAL) return null;
  const data = start + LOCAL_BYTES + local.readUInt16LE(26) + local.readUInt16LE(28);
  const packed = await bytesOf(handle, data, data + ARRAY_HEAD_BYTES + MAX_SAMPLE_BYTES);
  if (!isDeflated) return factsIn(packed.subarray(0, bytes), bytes);
  try {
    const options = { finishFlush: constants.Z_SYNC_FLUSH, maxOutputLength: MAX_UNPACKED_BYTES };
    return factsIn(inflateRawSync(packed, options), bytes);
  } catch {
    return null;
  }
}

/** What the beginning of a packed array may unpack to. */
const MAX_UNPACKED_BYTES = 64 * 1024 ** 2;

function membersIn(directory: Buffer, count: number): Member[] | null {
  const members: Member[] = [];
  for (let offset = 0, i = 0; i < count; i++) {
    if (offset + ENTRY_BYTES > directory.length || directory.readUInt32LE(offset) !== ENTRY) return null;
    const [name, extra, comment] = [28, 30, 32].map((field) => directory.readUInt16LE(offset + field)) as [
      number,
      number,
      number,
    ];

    const file = directory.toString('utf8', offset + ENTRY_BYTES, offset + ENTRY_BYTES + name);
    if (file.endsWith('.npy'))
      members.push({
        name: file.slice(0, -'.npy'.length),
        isDeflated: directory.readUInt16LE(offset + 10) === DEFLATED,
        bytes: directory.readUInt32LE(offset + 24),
        start: directory.readUInt32LE(offset + 42),
      });
    offset += ENTRY_BYTES + name + extra + comment;
  }

  return members;
}

const buffer = ({ buffer: memory, byteOffset, length }: Uint8Array) =>
  Buffer.from(memory, byteOffset, length);
