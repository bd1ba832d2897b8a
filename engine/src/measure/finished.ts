import { encodeModel, type ModelProto } from '@quantsmith/model/onnx';
import { spreadOf } from '../data/spread.js';
import type { SampleSource } from '../data/types.js';
import type { Evaluation } from '../metrics/evaluate.js';
import type { TargetIsa } from '../overflow/isa.js';
import { profileLayers, type LayerProfile } from '../profile/profile.js';
import { keepTensors } from '../profile/tensors.js';
import type { Clock } from '../progress/clock.js';
import { kernelsOfBodies, type BodyKernels } from '../quantize/bodyKernels.js';
import { type Quantization, sessionOptions } from '../quantize/quantization.js';
import type { Feeds } from '../runtime/batch.js';
import type { Once } from '../runtime/once.js';
import type { Workers } from '../runtime/workers.js';
import { kernelsOf, optimizedModel, type RuntimeKernel } from '../runtime/optimized.js';
import type { CheckSamples } from '../verify/verify.js';
import { finishedSaturation, type FinishedSaturation } from '../saturation/finished.js';
import type { Baseline, Validation } from '../validation/validation.js';
import type { Alone } from './machineLock.js';
import { reversalCosts, type ReversalCosts } from './reversals.js';

export interface FinishedInput {
  readonly quantization: Quantization;
  /** The final model, and the operators that are float in it. */
  readonly final: ModelProto;
  readonly reverted: ReadonlySet<string>;
  /** What the outputs are compared on, too. */
  readonly samples: CheckSamples;
  readonly calibration: { readonly source: SampleSource; readonly samples: number };
  readonly validation: Validation | null;
  readonly measured: { readonly baseline: Baseline; readonly final: Evaluation } | null;
  /** The CPU that the model is for, and whether 16-bit sums saturate there. */
  readonly target: TargetIsa;
  readonly saturates: boolean;
}

/** What only the finished model can tell. */
export interface Finished {
  readonly costs: ReversalCosts;
  /** By the first output of each node of the runtime's graph. */
  readonly kernels: ReadonlyMap<string, RuntimeKernel>;
  /** Likewise of the bodies of If, Loop and Scan that are quantized, each by itself. */
  readonly bodyKernels: BodyKernels;
  /** Each operator that is quantized, was before restoration, or has weights, over `noiseSamples`. */
  readonly layers: readonly LayerProfile[];
  readonly saturation: FinishedSaturation;
}

interface FinishedContext {
  readonly workers: Workers;
  readonly clock: Clock;
  readonly alone: Alone;
  /** What follows from the float model and the samples alone. */
  readonly once: Once;
}

/** Kernels, noise and saturation of the final model. */
export async function measureFinished(
  input: FinishedInput,
  { workers, clock, alone, once }: FinishedContext,
): Promise<Finished> {
  const { quantization, final, reverted, calibration } = input;
  const { dir } = quantization.prepared;
  const { threads } = workers;
  const bytes = encodeModel(final);
  const { feeds } = await calibration.source.get(0);
  const costs = await alone(() => reversalCosts(quantization, reverted, feeds, { threads }));
  const optimized = await optimizedModel(bytes, sessionOptions(quantization));
  const kernels = kernelsOf(bytes, optimized);
  const bodyKernels = await kernelsOfBodies(quantization, reverted);
  const { layers } = await profileLayers({
    ...{ quantization, final, reverted, threads, alone: false },
    kept: await once(['tensors'], () => Promise.resolve(keepTensors())),
    samples: await noiseSamples(input.samples),
  });
  const saturation = await finishedSaturation({ ...input, optimized, kernels, dir }, { workers, clock });

  return { costs, kernels, bodyKernels, layers, saturation };
}

/** Samples that noise is summed over: one alone can be a case of its own. */
const NOISE_SAMPLES = 4;

/** A few of the samples that models are compared on, spread over the set. */
export function noiseSamples({ source, indices }: CheckSamples): Promise<Feeds[]> {
  return Promise.all(spreadOf(indices, NOISE_SAMPLES).map(async (index) => (await source.get(index)).feeds));
}
