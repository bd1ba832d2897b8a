import type { HostTensor } from '@quantsmith/model/arrays';
import { encodeModel, type ModelProto } from '@quantsmith/model/onnx';
import { createSession, run, type PortSignature } from '../../engine/src/runtime/session.js';
import { randoms } from './models.js';

/** Random feeds for a session's inputs. Free dimensions become 1, or what `sizes` says by input name. */
export function randomFeeds(
  inputs: readonly PortSignature[],
  sizes: Readonly<Record<string, readonly number[]>> = {},
): Record<string, HostTensor> {
  return Object.fromEntries(
    inputs.map(({ name, type, dims: free }, index): [string, HostTensor] => {
      const dims = sizes[name] ?? free.map((dim) => (typeof dim === 'number' && dim > 0 ? dim : 1));
      const values = randoms(
        dims.reduce((product, dim) => product * dim, 1),
        index + 1,
      );
      if (type === 'int64')
        return [
          name,
          { type, dims, data: BigInt64Array.from(values, (v) => BigInt(Math.floor((v + 1) * 50))) },
        ];
      if (type === 'int32')
        return [name, { type, dims, data: Int32Array.from(values, (v) => Math.floor((v + 1) * 128)) }];
      if (type === 'bool')
        return [name, { type, dims, data: Uint8Array.from(values, (v) => (v > 0 ? 1 : 0)) }];
      return [name, { type: 'float32', dims, data: values }];
    }),
  );
}

/** The largest difference of two results, relative to the largest value of the first but at least to `scale`. */
export function relativeDifference(expected: HostTensor, actual: HostTensor, scale = 1e-30): number {
  if (expected.dims.join() !== actual.dims.join()) return Number.POSITIVE_INFINITY;
  const left = Array.from(expected.data as Float32Array, Number);
  const right = Array.from(actual.data as Float32Array, Number);
  let largest = scale;
  let difference = 0;
  left.forEach((number, index) => {
    const other = right[index]!;
    if (Object.is(number, other)) return;
    largest = Math.max(largest, Math.abs(number));
    difference = Math.max(
      difference,
      Number.isNaN(number - other) ? Number.POSITIVE_INFINITY : Math.abs(number - other),
    );
  });
  return difference / largest;
}

/** Runs a model without any graph optimization. */
export async function runModel(
  source: ModelProto,
  feeds?: Readonly<Record<string, HostTensor>>,
  dir?: string,
): Promise<Record<string, HostTensor>> {
  const session = await createSession(encodeModel(source), {
    threads: 1,
    optimization: 'disabled',
    ...(dir === undefined ? {} : { dir }),
  });
  try {
    return await run(session, feeds ?? randomFeeds(session.inputs));
  } finally {
    await session.release();
  }
}
