import {
  outputFiles,
  type Problem,
  type QuantizationReport,
  QuantsmithError,
  type Settings,
  sweepFront,
} from '@quantsmith/schemas';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CheckedConfig } from '../check/check.js';
import type { ConfigFinding } from '../check/invalidity.js';
import { finishedRun } from '../check/changed.js';
import { halve, type DroppedRun, type SweepStage } from './halving.js';
import type { RequestOptions } from './request.js';
import { planSweep, type PlannedRun } from './sweepPlan.js';

export type { DroppedRun, SweepStage } from './halving.js';

export interface SweepOptions {
  /** Settings that all runs have, by their paths, over what the configs say. */
  readonly set?: Settings;
  /** Run again what an earlier sweep has finished (default false). */
  readonly fresh?: boolean;
  /** Replace outputs that Quantsmith did not write (default false). */
  readonly force?: boolean;
  /** Seconds for all runs together; left out: what the matrices say, null: no limit. */
  readonly timeLimit?: number | null;
  readonly signal?: AbortSignal;
  /** Called once before anything runs where some of the runs cannot be made: what keeps them from it, a problem for each config. */
  readonly onRefused?: (refusals: readonly Problem[]) => void;
  /** Called once before anything runs where checks found what keeps no run from being made, such as settings without effect. */
  readonly onRemarks?: (findings: readonly ConfigFinding[]) => void;
  /** Called before each run that can be made, and with `point` after it. */
  readonly onRun?: (run: SweepRun) => void;
  /** Called after each stage on few samples. */
  readonly onStage?: (stage: SweepStage) => void;
}

/**
 * Makes a model and its report. `samples`: on so many only, with the model where nobody needs it; null: on all. `all`: the runs of the
 * sweep, which share what they have in common.
 */
export type RunPlanned = (
  run: PlannedRun,
  samples: number | null,
  all: readonly PlannedRun[],
) => Promise<QuantizationReport>;

/** Where a run goes, and on what. */
type Places = Pick<RequestOptions, 'output' | 'configText' | 'samples' | 'following'>;

/** Runs by what makes a model of a checked config: whole ones at their places, trials in a folder that is removed. */
export function plannedRuns(
  make: (checked: CheckedConfig, places: Places) => Promise<QuantizationReport>,
): RunPlanned {
  return async ({ config, checked, output, configText }, samples, all) => {
    const following = all
      .filter((other) => other.config === config)
      .flatMap((other) => other.checked.config ?? []);
    if (samples === null)
      return make(checked, { output, following, ...(configText === null ? {} : { configText }) });
    const folder = await mkdtemp(join(tmpdir(), 'quantsmith-sweep-'));
    try {
      return await make(checked, { output: join(folder, 'trial.int8.onnx'), samples, following });
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  };
}

/** A run of a sweep, as far as it is. */
export interface SweepRun {
  /** From 0. */
  readonly index: number;
  readonly total: number;
  /** The config's path as it was given. */
  readonly config: string;
  /** What tells the run from others of its config; empty: nothing. */
  readonly name: string;
  /** The samples that it is tried on; null: all. */
  readonly samples: number | null;
  /** null: it begins, or is tried on few samples. */
  readonly point: SweepPoint | null;
}

/** What one combination of settings came to. */
export interface SweepPoint {
  readonly config: string;
  readonly name: string;
  readonly settings: Settings;
  /** Absolute paths of the quantized model and its report. */
  readonly output: string;
  readonly reportPath: string;
  /** null: it failed, or was dropped. */
  readonly report: QuantizationReport | null;
  /** Whether an earlier sweep had finished it. */
  readonly kept: boolean;
  /** Why it failed. */
  readonly problem: Problem | null;
  /** What it came to on few samples where there was no time to run it on all; null: it was run. */
  readonly dropped: DroppedRun | null;
  /** Whether no other point is better in accuracy, latency or size without being worse in another. */
  readonly onFront: boolean;
}

export interface Sweep {
  /** In the order of the configs and their matrices. */
  readonly points: readonly SweepPoint[];
  /** What was computed; what runs share is computed once. */
  readonly work: {
    readonly runs: number;
    readonly kept: number;
    readonly calibrations: number;
    readonly float_validations: number;
  };
  /** What was tried on few samples, because the time was not enough for all combinations. */
  readonly stages: readonly SweepStage[];
  /** Seconds that there were; null: no limit. */
  readonly timeLimit: number | null;
  readonly seconds: number;
}

/**
 * Runs every combination of settings that the matrices of configs name, one after the other; calibration statistics and the
 * float model's result are shared by content. What an earlier sweep has finished is kept. All configs are checked before
 * anything is computed: a run that cannot be made, or fails later, is a point with a problem; where none can be made, rejects with a
 * `QuantsmithError` (`config-invalid`, `usage-invalid`). Where the time limit is too short for all, those that do best on few samples are run. Rejects with the
 * signal's reason when aborted; what is finished stays for the next sweep.
 */
export async function runSweep(
  configs: readonly string[],
  run: RunPlanned,
  options: SweepOptions = {},
): Promise<Sweep> {
  const begun = performance.now();
  const plan = await planSweep(configs, options.set ?? {}, options.force);
  if (plan.refusals.length > 0) options.onRefused?.(plan.refusals);
  if (plan.remarks.length > 0) options.onRemarks?.(plan.remarks);
  const runs = plan.runs.filter(({ problem }) => problem === null);
  const timeLimit = options.timeLimit === undefined ? plan.timeLimit : options.timeLimit;
  const deadline = timeLimit === null ? Infinity : begun + 1000 * timeLimit;
  const points = new Map<PlannedRun, SweepPoint>();

  const complete = async (planned: PlannedRun) => {
    options.signal?.throwIfAborted();
    const subject = subjectOf(planned, runs, null);
    options.onRun?.({ ...subject, point: null });
    const point = await runOne(planned, runs, run, options);
    points.set(planned, point);
    options.onRun?.({ ...subject, point });

    return point.report;
  };

  const tryOn = async (planned: PlannedRun, samples: number) => {
    options.signal?.throwIfAborted();
    options.onRun?.({ ...subjectOf(planned, runs, samples), point: null });
    return run(planned, samples, runs).catch((error: unknown) => failure(error, options));
  };

  const { dropped, stages } = await halve(runs, deadline, {
    complete,
    tryOn,
    isFinished: async ({ checked }) => options.fresh !== true && (await finishedRun(checked)) !== null,
    ...(options.onStage === undefined ? {} : { onStage: options.onStage }),
  });
  for (const [planned, few] of dropped) points.set(planned, { ...withoutResult(planned), dropped: few });
  const inOrder = plan.runs.map((planned) => points.get(planned) ?? withoutResult(planned));

  return {
    ...summarized(inOrder, points.size),
    stages,
    timeLimit,
    seconds: (performance.now() - begun) / 1000,
  };
}

const subjectOf = (planned: PlannedRun, all: readonly PlannedRun[], samples: number | null) => ({
  ...{ index: all.indexOf(planned), total: all.length, samples },
  ...{ config: planned.config, name: planned.variant.name },
});

const withoutResult = ({ config, variant: { name, settings }, output, problem }: PlannedRun): SweepPoint => ({
  ...{ config, name, settings, output, reportPath: outputFiles(output).report },
  ...{ report: null, kept: false, problem, dropped: null, onFront: false },
});

async function runOne(
  planned: PlannedRun,
  all: readonly PlannedRun[],
  run: RunPlanned,
  options: SweepOptions,
): Promise<SweepPoint> {
  const point = withoutResult(planned);
  const finished = options.fresh === true ? null : await finishedRun(planned.checked);
  if (finished !== null) return { ...point, report: finished, kept: true };
  const made = await run(planned, null, all).catch((error: unknown) => failure(error, options));

  return 'code' in made ? { ...point, problem: made } : { ...point, report: made };
}

/** What a run failed of; throws what ends the sweep. */
function failure(error: unknown, { signal }: SweepOptions): Problem {
  if (signal?.aborted === true || !(error instanceof QuantsmithError)) throw error;
  return error.problem;
}

/** `begun`: how many of the points were not refused. */
function summarized(points: readonly SweepPoint[], begun: number): Pick<Sweep, 'points' | 'work'> {
  const front = sweepFront(points.map(({ report }) => report));
  const run = points.filter(({ kept, dropped }) => !kept && dropped === null);
  const refused = points.length - begun;
  const made = run.flatMap(({ report }) => (report === null ? [] : [report]));

  return {
    points: points.map((point, index) => ({ ...point, onFront: front[index] === true })),
    work: {
      runs: run.length - refused,
      kept: points.filter(({ kept }) => kept).length,
      calibrations: made.filter(({ data }) => data?.calibration.cached !== true).length,
      float_validations: made.filter(({ data }) => data?.validation?.cached === false).length,
    },
  };
}
