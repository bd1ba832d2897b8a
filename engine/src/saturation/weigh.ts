import { readFloats, type ModelProto } from '@quantsmith/model/onnx';
import { EQUAL_SQNR_DB } from '@quantsmith/schemas';
import { isTooLarge, layersAtRisk, saturatingModel } from '../overflow/models.js';
import { isReproducible } from '../overflow/saturate.js';
import { FLOATS, noiseOf, tensorsOf } from '../profile/tensors.js';
import type { Quantization } from '../quantize/quantization.js';
import type { Feeds } from '../runtime/batch.js';
import { dequantize } from '../weights/quantize.js';
import type { Saturation } from './observe.js';

/** What a layer's output loses, as noise power over signal power. */
export interface LayerCosts {
  /** At full range: what saturation takes, and the rounding of the weights. */
  readonly full: number;
  /** At half range nothing saturates, and the weights are rounded twice as coarsely. */
  readonly half: number;
}

/**
 * Of these operators, those that lose more by saturation than half range costs them. What was not observed is taken for
 * lost: it gets half range. `halved`: the same quantization with all of them at half range.
 */
export function worthHalving(
  operators: ReadonlySet<string>,
  quantization: Quantization,
  halved: Quantization,
  saturation: ReadonlyMap<string, Saturation>,
): ReadonlySet<string> {
  return new Set(
    [...operators].filter((name) => {
      const seen = saturation.get(name);
      if (seen === undefined) return true;
      const { full, half } = layerCosts(seen, roundingOf(quantization, name), roundingOf(halved, name));
      return half <= full + NEGLIGIBLE;
    }),
  );
}

/** A loss of 50 dB below the signal is worth the safety against samples that were not looked at. */
const NEGLIGIBLE = 1e-5;

/** Noises that do not depend on each other add up. `full`, `half`: the rounding of the weights at either range. */
export function layerCosts({ sqnrDb }: Saturation, full: number, half: number): LayerCosts {
  return { full: full + (sqnrDb === null ? 0 : 10 ** (-sqnrDb / 10)), half };
}

/** Σ(w − ŵ)² / Σw² over the weights that an operator reads: of inputs in no particular direction, its share of the output. */
function roundingOf({ prepared, placement, weights }: Quantization, operator: string): number {
  let [signal, noise] = [0, 0];
  for (const quantizer of placement.weights) {
    if (!quantizer.targets.some(({ node }) => node === operator)) continue;
    const tensor = prepared.graph.initializer(quantizer.tensor)!;
    const values = readFloats(tensor, prepared.dir);
    const rounded = dequantize(weights.get(quantizer.id)!, tensor.dims.map(Number), quantizer.axis);
    values.forEach((value, i) => {
      signal += value * value;
      noise += (value - rounded[i]!) ** 2;
    });
  }

  return signal === 0 ? 0 : noise / signal;
}

/**
 * How close the outputs come to float on a CPU that saturates: the mean of their SQNR in dB. `optimized`: the runtime's own graph
 * of the quantized model. null: a layer's arithmetic cannot be reproduced, or no output is float.
 */
export async function saturatedSqnr(
  { prepared: { model, graph, dir } }: Quantization,
  optimized: ModelProto,
  samples: readonly Feeds[],
  threads: number,
): Promise<number | null> {
  if (isTooLarge(optimized) || !layersAtRisk(optimized).every(isReproducible)) return null;
  const outputs = graph.outputs.filter(
    (name) => graph.producer(name) !== undefined && FLOATS.has(graph.type(name)?.elemType ?? 0),
  );
  if (outputs.length === 0) return null;
  const expected = await tensorsOf(model, outputs, samples, { threads, dir });
  const options = { threads, dir, optimization: 'disabled' } as const;
  const actual = await tensorsOf(
    saturatingModel(optimized),
    outputs,
    samples.slice(0, expected.length),
    options,
  );
  // Equal outputs have an infinite ratio, which would outweigh all others.
  const ratios = [...noiseOf(outputs, expected, actual).values()].map((ratio) =>
    Math.min(ratio, EQUAL_SQNR_DB),
  );

  return ratios.reduce((sum, ratio) => sum + ratio, 0) / ratios.length;
}
