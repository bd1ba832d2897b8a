import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { readArrayFile } from '@quantsmith/model/arrays';
import { npyBytes, npyHeader } from '../../test/kit/npy.js';

const folder = mkdtempSync(join(tmpdir(), 'quantsmith-npy-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A file of rows whose values say where they are. */
function write(name: string, rows: number, width: number): string {
  const path = join(folder, name);
  const values = Float32Array.from({ length: rows * width }, (_, i) => i);
  writeFileSync(path, npyBytes(npyHeader('<f4', [rows, width]), new Uint8Array(values.buffer)));
  return path;
}

describe('rows of an array', () => {
  it('are what the file has there, in any order, whatever their size', () => {
    const files = [1, 3000, 65_536, 70_000].map((width) => {
      const rows = Math.ceil(200_000 / width);
      return { width, rows, array: readArrayFile(write(`${width}.npy`, rows, width), []) };
    });
    const place = fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true });
    fc.assert(
      fc.property(
        fc.constantFrom(...files),
        fc.array(fc.tuple(place, place), { maxLength: 8 }),
        (file, reads) => {
          const { width, rows, array } = file;
          for (const [a, b] of reads) {
            const from = Math.floor(a * rows);
            const to = Math.min(rows, from + 1 + Math.floor(b * 3));
            const values = array.rows(from, to);
            expect(values).toHaveLength((to - from) * width);
            expect([values[0], values.at(-1)]).toEqual([from * width, to * width - 1]);
          }
        },
      ),
    );
  });
  it('have memory to themselves', () => {
    const array = readArrayFile(write('own.npy', 4, 2), []);
    (array.rows(1, 2) as Float32Array).fill(-1);
    expect([...(array.rows(1, 2) as Float32Array)]).toEqual([2, 3]);
  });
  it('that are cut off are told of', () => {
    const path = write('cut.npy', 200, 1000);
    const array = readArrayFile(path, []);
    truncateSync(path, 400_000);
    expect(() => array.rows(150, 151)).toThrow('became shorter while it was being read');
  });
});
