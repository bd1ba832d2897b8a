import { textOf } from '../sources/look.js';

/** Larger lists are none of names or labels. */
const MAX_BYTES = 8 * 1024 ** 2;

/** The lines of a text file, without the empty one at the end; null: it cannot be read. */
export async function linesOf(file: string): Promise<string[] | null> {
  const text = await textOf(file, MAX_BYTES).catch(() => null);
  if (text === null) return null;
  const lines = text.replace(/^\uFEFF/, '').split(/\r?\n/);
  return lines.at(-1) === '' ? lines.slice(0, -1) : lines;
}
