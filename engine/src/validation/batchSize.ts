import type { PreparedModel } from '../prepare/prepare.js';
import type { Feeds } from '../runtime/batch.js';
import { hasSmallActivations } from '../runtime/smallOperators.js';
import type { Workers } from '../runtime/workers.js';

const MAX_SAMPLES = 16;
/** ‖batched − alone‖ / ‖alone‖ of an output beyond which samples of a batch are taken to touch each other. */
const TOLERANCE = 1e-3;

/**
 * How many samples of a small model may go through it at once: its first dimension must be free, and its outputs for
 * the given samples (at least two) the same as for each alone. 1: only one.
 */
export async function batchSize(
  { model, graph, dir }: PreparedModel,
  samples: readonly { readonly feeds: Feeds }[],
  workers: Workers,
): Promise<number> {
  const names = [...graph.inputs, ...graph.outputs];
  const free = names.every((name) => typeof graph.type(name)?.dims?.[0] === 'string');
  // With large activations a batch only takes memory.
  if (!free || samples.length < 2 || !hasSmallActivations(graph)) return 1;
  const outputsOf = async (batch: number) => {
    const runner = await workers.open(model, { dir, alone: true, batch });
    try {
      const results: Feeds[] = [];
      for await (const [, outputs] of runner.run(samples)) results.push(outputs);
      return results;
    } finally {
      await runner.release();
    }
  };

  try {
    const [alone, batched] = [await outputsOf(1), await outputsOf(samples.length)];
    return alone.every((outputs, i) => isSame(outputs, batched[i]!)) ? MAX_SAMPLES : 1;
  } catch {
    // A model whose first dimension is free by name alone fails on more than one sample.
    return 1;
  }
}

function isSame(expected: Feeds, actual: Feeds): boolean {
  return Object.entries(expected).every(([name, { dims, data }]) => {
    const other = actual[name];
    if (other === undefined || other.dims.join() !== dims.join()) return false;
    let [signal, noise] = [0, 0];
    for (let i = 0; i < data.length; i++) {
      const value = Number(data[i]);
      signal += value * value;
      noise += (value - Number(other.data[i])) ** 2;
    }

    return noise <= TOLERANCE ** 2 * signal;
  });
}
