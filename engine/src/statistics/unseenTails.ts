import { largest, smallest } from '@quantsmith/schemas';
import type { Graph } from '@quantsmith/model/graph';
import { selfGatedAt, type ScalarFunction } from '../placement/selfGated.js';
import type { ActivationQuantizer } from '../placement/types.js';
import type { Range } from '../ranges/parameters.js';

/** What lies closer together than this share of a step rounds to the same code, but for ties. */
const SAME_CODE = 0.25;
/** Places at which an activation is looked at over its range: four to a step of 8 bits. */
const PLACES = 1024;

/**
 * Ranges without the negative values that an activation such as swish makes zero, as far as its results are told apart in as many
 * levels: the convolution's outputs in front of it reach far below, and their steps would be that much coarser. Symmetric ranges
 * stay: they reach as far below as above.
 */
export function cutUnseenTails(
  graph: Graph,
  quantizers: readonly ActivationQuantizer[],
  ranges: ReadonlyMap<string, Range>,
): ReadonlyMap<string, Range> {
  const cut = new Map(ranges);
  for (const { id, tensor, axis, unified, atOutput, config } of quantizers) {
    const range = ranges.get(id);
    const isOwn = axis === null && unified === null && !atOutput;
    if (range === undefined || !isOwn || config.mode === 'symmetric') continue;
    const activation = selfGatedAt(graph, tensor);
    const [low = 0, high = 0] = [...range.min, ...range.max];
    if (activation === null || low >= 0) continue;
    cut.set(id, { ...range, min: Float32Array.of(lowestSeen(activation, low, high, 2 ** config.numBits)) });
  }

  return cut;
}

/** The largest value, zero at most, of which all that lie below it are not told apart behind the activation. */
function lowestSeen(activation: ScalarFunction, low: number, high: number, levels: number): number {
  const places = Array.from({ length: PLACES + 1 }, (_, i) => low + (i * (high - low)) / PLACES);
  const results = places.map(activation);
  if (!results.every(Number.isFinite)) return low;
  const tolerance = (SAME_CODE * (largest(results) - smallest(results))) / (levels - 1);
  let seen = low;
  let [minimum, maximum] = [Infinity, -Infinity];
  for (const [index, result] of results.entries()) {
    minimum = Math.min(minimum, result);
    maximum = Math.max(maximum, result);
    const place = places[index]!;
    if (place > 0 || maximum - result > tolerance || result - minimum > tolerance) break;
    seen = place;
  }

  return seen;
}
