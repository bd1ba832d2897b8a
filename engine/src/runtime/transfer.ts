import type { Feeds } from './batch.js';
import { TYPED_ARRAYS, type HostTensor, type TensorTypeName } from '@quantsmith/model/arrays';

/** Samples on their way into a worker: their values lie in memory that both threads see, so that nothing is cloned. */
export interface Transfer {
  readonly memory: SharedArrayBuffer;
  /** By sample and input. */
  readonly contents: readonly Readonly<Record<string, Content>>[];
}

interface Content {
  readonly type: TensorTypeName;
  readonly dims: readonly number[];
  /** Where in the memory, in bytes; text, which cannot lie there, comes as it is. */
  readonly place: { readonly start: number; readonly length: number } | readonly string[];
}

const ALIGNMENT = 8;
const aligned = (bytes: number) => Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;
const bytesOf = ({ data }: HostTensor) => (ArrayBuffer.isView(data) ? data.byteLength : 0);

/** Puts samples into shared memory: `spare`, where they fit into it, else new one. */
export function packTransfer(samples: readonly Feeds[], spare: SharedArrayBuffer | undefined): Transfer {
  const tensors = samples.flatMap((feeds) => Object.values(feeds));
  const total = tensors.reduce((sum, tensor) => sum + aligned(bytesOf(tensor)), 0);
  const memory = spare !== undefined && spare.byteLength >= total ? spare : new SharedArrayBuffer(total);
  const bytes = new Uint8Array(memory);
  let start = 0;
  const contents = samples.map((feeds) =>
    Object.fromEntries(
      Object.entries(feeds).map(([name, tensor]): [string, Content] => {
        const { type, dims, data } = tensor;
        if (!ArrayBuffer.isView(data)) return [name, { type, dims, place: data }];
        bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), start);
        const place = { start, length: data.byteLength };
        start += aligned(data.byteLength);
        return [name, { type, dims, place }];
      }),
    ),
  );

  return { memory, contents };
}

/** The samples of a transfer, as views of its memory. */
export function unpackTransfer({ memory, contents }: Transfer): Feeds[] {
  return contents.map((inputs) =>
    Object.fromEntries(
      Object.entries(inputs).map(([name, { type, dims, place }]): [string, HostTensor] => {
        if (!('start' in place)) return [name, { type, dims, data: place }];
        const Data = TYPED_ARRAYS[type as Exclude<TensorTypeName, 'string'>] as Float32ArrayConstructor;
        const data = new Data(memory, place.start, place.length / Data.BYTES_PER_ELEMENT);
        return [name, { type, dims, data }];
      }),
    ),
  );
}
