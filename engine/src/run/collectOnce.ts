import type { RunRequest } from '@quantsmith/schemas';
import { collectForAll, neededTogether, type Calibration, type Needed } from '../calibration/calibration.js';
import { neededOfFloat } from '../choose/choose.js';
import { plan } from '../plan/plan.js';
import { createPool } from '../statistics/pool.js';
import type { OpenedRun } from './open.js';
import type { SharedRuns } from './shared.js';

/**
 * Collects, in one pass over the samples, what this run and those that follow it need of the float model, and puts this run's part
 * into its pool. Each run gets what it would have collected alone: passes are shared by those only that look at the same tensors,
 * since looking at a tensor may keep the runtime from fusing the operators around it.
 */
export async function collectOnce(
  request: RunRequest,
  { float, statistics, cpu, clock, planned, same }: OpenedRun,
  { once }: SharedRuns,
): Promise<void> {
  if (statistics.cache === null) return;
  const needs = (config: RunRequest['config']) => neededOfFloat({ config, float, isa: cpu.isa });
  const wanted = await needs(request.config);
  if (wanted === null) return;
  clock.stage('calibrate', statistics.samples);
  const tensors = tensorsOf(wanted);
  const key = [...same, 'statistics', planned.samples, statistics.workers.threads, wanted.inGraph, tensors];
  let isNew = false;
  const pool = await once(key, async () => {
    isNew = true;
    // What is wrong with another config is said when it is run.
    const others = await Promise.all(followingAlike(request).map((other) => needs(other).catch(() => null)));
    const alike = others.filter((other) => other !== null).filter((other) => tensorsOf(other) === tensors);
    const shared: Calibration = { ...statistics, pool: createPool() };
    await collectForAll(float, neededTogether([wanted, ...alike]), shared);

    return shared.pool;
  });

  const { plan: tensorPlans, means } = wanted;
  const collected = pool.find(float.model, tensorPlans, means, statistics.samples);
  if (collected === null) return;
  statistics.pool.add(float.model, tensorPlans, means, isNew ? collected : { ...collected, cached: true });
}

/** Configs that are calibrated on the same samples in the same way. */
function followingAlike({ config, following = [] }: RunRequest): RunRequest['config'][] {
  const calibratedBy = (other: RunRequest['config']) => {
    const { threads, samples, calibration } = plan(other);
    return JSON.stringify([other.model, threads, samples, calibration.inGraph]);
  };

  const current = calibratedBy(config);

  return following.filter((other) => calibratedBy(other) === current);
}

/** What is looked at, without how it is reduced. */
const tensorsOf = ({ plan: statistics, means, inGraph }: Needed): string =>
  JSON.stringify([
    inGraph,
    [...new Set([...statistics.map(({ tensor }) => tensor), ...means.map(({ tensor }) => tensor)])].sort(),
  ]);
