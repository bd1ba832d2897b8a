import { createHash, type Hash } from 'node:crypto';
import { openFile } from './regular.js';

const CHUNK = 1 << 20;

/**
 * Adds a regular file's bytes to a hash, one chunk being read while the one before is hashed, always into the same memory.
 */
export async function hashFile(hash: Hash, path: string): Promise<void> {
  const file = await openFile(path);
  try {
    const bytes = Math.min(CHUNK, (await file.stat()).size);
    if (bytes === 0) return;
    const chunks = [Buffer.allocUnsafe(bytes), Buffer.allocUnsafe(bytes)] as const;
    let position = 0;
    let reading = file.read(chunks[0], 0, bytes, position);
    for (let turn = 0; ; turn = 1 - turn) {
      const { bytesRead, buffer } = await reading;
      if (bytesRead === 0) return;
      position += bytesRead;
      reading = file.read(chunks[turn === 0 ? 1 : 0], 0, bytes, position);
      hash.update(buffer.subarray(0, bytesRead));
    }
  } finally {
    await file.close();
  }
}

/** SHA-256 of what is in memory, in hexadecimal; of a text, its UTF-8. */
export const sha256 = (content: string | Uint8Array): string =>
  createHash('sha256').update(content).digest('hex');

/** SHA-256 of a file's bytes, in hexadecimal. */
export async function fileSha256(path: string): Promise<string> {
  const hash = createHash('sha256');
  await hashFile(hash, path);
  return hash.digest('hex');
}
