import type { HostTensor } from '@quantsmith/model/arrays';
import type { Feeds } from '../runtime/batch.js';

/** About what float32 rounds by. */
const LAST_BITS = 2 ** -22;

/** The inputs with the last bits of every float changed, up and down in turns; null: none of them is float. */
export function nudged(feeds: Feeds): Feeds | null {
  const entries = Object.entries(feeds);
  if (!entries.some(([, { type }]) => type === 'float32')) return null;
  return Object.fromEntries(entries.map(([name, tensor]) => [name, nudgedTensor(tensor)]));
}

function nudgedTensor(tensor: HostTensor): HostTensor {
  if (!(tensor.data instanceof Float32Array)) return tensor;
  // Steps of a prime number keep the pattern from meeting that of rows and channels.
  const data = tensor.data.map((value, i) => value * (1 + (i % 7 < 3 ? LAST_BITS : -LAST_BITS)));
  return { ...tensor, data };
}
