import { ARRAY_HEAD_BYTES, arrayLayout, arrayValues } from '@quantsmith/model/arrays';
import { labelTable, type LabelFacts } from '@quantsmith/service';
import { bytesOf, textOf, withFile } from './look.js';

/** Larger label files are not looked into. */
const MAX_BYTES = 8 * 1024 ** 2;

/** What a label file says; null for kinds that are not looked into, and for what cannot be read. */
export async function readLabelFacts(path: string): Promise<LabelFacts | null> {
  if (/\.csv$/i.test(path)) {
    const text = await textOf(path, MAX_BYTES);
    return text === null ? null : labelTable(text);
  }

  return /\.npy$/i.test(path) ? arrayLabels(path) : null;
}

/** One class number for each sample. */
async function arrayLabels(path: string): Promise<LabelFacts | null> {
  return withFile(path, async (handle, size) => {
    if (size > MAX_BYTES) return null;
    const layout = arrayLayout(await bytesOf(handle, 0, Math.min(size, ARRAY_HEAD_BYTES)), size);
    if (typeof layout === 'string') return null;
    const [count = 0, ...others] = layout.shape;
    if (count === 0 || others.some((dim) => dim !== 1)) return null;

    const end = layout.dataStart + count * layout.valueBytes;
    const values = arrayValues(layout.type, await bytesOf(handle, layout.dataStart, end));
    let highest = Number.NEGATIVE_INFINITY;
    for (const value of values) highest = Math.max(highest, Number(value));

    return { count, highest: Number.isInteger(highest) ? highest : null, conflicts: [] };
  });
}
