import { tensorElements } from '@quantsmith/model/graph';
import { type ModelProto, weightBytes, withOutputs } from '@quantsmith/model/onnx';
import {
  QuantsmithError,
  type QuantizationChange,
  type QuantizationConfig,
  append,
} from '@quantsmith/schemas';
import type { Calibration } from '../calibration/calibration.js';
import type { Sample } from '../data/types.js';
import { plan, type Plan } from '../plan/plan.js';
import type { PreparedModel } from '../prepare/prepare.js';
import { buildModel, sessionOptions, type Quantization } from '../quantize/quantization.js';
import { leaveRefusedInFloat } from '../quantize/refused.js';
import type { Results } from '../runtime/batch.js';
import { hasSmallOperators } from '../runtime/smallOperators.js';
import { workersFor, type OpenOptions, type Workers } from '../runtime/workers.js';
import { observedLayers, observedOutputs } from './observed.js';
import { outputNoise, type OutputNoise, type OutputScore } from './outputNoise.js';
import { fewSamplesProblems, pickSamples } from './samples.js';

export interface MeasureInput {
  readonly config: QuantizationConfig;
  readonly float: PreparedModel;
  readonly calibration: Calibration;
  readonly workers: Workers;
  /** `samples`: statistics that have not been collected yet come from so many samples only. */
  readonly make: (planned: Plan, samples: number) => Promise<{ readonly quantization: Quantization }>;
}

/** Where the error is measured: at the model's outputs, or along its layers where outputs cannot tell. */
type Observed = 'outputs' | 'layers';

/** Measures what changes of the config do to the model, each once. */
export interface Measure {
  /** In order; null where the model cannot be made with the change. */
  readonly scores: (changes: readonly QuantizationChange[]) => Promise<(OutputScore | null)[]>;
  readonly quantization: (change: QuantizationChange) => Promise<Quantization>;
  readonly samples: readonly Sample[];
  readonly heldOut: boolean;
  /** Whether they are all the samples that statistics come from. */
  readonly coversCalibration: boolean;
}

/** Bytes of the float model's outputs that are kept to compare with. */
const REFERENCE_BYTES = 64 * 2 ** 20;
/**
 * Samples for the statistics of a candidate whose float model is another one, since SmoothQuant has rewritten it: at least so many,
 * and as many as are compared.
 */
const REWRITTEN_SAMPLES = 8;

/** null: nothing that is observed varies over the samples, so that nothing can be measured. */
export async function startMeasuring(input: MeasureInput, where: Observed): Promise<Measure | null> {
  const { float, calibration, workers, config, make } = input;
  const carried = new Set(Object.values(config.data.calibration.states ?? {}));
  const observed = where === 'outputs' ? observedOutputs(float.graph, carried) : observedLayers(float.graph);
  const tensors = [...new Set(observed.flatMap((output) => [...output.tensors, ...output.instead]))];
  // Behind a Reshape with computed shape sizes are unknown; those of outputs stand in the file.
  const read = float.graph.outputs.filter((tensor) => !carried.has(tensor));
  const outputsEach = read.reduce(
    (sum, tensor) => sum + (tensorElements(float.graph, tensor) ?? Infinity),
    0,
  );
  const stream = carried.size > 0;
  const picked = await pickSamples(calibration, float, { stream, outputsEach });
  const small = hasSmallOperators(float.model, float.graph);
  const references = await referencesOf(float, tensors, { samples: picked.samples, workers, small });
  const start = outputNoise(references, observed);
  if (start === null) return null;
  const samples = picked.samples.slice(0, references.length);
  const bytes = weightBytes(float.model);
  calibration.warn(fewSamplesProblems(bytes, samples.length));

  const quantization = async (change: QuantizationChange) => {
    const planned = plan(config, change);
    const rewritten = planned.smoothing !== null || planned.alignment !== null;
    const some = Math.max(REWRITTEN_SAMPLES, samples.length);
    const enough = rewritten ? Math.min(some, calibration.samples) : calibration.samples;
    return (await make(planned, enough)).quantization;
  };

  const measure = async (change: QuantizationChange) => {
    const candidate = await quantization(change).catch(unusable);
    if (candidate === null) return null;
    return noiseOf(candidate, { start, samples, workers, small });
  };

  const memo = new Map<string, Promise<OutputScore | null>>();
  const score = (change: QuantizationChange) => {
    const key = candidateKey(plan(config, change));
    const measured = memo.get(key) ?? measure(change);
    memo.set(key, measured);
    return measured;
  };

  // One session is open for each candidate that is measured: as many as a run over samples has.
  const sideBySide = Math.min(workers.most, workersFor(workers.threads, bytes));

  return {
    scores: (changes) => inOrder(changes, sideBySide, score),
    quantization,
    samples,
    heldOut: picked.heldOut,
    coversCalibration: picked.coversCalibration,
  };
}

/** Changes that ask for the same are the same candidate. */
export function candidateKey({
  smoothing,
  alignment,
  placement,
  calibration,
  weights,
  correction,
  overflow,
}: Plan) {
  return JSON.stringify([smoothing, alignment, placement, calibration, weights, correction, overflow]);
}

/** The results of all items, at most `atOnce` of them in work at any time. */
async function inOrder<T, R>(
  items: readonly T[],
  atOnce: number,
  work: (item: T) => Promise<R>,
): Promise<R[]> {
  const results: R[] = [];
  for (let first = 0; first < items.length; first += atOnce) {
    append(results, await Promise.all(items.slice(first, first + atOnce).map(work)));
  }

  return results;
}

/** A change that leaves nothing to quantize is no candidate. */
export function unusable(error: unknown): null {
  if (error instanceof QuantsmithError && error.problem.code === 'nothing-to-quantize') return null;
  throw error;
}

/** What models are run on, and where; whether their operators are small. */
interface Runs {
  readonly samples: readonly Sample[];
  readonly workers: Workers;
  readonly small: boolean;
}

interface Comparison extends Runs {
  readonly start: () => OutputNoise;
}

async function noiseOf(quantization: Quantization, comparison: Comparison): Promise<OutputScore> {
  const run = async (candidate: Quantization) => {
    const noise = comparison.start();
    const model = withOutputs(buildModel(candidate, new Set()), noise.tensors);
    const options = { ...sessionOptions(candidate), alone: true };
    for await (const results of resultsOf(model, options, comparison)) noise.add(results);
    return noise.score();
  };

  return run(quantization).catch(async (error: unknown) => {
    if (!(error instanceof QuantsmithError)) throw error;
    return run((await leaveRefusedInFloat(quantization, comparison.samples[0]!.feeds)).quantization);
  });
}

/** The float model's results, of as many samples as fit into memory. */
async function referencesOf(
  { model, dir }: PreparedModel,
  tensors: readonly string[],
  runs: Runs,
): Promise<Results[]> {
  const references: Results[] = [];
  let bytes = 0;
  for await (const results of resultsOf(withOutputs(model, tensors), { dir }, runs)) {
    references.push(results);
    for (const { data } of Object.values(results)) bytes += ArrayBuffer.isView(data) ? data.byteLength : 0;
    if (bytes > REFERENCE_BYTES) break;
  }

  return references;
}

async function* resultsOf(
  model: ModelProto,
  options: OpenOptions,
  { samples, workers, small }: Runs,
): AsyncGenerator<Results> {
  const runner = await workers.open(model, { ...options, small });
  try {
    for await (const [, results] of runner.run(samples)) yield results;
  } finally {
    await runner.release();
  }
}
