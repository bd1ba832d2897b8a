import { writeFileSync } from 'node:fs';

/** Writes samples of one shape as a float32 .npy with the samples on the first axis. */
export function writeNpy(
  path: string,
  samples: readonly { shape: readonly number[]; data: readonly number[] }[],
): void {
  const shape = [samples.length, ...(samples[0]?.shape ?? [])];
  const header = `{'descr': '<f4', 'fortran_order': False, 'shape': (${shape.join(', ')},), }`;
  const padded = header.padEnd(Math.ceil((header.length + 11) / 64) * 64 - 11) + '\n';
  const head = Buffer.concat([
    Buffer.from([0x93, ...Buffer.from('NUMPY'), 1, 0, padded.length & 255, padded.length >> 8]),
    Buffer.from(padded),
  ]);
  const values = Float32Array.from(samples.flatMap((sample) => sample.data));
  writeFileSync(path, Buffer.concat([head, Buffer.from(values.buffer)]));
}
