import { type ModelProto, weightBytes } from '@quantsmith/model/onnx';
import type { Problem } from '@quantsmith/schemas';
import type { Calibration } from '../calibration/calibration.js';
import { readAhead } from '../data/source.js';
import { spreadIndices } from '../data/spread.js';
import type { Sample } from '../data/types.js';

/** Calibration samples that candidates are measured on: a tenth, within these limits. */
const SHARE = 1 / 10;
const SAMPLES = { min: 8, max: 16 };
/**
 * Small models, whose inferences cost next to nothing, are measured on more: as many as these weights and activations allow, up to
 * a limit. What averages of extremes cut is in few samples: of 98 small models 12 were 2 to 26 dB worse on unseen
 * samples, since the 8 or 16 of 64 that were compared had none of these.
 */
const SMALL = { values: 2 ** 24, samples: 64 };
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
interface Cost {
  /** Values of a sample that tell something: of its inputs or outputs, whichever are fewer. */
  readonly valuesEach: number;
  /** Values that are computed of a sample. */
  readonly activationsEach: number;
  readonly modelBytes: number;
  readonly stream: boolean;
}

/** How many samples candidates are measured on: so few that the search costs no more than the statistics do. */
export function comparedCount(
  samples: number,
  { valuesEach, activationsEach, modelBytes, stream }: Cost,
): number {
  if (modelBytes > LARGE.bytes) return Math.min(LARGE.samples, samples);
  if (stream) return STREAM_SAMPLES;
  // What an average cuts is in one of the samples: of a handful, all must have their say.
  if (samples <= SAMPLES.max) return samples;
  const least = Math.max(SAMPLES.min, Math.min(SAMPLES.max, Math.ceil(MIN_VALUES / valuesEach)));
  const usual = Math.min(SAMPLES.max, Math.max(least, Math.ceil(samples * SHARE)));
  const affordable = Math.floor(
    SMALL.values / (activationsEach + modelBytes / Float32Array.BYTES_PER_ELEMENT),
  );
  return Math.min(samples, Math.max(usual, Math.min(SMALL.samples, affordable)));
}

/**
 * Samples beyond those of the statistics where there are some, else some of them; spread over the set. `stream`: they are steps
 * of a model that carries states from one to the next. `outputsEach`: values that are compared of each; `activationsEach`: values
 * that are computed of each, whose number is not known for all of them.
 */
export async function pickSamples(
  { source, samples }: Pick<Calibration, 'source' | 'samples'>,
  model: ModelProto,
  {
    stream,
    outputsEach,
    activationsEach,
  }: {
    readonly stream: boolean;
    readonly outputsEach: number;
    readonly activationsEach: readonly (number | null)[];
  },
): Promise<ComparedSamples> {
  const { feeds } = await source.get(0);
  const inputsEach = Object.values(feeds).reduce((sum, { data }) => sum + data.length, 0);
  const valuesEach = Math.min(inputsEach, outputsEach);
  const wanted = comparedCount(samples, {
    ...{ valuesEach, modelBytes: weightBytes(model), stream },
    activationsEach: activationsEach.reduce<number>((sum, values) => sum + (values ?? inputsEach), 0),
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
