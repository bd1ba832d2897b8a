import { writeFileSync } from 'node:fs';
import { readArrayFile } from '@quantsmith/model/arrays';

/** A .npy in memory, its samples on the first axis. */
export interface Samples {
  readonly shape: readonly number[];
  readonly values: Uint8Array | Int32Array | Float32Array | BigInt64Array;
}

const DESCRIPTIONS = new Map<string, string>([
  ['Uint8Array', '|u1'],
  ['Int32Array', '<i4'],
  ['Float32Array', '<f4'],
  ['BigInt64Array', '<i8'],
]);

/** The samples of a .npy. */
export function readSamples(path: string): Samples {
  const array = readArrayFile(path, []);
  return { shape: array.shape, values: array.rows(0, array.shape[0] ?? 0) as Samples['values'] };
}

export function writeSamples(path: string, { shape, values }: Samples): string {
  const description = DESCRIPTIONS.get(values.constructor.name) ?? '<f4';
  const header = `{'descr': '${description}', 'fortran_order': False, 'shape': (${shape.join(', ')},), }`;
  const padded = header.padEnd(Math.ceil((header.length + 11) / 64) * 64 - 11) + '\n';
  const head = Buffer.from([0x93, ...Buffer.from('NUMPY'), 1, 0, padded.length & 255, padded.length >> 8]);
  const bytes = Buffer.from(values.buffer, values.byteOffset, values.byteLength);
  writeFileSync(path, Buffer.concat([head, Buffer.from(padded), bytes]));
  return path;
}

/** One sample again and again. */
export function repeated({ shape, values }: Samples): Samples {
  const size = values.length / shape[0]!;
  const copy = values.slice();
  for (let start = size; start < copy.length; start += size)
    copy.set(values.subarray(0, size) as never, start);
  return { shape, values: copy };
}

const numbers = ({ values }: Samples): number[] => Array.from(values as ArrayLike<number | bigint>, Number);

/** Labels in another order of the classes. */
export function relabelled(labels: Samples, of: (label: number) => number): Samples {
  return { shape: labels.shape, values: BigInt64Array.from(numbers(labels), (label) => BigInt(of(label))) };
}

/** Labels that belong to other samples: each is that of the sample a prime number further on. */
export function shuffledLabels(samples: Samples): Samples {
  const { shape } = samples;
  const values = numbers(samples);
  const step = 37;
  return {
    shape,
    values: BigInt64Array.from({ length: values.length }, (_, i) =>
      BigInt(values[(i * step + 11) % values.length]!),
    ),
  };
}
