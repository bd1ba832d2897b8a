import type { Graph } from '@quantsmith/model/graph';
import type { ModelProto } from '@quantsmith/model/onnx';
import type { Problem } from '@quantsmith/schemas';
import type { Calibration } from '../calibration/calibration.js';
import { readAhead } from '../data/source.js';
import { spreadIndices } from '../data/spread.js';
import type { Sample } from '../data/types.js';
import { affordableSamples, inferenceCost, valuesIn, type InferenceCost } from '../runtime/affordable.js';

/** Calibration samples that candidates are measured on: a tenth, within these limits. */
const SHARE = 1 / 10;
const SAMPLES = { min: 8, max: 16 };
/**
 * Small models, whose inferences cost next to nothing, are measured on more: as many as these weights and activations allow, up to
 * a limit. What averages of extremes cut is in few samples: of 98 small models 12 were 2 to 26 dB worse on unseen
 * samples, since the 8 or 16 of 64 that were compared had none of these.
 */
const SMALL_SAMPLES = 64;
/** Whether samples are so few that what is chosen on them may hold for them alone, if statistics come from them too. */
export const isHandful = (samples: readonly Sample[]) => samples.length <= SAMPLES.max;
/** Neighbouring frames of a stream are alike: of 16 or 32, spread over it, the choice is left to chance (GTCRN: 3 dB lost). */
const STREAM_SAMPLES = 64;
/** Few values a sample tell little: a handful of short vectors, or of answers among two, would choose by chance. */
const MIN_VALUES = 512;
/** Above this many bytes of weights, every inference counts. */
const LARGE = { bytes: 2 * 2 ** 30, samples: 2 };

/** The samples that candidates are measured on. */
export interface ComparedSamples {
  readonly samples: readonly Sample[];
  /** Whether they are other samples than those of the statistics. */
  readonly heldOut: boolean;
  /** Whether they are all the samples that statistics come from. */
  readonly coversCalibration: boolean;
}

/** What the number of samples follows from. */
interface Cost extends InferenceCost {
  /** Values of a sample that tell something: of its inputs or outputs, whichever are fewer. */
  readonly valuesEach: number;
  readonly stream: boolean;
}

/** How many samples candidates are measured on: so few that the search costs no more than the statistics do. */
export function comparedCount(samples: number, { valuesEach, stream, ...inference }: Cost): number {
  if (inference.modelBytes > LARGE.bytes) return Math.min(LARGE.samples, samples);
  if (stream) return STREAM_SAMPLES;
  // What an average cuts is in one of the samples: of a handful, all must have their say.
  if (samples <= SAMPLES.max) return samples;
  const least = Math.max(SAMPLES.min, Math.min(SAMPLES.max, Math.ceil(MIN_VALUES / valuesEach)));
  const usual = Math.min(SAMPLES.max, Math.max(least, Math.ceil(samples * SHARE)));
  return Math.min(samples, Math.max(usual, Math.min(SMALL_SAMPLES, affordableSamples(inference))));
}

/**
 * Samples beyond those of the statistics where there are some, else some of them; spread over the set. `stream`: they are steps
 * of a model that carries states from one to the next. `outputsEach`: values that are compared of each.
 */
export async function pickSamples(
  { source, samples }: Pick<Calibration, 'source' | 'samples'>,
  prepared: { readonly model: ModelProto; readonly graph: Graph },
  { stream, outputsEach }: { readonly stream: boolean; readonly outputsEach: number },
): Promise<ComparedSamples> {
  const { feeds } = await source.get(0);
  const wanted = comparedCount(samples, {
    ...inferenceCost(prepared, feeds),
    ...{ valuesEach: Math.min(valuesIn(feeds), outputsEach), stream },
  });
  const beyond = source.count - samples;
  const [first, range] = beyond >= wanted ? [samples, beyond] : [0, samples];
  const indices = spreadIndices(first, first + range, wanted);
  const picked: Sample[] = [];
  for await (const sample of readAhead(source, indices)) picked.push(sample);

  return {
    samples: picked,
    heldOut: first > 0,
    coversCalibration: first === 0 && indices.length === samples,
  };
}

/** What is to be said where a model is so large that little was measured. */
export function fewSamplesProblems(modelBytes: number, compared: number): Problem[] {
  if (modelBytes <= LARGE.bytes) return [];
  return [
    {
      code: 'chosen-on-few-samples',
      severity: 'info',
      message: `The model's weights take more than 2 GB: what the config leaves open was chosen on ${compared} samples.`,
      configPath: ['quantization'],
      data: { samples: compared },
    },
  ];
}
