import { writeFileSync } from 'node:fs';

/** A .npy file of version 1 with this header, padded as numpy pads it, and these bytes behind it. */
export function npyBytes(header: string, data: Uint8Array): Buffer {
  const padded = header.padEnd(Math.ceil((header.length + 11) / 64) * 64 - 11) + '\n';
  const size = [padded.length & 255, padded.length >> 8];
  const head = Buffer.from([0x93, ...Buffer.from('NUMPY'), 1, 0, ...size]);
  return Buffer.concat([head, Buffer.from(padded), data]);
}

/** A header as numpy writes it. */
export const npyHeader = (descr: string, shape: readonly number[]) =>
  `{'descr': '${descr}', 'fortran_order': False, 'shape': (${shape.join(', ')},), }`;

/** Writes samples of one shape as a float32 .npy with the samples on the first axis. */
export function writeNpy(
  path: string,
  samples: readonly { shape: readonly number[]; data: ArrayLike<number> }[],
): void {
  const shape = [samples.length, ...(samples[0]?.shape ?? [])];
  const values = Float32Array.from(samples.flatMap((sample) => Array.from(sample.data)));
  writeFileSync(path, npyBytes(npyHeader('<f4', shape), Buffer.from(values.buffer)));
}
