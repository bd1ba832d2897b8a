import { QuantsmithError, type Problem } from '@quantsmith/schemas';
import type { ModelProto } from '@quantsmith/model/onnx';
import { inBodies, nothingToQuantize, structureOfModel } from '@quantsmith/model/refusals';
import type { Calibration } from '../calibration/calibration.js';
import type { Sample, SampleSource } from '../data/types.js';
import type { Plan } from '../plan/plan.js';
import { prepareModel, type PreparedModel } from '../prepare/prepare.js';
import { createPool } from '../statistics/pool.js';
import { bodyModel } from './model.js';
import { observeBodies } from './observe.js';
import { decidingOutput, type BodyPlace } from './watch.js';

/** A body of If, Loop or Scan that can be quantized: a float model with samples. */
export interface OpenedBody {
  readonly place: BodyPlace;
  readonly float: PreparedModel;
  readonly statistics: Calibration;
}

export interface OpenedBodies<Body extends OpenedBody = OpenedBody> {
  readonly bodies: readonly Body[];
  /** Which bodies stay in float, and why. */
  readonly problems: readonly Problem[];
}

/** The bodies in a model that have something to quantize, each with what it is given on the calibration samples. */
export async function openBodies(float: PreparedModel, statistics: Calibration): Promise<OpenedBodies> {
  const bodies: OpenedBody[] = [];
  const problems: Problem[] = [];
  for (const owner of ownersOf(float)) {
    const { source, samples, workers } = statistics;
    const observed = await observeBodies(float, owner, { source, samples, threads: workers.threads });
    if (observed === null) {
      problems.push(
        inFloatProblem(owner, 'what it is given in its rounds cannot be taken out of the runtime'),
      );
      continue;
    }

    for (const { place, samples: seen } of observed) {
      const model = bodyModel(float, place, seen);
      if (nothingToQuantize(structureOfModel(model)) !== null) continue;
      if (seen.length === 0) {
        problems.push(inFloatProblem(owner, `no calibration sample runs its ${nameOf(place)}`));
        continue;
      }

      const opened = await openBody(float, { place, model, samples: seen }, statistics);
      if (opened instanceof QuantsmithError) problems.push(inFloatProblem(owner, opened.message));
      else bodies.push(opened);
    }
  }

  return { bodies, problems };
}

/** Nodes with linear operators in their bodies. */
function ownersOf({ model }: PreparedModel): string[] {
  const { nodes } = structureOfModel(model);
  return nodes.filter((node) => inBodies([node]) > 0).map(({ name }) => name);
}

async function openBody(
  outer: PreparedModel,
  { place, model, samples }: { place: BodyPlace; model: ModelProto; samples: readonly Sample[] },
  statistics: Calibration,
): Promise<OpenedBody | QuantsmithError> {
  try {
    const prepared = await prepareModel({ ...statistics.loaded, model, dir: outer.dir });
    const source = sourceOf(samples);
    // Narrow weights are stored as those of the whole model are.
    const float = { ...prepared, storedAs: outer.storedAs };

    return {
      place,
      float,
      statistics: {
        ...{ ...statistics, source, samples: samples.length, cache: null, pool: createPool() },
        onSample: () => undefined,
      },
    };
  } catch (error) {
    if (error instanceof QuantsmithError) return error;
    throw error;
  }
}

function sourceOf(samples: readonly Sample[]): SampleSource {
  return {
    count: samples.length,
    hasLabels: false,
    get: (index) => Promise.resolve(samples[index]!),
    fingerprint: () => Promise.resolve(''),
  };
}

/** The plan for a body: rules about nodes may mean others, and what ends a loop stays in float. */
export function planOfBody(planned: Plan, place: BodyPlace): Plan {
  const deciding = decidingOutput(place);
  return {
    ...planned,
    placement: {
      ...planned.placement,
      quantizeOutputs: false,
      part: true,
      // What stays in float for speed is stated by name when choices are pinned, and bodies have no names of their own.
      fast: false,
      deciding: deciding === undefined ? [] : [deciding],
    },
  };
}

const nameOf = ({ attribute }: BodyPlace) => attribute.replace('_', ' ');

/** Says that the body of a node stays in float. */
export function inFloatProblem(owner: string, reason: string): Problem {
  return {
    code: 'bodies-in-float',
    severity: 'warning',
    message: `Linear operators inside "${owner}" stay in float: ${reason}.`,
    configPath: ['model'],
    data: { node: owner, reason },
  };
}
