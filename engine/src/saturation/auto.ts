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
import { calibrationFeeds, observeLargestSums, operatorsOf } from './observe.js';

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
 * calibration samples or nearly do, if the target's kernels saturate at all. The other fixes are a matter of placement.
 * `correct` corrects the biases, and what it makes of the model is returned.
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
  // A tenth of the samples shows most layers that saturate; only the others are worth more of them.
  const first = await lookAt(quantization, calibrationFeeds(kept, samples), workers);
  const near = withoutFew(first.near, first.atRisk);
  const corrected = await correct(halveRange(quantization, near, plan.weights));
  if (near.size === first.atRisk.size) return corrected;
  // Half range changes what later layers get: these samples go through the model as it will be.
  const second = await lookAt(corrected.quantization, calibrationFeeds(kept, samples, MORE_SAMPLES), workers);
  if (second.near.size === 0) return corrected;
  const all = withoutFew(new Set([...near, ...second.near]), first.atRisk);

  return correct(halveRange(quantization, all, plan.weights));
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
  /** Those that need half range; among them those whose arithmetic cannot be reproduced. */
  readonly near: ReadonlySet<string>;
}

async function lookAt(
  quantization: Quantization,
  samples: AsyncIterable<Feeds>,
  workers: Workers,
): Promise<Looked> {
  const { dir } = quantization.prepared;
  const bytes = encodeModel(buildModel(quantization, new Set()));
  const optimized = await optimizedModel(bytes, { dir, threads: workers.threads });
  const kernels = kernelsOf(bytes, optimized);
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
    weights: weightCodes(quantization.prepared, placement, estimator),
  };

  return makeRoomForBiases(halved).quantization;
}
