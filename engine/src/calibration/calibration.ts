import { type Problem, TOOL } from '@quantsmith/schemas';
import { biasCandidates, type CandidateOptions } from '../corrections/candidates.js';
import { alignChannels, alignmentPairs, alignmentPlan } from '../corrections/channelAlignment.js';
import { fastBiasMeans } from '../corrections/fastBias.js';
import {
  applySmoothing,
  groupId,
  magnitudePlan,
  smoothGroups,
  smoothScales,
} from '../corrections/smoothQuant.js';
import { firstIndices, readAhead } from '../data/source.js';
import type { SampleSource } from '../data/types.js';
import type { PreparedModel } from '../prepare/prepare.js';
import { type LoadedModel, encodeModel, modelSha256 } from '@quantsmith/model/onnx';
import type { IgnoredScope } from '@quantsmith/model/scope';
import { ignoredNodes } from '../placement/placeModel.js';
import { isTail } from '../placement/runtimeLayout.js';
import type { Placement, QuantizerConfig, TargetRuntime } from '../placement/types.js';
import { writtenPlacement } from '../quantize/quantization.js';
import type { Workers } from '../runtime/workers.js';
import { runtimeVersion } from '../runtime/session.js';
import { cacheKey, type Cache } from '../cache/entries.js';
import { keepStatistics, readStatistics } from '../statistics/cache.js';
import {
  collectStatistics,
  unifyRanges,
  type ChannelMeanRequest,
  type Collected,
} from '../statistics/collect.js';
import { activationEstimator, type EstimatorOverrides } from '../ranges/defaults.js';
import { widenFewValues } from '../statistics/fewValues.js';
import { cutUnseenTails } from '../statistics/unseenTails.js';
import { planStatistics, type TensorPlan } from '../statistics/plan.js';
import { planKey, type StatisticsPool } from '../statistics/pool.js';

/** What statistics are collected with. */
export interface Calibration {
  readonly loaded: LoadedModel;
  readonly source: SampleSource;
  /** How many of the source's samples. */
  readonly samples: number;
  readonly workers: Workers;
  /** null: nothing is read from a cache and nothing kept. */
  readonly cache: Cache | null;
  /** What has been collected already in this run. */
  readonly pool: StatisticsPool;
  readonly onSample: (done: number) => void;
  readonly warn: (problems: readonly Problem[]) => void;
}

export interface SmoothingPlan {
  readonly scope: IgnoredScope;
  /** 0 … 1, how much goes from the activations into the weights; negative: those operators are left alone. */
  readonly strength: { readonly matmul: number; readonly convolution: number };
  readonly inGraph: boolean;
}

export interface AlignmentPlan {
  readonly scope: IgnoredScope;
}

export interface CalibrationPlan {
  readonly runtime: TargetRuntime;
  readonly quantizers: QuantizerConfig;
  readonly estimator: EstimatorOverrides;
  /** Whether the runtime reduces activations inside the graph where it can. */
  readonly inGraph: boolean;
  /** Whether ranges leave out what the activation behind them does not tell apart. */
  readonly cutTails: boolean;
  /** The layers whose inputs' channel means the bias correction needs; null: it needs none. */
  readonly means: CandidateOptions | null;
}

/** SmoothQuant: for transformers, outliers move from activations into weights before anything is quantized. */
export async function smoothModel(
  float: PreparedModel,
  calibration: Calibration,
  plan: SmoothingPlan | null,
): Promise<PreparedModel> {
  if (plan === null) return float;
  const { strength, inGraph } = plan;
  const groups = groupsToSmooth(float, plan);
  if (groups.length === 0) return float;
  const { ranges } = await collectCached(float, magnitudePlan(groups), [], inGraph, calibration);
  const smoothed = groups.flatMap((group) => {
    const largest = ranges.get(groupId(group))?.max;
    if (largest === undefined) return [];
    const alpha = strength[group.kind];
    return [{ group, scales: smoothScales(group, Float64Array.from(largest), alpha, float.dir) }];
  });

  return applySmoothing(float, smoothed);
}

function groupsToSmooth(float: PreparedModel, { scope, strength }: SmoothingPlan) {
  const groups = smoothGroups(float.graph, ignoredNodes(float, scope));
  return groups.filter(({ kind }) => strength[kind] >= 0);
}

/** Channel alignment: convolutions in a row pass channels of similar ranges to each other. Off by default. */
export async function alignModel(
  float: PreparedModel,
  calibration: Calibration,
  plan: AlignmentPlan | null,
): Promise<PreparedModel> {
  if (plan === null) return float;
  const pairs = alignmentPairs(float.graph, ignoredNodes(float, plan.scope));
  if (pairs.length === 0) {
    calibration.warn([nothingToAlign]);
    return float;
  }

  const { ranges } = await collectCached(float, alignmentPlan(pairs), [], true, calibration);

  return alignChannels(float, pairs, ranges);
}

const nothingToAlign: Problem = {
  code: 'dead-setting',
  severity: 'warning',
  message:
    'Channel alignment has no effect: no convolution reads the output of another one directly, without padding and strides.',
  configPath: ['quantization', 'advanced_parameters', 'disable_channel_alignment'],
};

/** Ranges of the activations, and what the bias correction needs, in one pass over the samples. */
export async function calibrate(
  prepared: PreparedModel,
  placement: Placement,
  calibration: Calibration,
  plan: CalibrationPlan,
): Promise<Collected & { readonly cached: boolean }> {
  const { quantizers, statistics, means } = wanted(prepared, placement, plan);
  const collected = await collectCached(prepared, statistics, means, plan.inGraph, calibration);
  const ranges =
    plan.runtime === 'onnxruntime'
      ? widenFewValues(prepared.graph, quantizers, collected.ranges, collected.samples)
      : collected.ranges;

  const finest = plan.cutTails ? cutUnseenTails(prepared.graph, quantizers, ranges) : ranges;

  return { ...collected, ranges: unifyRanges(quantizers, finest) };
}

/** A quantization of a float model, and how that is smoothed for others. */
export interface CalibrationVariant {
  readonly placement: Placement;
  readonly plan: CalibrationPlan;
}

/** What is collected of a float model in one pass over the samples. */
export interface Needed {
  readonly plan: readonly TensorPlan[];
  readonly means: readonly ChannelMeanRequest[];
  readonly inGraph: boolean;
}

/** What several quantizations and their smoothed variants need of one float model. */
export function neededByAll(
  prepared: PreparedModel,
  variants: readonly CalibrationVariant[],
  smoothingPlans: readonly SmoothingPlan[],
): Needed {
  const all = variants.map(({ placement, plan }) => wanted(prepared, placement, plan));
  const statistics = [
    ...all.flatMap((planned) => planned.statistics),
    ...smoothingPlans.flatMap((smoothing) => magnitudePlan(groupsToSmooth(prepared, smoothing))),
  ];

  return {
    ...withoutDoubles(
      statistics,
      all.flatMap((planned) => planned.means),
    ),
    inGraph: variants.every((variant) => variant.plan.inGraph),
  };
}

/** All of it in one pass. */
export function neededTogether([first, ...others]: readonly [Needed, ...Needed[]]): Needed {
  const all = [first, ...others];
  const { inGraph } = first;
  return {
    ...withoutDoubles(
      all.flatMap(({ plan }) => plan),
      all.flatMap(({ means }) => means),
    ),
    inGraph,
  };
}

function withoutDoubles(statistics: readonly TensorPlan[], wantedMeans: readonly ChannelMeanRequest[]) {
  // Named after what they are, since a quantizer has one range in each variant.
  const unique = new Map(
    statistics.map((tensor) => {
      const key = planKey(tensor);
      return [key, { ...tensor, quantizer: key }];
    }),
  );
  const means = new Map(wantedMeans.map((mean) => [`${mean.axis} ${mean.tensor}`, mean]));

  return { plan: [...unique.values()], means: [...means.values()] };
}

/** Puts what is needed into the pool, in one pass over the samples; gives what came of it. */
export function collectForAll(
  prepared: PreparedModel,
  { plan, means, inGraph }: Needed,
  calibration: Calibration,
): Promise<Collected & { readonly cached: boolean }> {
  return collectCached(prepared, plan, means, inGraph, calibration);
}

function wanted(
  { graph, dir }: PreparedModel,
  placement: Placement,
  { runtime, quantizers: config, estimator, means: scope }: CalibrationPlan,
) {
  const quantizers = writtenPlacement(graph, placement, runtime, config).activations;
  const statistics = planStatistics(graph, dir, quantizers, (quantizer) =>
    activationEstimator(
      estimator,
      // Averages would cut the largest outputs, which decide the answer: the tail keeps its whole range.
      quantizer.axis !== null || (runtime === 'onnxruntime' && isTail(graph, quantizer.tensor)),
    ),
  );

  const means = scope === null ? [] : fastBiasMeans(graph, biasCandidates(graph, placement, scope));

  return { quantizers, statistics, means };
}

/** Statistics from the pool, where this run has collected them, or from the cache, where an earlier one has. */
async function collectCached(
  prepared: PreparedModel,
  plan: readonly TensorPlan[],
  means: readonly ChannelMeanRequest[],
  inGraph: boolean,
  calibration: Calibration,
): Promise<Collected & { readonly cached: boolean }> {
  const { pool, samples } = calibration;
  const pooled = pool.find(prepared.model, plan, means, samples);
  if (pooled !== null) return pooled;
  const collected = await collectOrRead(prepared, plan, means, inGraph, calibration);
  pool.add(prepared.model, plan, means, collected);

  return collected;
}

async function collectOrRead(
  prepared: PreparedModel,
  plan: readonly TensorPlan[],
  means: readonly ChannelMeanRequest[],
  inGraph: boolean,
  { loaded, source, samples, workers, cache, onSample, warn }: Calibration,
): Promise<Collected & { readonly cached: boolean }> {
  const collect = () =>
    collectStatistics(prepared, plan, means, readAhead(source, firstIndices(samples)), {
      inGraph,
      workers,
      onSample,
    });

  if (cache === null) return { ...(await collect()), cached: false };
  const settings = {
    plan,
    means,
    inGraph,
    samples,
    threads: workers.threads,
    workers: workers.most,
    runtime: runtimeVersion(),
    tool: TOOL.version,
  };
  const key = cacheKey('statistics', [
    encodeModel(prepared.model),
    // Weights outside the file are not among those bytes.
    loaded.externalFiles.length === 0 ? '' : await modelSha256(loaded),
    await source.fingerprint(),
    JSON.stringify(settings),
  ]);

  const cached = await readStatistics(cache, key);
  if (cached !== null) return { ...cached, cached: true };
  const collected = await collect();
  warn(await keepStatistics(cache, key, collected));

  return { ...collected, cached: false };
}
