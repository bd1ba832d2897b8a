import type { Problem } from '@quantsmith/schemas';
import type { Calibration } from '../calibration/calibration.js';
import { KEPT_BYTES, keepSamples } from '../data/keep.js';
import { encodeModel } from '@quantsmith/model/onnx';
import type { Placement } from '../placement/types.js';
import { makeRoomForBiases } from '../corrections/roomForBias.js';
import { buildModel, weightCodes, type Quantization } from '../quantize/quantization.js';
import type { OverflowFix } from '../placement/weights.js';
import type { RangeEstimator } from '../ranges/estimator.js';
import type { Feeds } from '../runtime/batch.js';
import type { Workers } from '../runtime/workers.js';
import { kernelsOf, optimizedModel } from '../runtime/optimized.js';
import { targetSaturates, type HostCpu, type TargetIsa } from '../overflow/isa.js';
import { layersAtRisk } from '../overflow/models.js';
import { calibrationFeeds, observeLargestSums, observeSaturation, operatorsOf } from './observe.js';
import { saturatedSqnr, worthHalving } from './weigh.js';

export interface OverflowPlan {
  readonly fix: OverflowFix;
  /** The CPU that the model is for. */
  readonly target: TargetIsa;
}

/** Sums that come nearer to the limit on calibration samples than this leave no room for other samples. */
const ROOM = 0.9;

/** Where no more than this share of the layers at risk would keep full range, none does: it would buy next to nothing. */
const FEW = 0.1;

/** The share of the calibration samples that layers are looked at with which few samples have not decided. */
const MORE_SAMPLES = 1 / 2;

/**
 * `overflow_fix: auto`, for which the model must be there at full range: half range for the layers whose sums saturate on
 * calibration samples or nearly do, if the target's kernels saturate at all, and if that costs less than saturation does. The
 * other fixes are a matter of placement. `correct` corrects the biases, and what it makes of the model is returned.
 */
export async function fixOverflow<Corrected extends { readonly quantization: Quantization }>(
  quantization: Quantization,
  correct: (fixed: Quantization) => Promise<Corrected>,
  { source, samples, workers }: Pick<Calibration, 'source' | 'samples' | 'workers'>,
  plan: { readonly overflow: OverflowPlan; readonly weights: RangeEstimator },
  host: HostCpu,
): Promise<Corrected> {
  const { fix, target } = plan.overflow;
  if (fix !== 'auto' || !targetSaturates(target, host)) return correct(quantization);
  const kept = keepSamples(source, KEPT_BYTES);
  const feeds = (share?: number) => calibrationFeeds(kept, samples, share);
  const weighed = (near: ReadonlySet<string>, share?: number) =>
    weigh(quantization, near, plan.weights, () => feeds(share), workers);
  // A tenth of the samples shows most layers that saturate; only the others are worth more of them.
  const first = await lookAt(quantization, feeds(), workers);
  const halved = await weighed(withoutFew(first.near, first.atRisk));
  const corrected = await correct(halveRange(quantization, halved, plan.weights));
  if (first.near.size === first.atRisk.size) return corrected;
  // Half range changes what later layers get: these samples go through the model as it will be.
  const second = await lookAt(corrected.quantization, feeds(MORE_SAMPLES), workers);
  const news = [...second.near].filter((name) => !first.near.has(name));
  if (news.length === 0) return corrected;
  const near = withoutFew(new Set([...first.near, ...news]), first.atRisk);

  return correct(halveRange(quantization, await weighed(near, MORE_SAMPLES), plan.weights));
}

/**
 * Of the layers that saturate or nearly do, those that are better off at half range: layer by layer by what each loses, and where
 * that spares some, by the model's outputs as the target computes them, for losses in a row may add up to more or less.
 */
async function weigh(
  quantization: Quantization,
  near: ReadonlySet<string>,
  estimator: RangeEstimator,
  feeds: () => AsyncIterable<Feeds>,
  workers: Workers,
): Promise<ReadonlySet<string>> {
  if (near.size === 0) return near;
  const { dir } = quantization.prepared;
  const full = await inRuntime(quantization, workers);
  const saturation = await observeSaturation(full.optimized, full.kernels, feeds(), { workers, dir });
  const worth = worthHalving(near, quantization, halveRange(quantization, near, estimator), saturation);
  if (worth.size === near.size) return near;
  const samples: Feeds[] = [];
  for await (const sample of feeds()) if (samples.length < WEIGHED_SAMPLES) samples.push(sample);
  const candidates = [near, worth, ...(worth.size === 0 ? [] : [new Set<string>()])];
  let best: { set: ReadonlySet<string>; sqnr: number } | null = null;
  for (const set of candidates) {
    const candidate = halveRange(quantization, set, estimator);
    const { optimized } = await inRuntime(candidate, workers);
    const sqnr = await saturatedSqnr(candidate, optimized, samples, workers.threads);
    if (sqnr === null) return near;
    if (best === null || sqnr > best.sqnr) best = { set, sqnr };
  }

  return best?.set ?? near;
}

/** Samples that outputs are compared on: the emulation of a layer is many times slower than the layer. */
const WEIGHED_SAMPLES = 16;

async function inRuntime(quantization: Quantization, { threads }: Workers) {
  const { dir } = quantization.prepared;
  const bytes = encodeModel(buildModel(quantization, new Set()));
  const optimized = await optimizedModel(bytes, { dir, threads });

  return { optimized, kernels: kernelsOf(bytes, optimized) };
}

/** Says so where `auto` has nothing to do as this machine's sums do not saturate, and no other target was named. */
export function autoProblems({ fix, target }: OverflowPlan, host: HostCpu): Problem[] {
  if (fix !== 'auto' || target !== 'host' || targetSaturates('host', host)) return [];
  return [
    {
      code: 'dead-setting',
      severity: 'info',
      message:
        'overflow_fix: auto gives no layer half range: no sum saturates on this machine. backend_params.target_isa names the CPU that will run the model.',
      configPath: ['quantization', 'advanced_parameters', 'overflow_fix'],
    },
  ];
}

interface Looked {
  /** The operators at risk. */
  readonly atRisk: ReadonlySet<string>;
  /** Those whose sums saturate or nearly do; among them those whose arithmetic cannot be reproduced. */
  readonly near: ReadonlySet<string>;
}

async function lookAt(
  quantization: Quantization,
  samples: AsyncIterable<Feeds>,
  workers: Workers,
): Promise<Looked> {
  const { dir } = quantization.prepared;
  const { optimized, kernels } = await inRuntime(quantization, workers);
  const atRisk = new Set(layersAtRisk(optimized).flatMap((layer) => operatorsOf(layer, kernels)));
  const largest = await observeLargestSums(optimized, kernels, samples, { dir, workers });
  return { atRisk, near: new Set([...atRisk].filter((name) => (largest.get(name) ?? Infinity) > ROOM)) };
}

function withoutFew(near: ReadonlySet<string>, atRisk: ReadonlySet<string>): ReadonlySet<string> {
  return near.size >= (1 - FEW) * atRisk.size ? atRisk : near;
}

/** Half range for the weights that these operators read, and for no others; only 8-bit codes need it. */
function halveRange(
  quantization: Quantization,
  operators: ReadonlySet<string>,
  estimator: RangeEstimator,
): Quantization {
  if (operators.size === 0) return quantization;
  const placement: Placement = {
    ...quantization.placement,
    weights: quantization.placement.weights.map((quantizer) => ({
      ...quantizer,
      halfRange:
        quantizer.halfRangeStated === true
          ? quantizer.halfRange
          : quantizer.config.numBits === 8 && quantizer.targets.some(({ node }) => operators.has(node)),
    })),
  };
  const halved = {
    ...quantization,
    placement,
    weights: weightCodes(quantization.prepared, placement, estimator, quantization.runtime),
  };

  return makeRoomForBiases(halved).quantization;
}
