import { fail, type Problem, QuantsmithError } from '@quantsmith/schemas';
import { openBodies, type OpenedBodies, type OpenedBody } from '../bodies/bodies.js';
import { quantizeBodies } from '../bodies/quantize.js';
import { alignModel, calibrate, smoothModel, type Calibration } from '../calibration/calibration.js';
import { accurateBiasCorrection, accurateSamples } from '../corrections/accurateBias.js';
import { fastBiasCorrection, type CorrectionRecord } from '../corrections/fastBias.js';
import { exactProbabilities } from '../corrections/probabilities.js';
import { makeRoomForBiases } from '../corrections/roomForBias.js';
import { firstIndices, readAhead } from '../data/source.js';
import type { Sample, SampleSource } from '../data/types.js';
import { isEmpty, placeModel } from '../placement/placeModel.js';
import type { Placement } from '../placement/types.js';
import type { Plan } from '../plan/plan.js';
import type { PreparedModel } from '../prepare/prepare.js';
import type { Clock } from '../progress/clock.js';
import {
  activationParameters,
  checkFinite,
  weightCodes,
  writtenPlacement,
  type Quantization,
} from '../quantize/quantization.js';
import type { CpuFeatures } from '../runtime/cpu.js';
import type { Workers } from '../runtime/workers.js';
import { fixOverflow } from '../saturation/auto.js';
import type { Collected } from '../statistics/collect.js';
import { weightWork, type WeightWork } from '../quantize/lastMade.js';

/** What a quantization is made from; the same for every one that a run makes. */
export interface QuantizationInputs {
  readonly float: PreparedModel;
  readonly statistics: Calibration;
  readonly workers: Workers;
  readonly clock: Clock;
  readonly cpu: CpuFeatures;
  /** The float model as it is quantized: smoothed and aligned where a plan asks for it, by all samples. */
  readonly rewrite: (planned: Plan) => Promise<PreparedModel>;
  /** The bodies of If, Loop and Scan with what they are given; looked at once, when it is asked for. */
  readonly bodies: () => Promise<OpenedBodies<Body>>;
  readonly last: WeightWork;
}

/** A body with what its quantizations are made from. */
type Body = OpenedBody & { readonly inputs: QuantizationInputs };

export function quantizationInputs({
  float,
  statistics,
  workers,
  clock,
  cpu,
}: Omit<QuantizationInputs, 'rewrite' | 'bodies' | 'last'>): QuantizationInputs {
  let opened: Promise<OpenedBodies<Body>> | undefined;
  const open = async () => {
    const { bodies, problems } = await openBodies(float, statistics);
    const withInputs = (body: OpenedBody) => ({
      ...body,
      inputs: quantizationInputs({ ...body, workers, clock, cpu }),
    });
    return { problems, bodies: bodies.map(withInputs) };
  };

  return {
    ...{ float, statistics, workers, clock, cpu },
    rewrite: rewriting(float, statistics),
    bodies: () => (opened ??= open()),
    last: weightWork(),
  };
}

/** Rewritten models that are kept; each has weights of its own. */
const MAX_REWRITTEN = 2;

function rewriting(float: PreparedModel, statistics: Calibration): QuantizationInputs['rewrite'] {
  const kept = new Map<string, Promise<PreparedModel>>();
  return ({ smoothing, alignment }) => {
    if (smoothing === null && alignment === null) return Promise.resolve(float);
    const key = JSON.stringify([smoothing, alignment]);
    const rewritten =
      kept.get(key) ??
      smoothModel(float, statistics, smoothing).then((smoothed) =>
        alignModel(smoothed, statistics, alignment),
      );

    kept.delete(key);
    kept.set(key, rewritten);
    for (const oldest of [...kept.keys()].slice(0, -MAX_REWRITTEN)) kept.delete(oldest);

    return rewritten;
  };
}

/** A quantization with what the report tells of how it was made. */
export interface MadeQuantization {
  readonly quantization: Quantization;
  readonly records: readonly CorrectionRecord[];
  readonly cached: boolean;
  readonly problems: readonly Problem[];
}

/** From the prepared float model to everything that is needed to write it as a quantized one. */
export async function makeQuantization(
  inputs: QuantizationInputs,
  planned: Plan,
  stage: Clock['stage'],
): Promise<MadeQuantization> {
  const { statistics, workers, clock, cpu, last } = inputs;
  stage('calibrate', statistics.samples);
  const prepared = await inputs.rewrite(planned);
  const { placement, problems } = placeModel(prepared, planned.placement, cpu.isa);
  const inside = await quantizeBodies(await inputs.bodies(), planned, {
    make: (body, bodyPlan) => makeQuantization(body.inputs, bodyPlan, () => undefined),
    cpu,
    float: placement.float,
  });

  if (isEmpty(placement) && inside.bodies.length === 0) failEmpty(planned, inside.problems);
  const collected = await calibrate(prepared, placement, statistics, planned.calibration).catch(
    (error: unknown) => {
      // Not the samples are at fault.
      if (error instanceof QuantsmithError && error.problem.code === 'calibration-not-finite')
        checkFinite(prepared, placement);
      throw error;
    },
  );

  stage('quantize', null);
  const { quantization: full, problems: biasProblems } = makeRoomForBiases(
    exactProbabilities({ ...quantize(prepared, placement, collected, planned, last), bodies: inside.bodies }),
  );
  const correctBiases = (fixed: Quantization) => {
    stage('correct', null);
    return correct(fixed, collected, statistics.source, planned.correction, { workers, clock, last });
  };

  const corrected = await fixOverflow(full, correctBiases, statistics, planned, cpu);

  return {
    ...corrected,
    cached: collected.cached,
    problems: [...problems, ...inside.problems, ...biasProblems],
  };
}

function failEmpty({ placement: { scope } }: Plan, inside: readonly Problem[]): never {
  const all = scope.names.length + scope.patterns.length + scope.types.length + scope.subgraphs.length === 0;
  const why = all
    ? ['The model has no operator that can be quantized.', ...inside.map(({ message }) => message)]
    : ['The ignored scope leaves no operator that can be quantized.'];
  return fail('nothing-to-quantize', why.join(' '), {
    configPath: all ? ['model'] : ['quantization', 'ignored_scope'],
  });
}

function quantize(
  prepared: PreparedModel,
  placement: Placement,
  collected: Collected,
  { calibration: { runtime, quantizers }, weights }: Plan,
  last: WeightWork,
): Quantization {
  const { activations } = writtenPlacement(prepared.graph, placement, runtime, quantizers);
  return {
    prepared,
    placement,
    runtime,
    activationConfig: quantizers,
    activations: activationParameters(activations, collected.ranges, runtime),
    weights: weightCodes(prepared, placement, weights, runtime, last.codes),
    biases: [],
  };
}

/** Corrects biases, fast or accurately, or not at all. */
async function correct(
  quantization: Quantization,
  collected: Collected,
  source: SampleSource,
  correction: Plan['correction'],
  { workers, clock, last }: { workers: Workers; clock: Clock; last: WeightWork },
): Promise<{ quantization: Quantization; records: readonly CorrectionRecord[] }> {
  if (correction === null) return { quantization, records: [] };
  if (correction.kind === 'fast') {
    const { threshold, scope } = correction;
    const options = { threshold, ...scope };
    const { biases, records } = fastBiasCorrection(
      quantization,
      collected.channelMeans,
      options,
      last.responses,
    );
    return { quantization: { ...quantization, biases }, records };
  }

  const samples: Sample[] = [];
  const count = accurateSamples(collected.samples);
  for await (const sample of readAhead(source, firstIndices(count))) samples.push(sample);
  const { threshold, allNodes } = correction;
  const { biases, records } = await accurateBiasCorrection(quantization, samples, {
    threshold,
    allNodes,
    workers,
    onLayer: (done, total) => clock.progress(done, 'bias correction', total),
  });

  return { quantization: { ...quantization, biases }, records };
}
