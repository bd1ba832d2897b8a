import { readAhead } from '../data/source.js';
import { spreadIndices } from '../data/spread.js';
import type { SampleSource } from '../data/types.js';
import type { ModelProto } from '@quantsmith/model/onnx';
import type { RuntimeKernel } from '../runtime/optimized.js';
import type { Feeds } from '../runtime/batch.js';
import type { Workers } from '../runtime/workers.js';
import type { HostTensor } from '@quantsmith/model/arrays';
import { reachedModel } from '../overflow/headroom.js';
import { isTooLarge, observedModel, type Observed } from '../overflow/models.js';
import type { IntegerLayer } from '../overflow/layers.js';
import { INT16_MAX } from '../overflow/pairs.js';

/** What saturation did to a layer at risk over a set of samples, the layers before it being exact. */
export interface Saturation {
  /** Share of the pair sums that saturated. */
  readonly fraction: number;
  /** Signal to noise of the layer's output in decibels; null when nothing saturated. */
  readonly sqnrDb: number | null;
}

interface Sums {
  saturated: number;
  pairs: number;
  signal: number;
  noise: number;
}

/**
 * Dynamic analysis: runs samples through `optimized`, the runtime's own graph of a quantized model, and counts the pair
 * sums that leave 16 bits. By the names of the operators that the kernels stand for; layers not at risk are left out, and all
 * layers of a model that is too large.
 */
export async function observeSaturation(
  optimized: ModelProto,
  kernels: ReadonlyMap<string, RuntimeKernel>,
  samples: Iterable<Feeds> | AsyncIterable<Feeds>,
  { workers, dir }: { readonly workers: Workers; readonly dir: string },
): Promise<ReadonlyMap<string, Saturation>> {
  if (isTooLarge(optimized)) return new Map();
  const { model, layers } = observedModel(optimized);
  if (layers.length === 0) return new Map();
  const sums = layers.map((): Sums => ({ saturated: 0, pairs: 0, signal: 0, noise: 0 }));
  const runner = await workers.open(model, { dir, optimization: 'disabled' });
  try {
    for await (const [, values] of runner.run(asSamples(samples))) {
      layers.forEach((observed, index) => addSample(sums[index]!, observed, values));
    }
  } finally {
    await runner.release();
  }

  return new Map(
    layers.flatMap(({ layer }, index) =>
      operatorsOf(layer, kernels).map((name) => [name, saturationOf(sums[index]!)] as const),
    ),
  );
}

/**
 * How near the 16-bit sums of each layer at risk came to the limit over a set of samples: the largest over 32767, above 1 it
 * saturated. Many times cheaper than `observeSaturation`. By operators' names as there.
 */
export async function observeLargestSums(
  optimized: ModelProto,
  kernels: ReadonlyMap<string, RuntimeKernel>,
  samples: Iterable<Feeds> | AsyncIterable<Feeds>,
  { workers, dir }: { readonly workers: Workers; readonly dir: string },
): Promise<ReadonlyMap<string, number>> {
  if (isTooLarge(optimized)) return new Map();
  const { model, layers } = reachedModel(optimized);
  if (layers.length === 0) return new Map();
  const largest = layers.map(() => 0);
  const outputs = layers.map((layer) => layer.largest);
  const runner = await workers.open(model, { dir, optimization: 'disabled' });
  try {
    for await (const [, values] of runner.run(asSamples(samples), outputs)) {
      outputs.forEach((output, index) => {
        largest[index] = Math.max(largest[index]!, Number(values[output]!.data[0]));
      });
    }
  } finally {
    await runner.release();
  }

  return new Map(
    layers.flatMap(({ layer }, index) =>
      operatorsOf(layer, kernels).map((name) => [name, largest[index]! / INT16_MAX] as const),
    ),
  );
}

async function* asSamples(samples: Iterable<Feeds> | AsyncIterable<Feeds>) {
  for await (const feeds of samples) yield { feeds };
}

/** The operators of the given model that a layer of the runtime's graph computes. */
export const operatorsOf = ({ node }: IntegerLayer, kernels: ReadonlyMap<string, RuntimeKernel>) =>
  kernels.get(node.output[0]!)?.covers ?? [];

function addSample(sums: Sums, observed: Observed, values: Readonly<Record<string, HostTensor>>): void {
  const read = (output: string) => Number(values[output]!.data[0]);
  const share = read(observed.share);
  sums.saturated += read(observed.saturated) / share;
  sums.pairs += read(observed.results) * Math.ceil(observed.layer.rows.length / 2);
  sums.signal += read(observed.signal);
  sums.noise += read(observed.noise) / share;
}

function saturationOf({ saturated, pairs, signal, noise }: Sums): Saturation {
  return {
    fraction: pairs === 0 ? 0 : saturated / pairs,
    sqnrDb: noise === 0 ? null : 10 * Math.log10(Math.max(signal, Number.MIN_VALUE) / noise),
  };
}

/**
 * The calibration samples that the analysis takes: a tenth by default, since each costs a few inferences, at least 4. Spread
 * over all `count`, for folders of images are often in the order of their classes.
 */
export async function* calibrationFeeds(
  source: SampleSource,
  count: number,
  share = 1 / 10,
): AsyncGenerator<Feeds> {
  const indices = spreadIndices(0, count, Math.max(4, Math.ceil(count * share)));
  for await (const { feeds } of readAhead(source, indices)) yield feeds;
}
