import { open } from 'node:fs/promises';
import { constants, inflateRawSync } from 'node:zlib';
import type * as vscode from 'vscode';

/** A header of NumPy has some hundred bytes; in an .npz file that of the archive stands before it. */
const MAX_HEAD = 4096;

/**
 * How many samples an array file holds: the first dimension of the array, or of the first one in an .npz file. Reads no more
 * than the head of the file. null: it does not tell.
 */
export async function sampleCount(file: vscode.Uri): Promise<number | null> {
  try {
    const head = await headOf(file.fsPath);
    const header = (isArchive(head) ? firstOf(head) : head).toString('latin1');
    const count = /NUMPY[^]*'shape': *\((\d+)/.exec(header)?.[1];
    return count === undefined ? null : Number(count);
  } catch {
    return null;
  }
}

async function headOf(path: string): Promise<Buffer> {
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(MAX_HEAD), 0, MAX_HEAD, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}

const isArchive = (head: Buffer) => head.subarray(0, 4).toString('latin1') === 'PK\x03\x04';

/** The start of the first file in a ZIP archive: stored, or deflated (APPNOTE.TXT, 4.3.7). */
function firstOf(head: Buffer): Buffer {
  const start = 30 + head.readUInt16LE(26) + head.readUInt16LE(28);
  const body = head.subarray(start);
  const isDeflated = head.readUInt16LE(8) === 8;
  return isDeflated ? inflateRawSync(body, { finishFlush: constants.Z_SYNC_FLUSH }) : body;
}
