import {
  type DebugReport,
  type DebugRequest,
  type EngineEvent,
  type OverflowSummary,
  type QuantizationChange,
  type QuantizationReport,
  QuantsmithError,
  type RunRequest,
  runPaths,
  type SensitivityReport,
} from '@quantsmith/schemas';
import { measureFinished } from './measure/finished.js';
import type { Output } from './output/output.js';
import { targetSaturates } from './overflow/isa.js';
import { plan, type Plan } from './plan/plan.js';
import type { Clock } from './progress/clock.js';
import { buildModel } from './quantize/quantization.js';
import { leaveRefusedInFloat } from './quantize/refused.js';
import type { Journal } from './restore/journal.js';
import { restoreAccuracy, type RestoreOutcome } from './restore/restore.js';
import type { RestoreContext } from './restore/context.js';
import { NO_JOURNAL, openRunJournal } from './restore/runJournal.js';
import { measureSensitivity } from './restore/sensitivity.js';
import { checkQuantization, verifyFinished, type CheckedQuantization } from './run/check.js';
import {
  makeQuantization,
  quantizationInputs,
  type MadeQuantization,
  type QuantizationInputs,
} from './run/make.js';
import { debugConfig } from './run/debug.js';
import { explainLosses } from './run/explain.js';
import { claim, openRun, withWorkers, type OpenedRun } from './run/open.js';
import { optimize } from './run/optimize.js';
import { publishRun } from './run/publish.js';
import { settleConfig, type SettledConfig } from './run/settle.js';
import type { SharedRuns } from './run/shared.js';
import { collectOnce } from './run/collectOnce.js';
import { oneWorker, openWorkers, type Workers } from './runtime/workers.js';
import { addSettings, compareFixes } from './saturation/settings.js';
import { knownBaseline } from './validation/baselineCache.js';
import { lossOf } from './validation/loss.js';
import { unmeasured } from './validation/plausibility.js';
import { trustProblems } from './validation/trust.js';
import { baselineProblems } from './validation/validation.js';
import { isEndOfShare, noValidation, shareComplete } from './work/missing.js';
import type { Channel } from './work/open.js';

/**
 * One run from config to files, stage by stage. Problems that do not stop the run become events and stand in the report's
 * warnings; the others are thrown as `QuantsmithError`, and nothing is written. `finish` ends restoration with the best state found so far.
 * `shared`: what earlier runs of this process have made; null: this is the only one.
 */
export function runPipeline(
  request: RunRequest,
  emit: (event: EngineEvent) => void,
  finish?: AbortSignal,
  listen?: Channel['listen'],
  shared: SharedRuns | null = null,
): Promise<{ report: QuantizationReport; reportPath: string }> {
  const measures = plan(request.config).validation !== null;
  const into = async (workers: Workers) => {
    const paths = runPaths(request);
    const output = await claim(request, paths);
    try {
      const hearing = listen === undefined ? {} : { listen };
      const opened = await openRun(request, emit, workers, { output, shared, ...hearing });
      if (shared !== null) await collectOnce(request, opened, shared);
      return { report: await quantizeInto(output, request, opened, finish), reportPath: paths.report };
    } finally {
      await output.release();
    }
  };

  return withWorkers(request, measures ? openWorkers : oneWorker, into, shared);
}

/** Chooses what the config leaves open, quantizes, checks, restores, measures, and publishes. */
async function quantizeInto(
  output: Output,
  request: RunRequest,
  opened: OpenedRun,
  finish: AbortSignal | undefined,
): Promise<QuantizationReport> {
  const inputs = quantizationInputs(opened);
  const settled = await settleConfig(request.config, inputs);
  const planned = plan(settled.config);
  const first = await makeQuantization(inputs, planned, stagesAfter(settled, opened.clock));
  const checked = await checkQuantization(first, planned, opened);

  const journal = await openJournal(request, planned, opened);
  const start = { inputs, settled, planned, checked, opened, journal, finish };
  const { restored, ...found } = await bestOf(start, request.config);
  const { quantization } = restored.made;
  const { reverted } = restored;
  const final = buildModel(quantization, reverted);

  const unchanged = restored.made === checked.made && reverted.size === 0;
  const loss = lossOf(opened.validation, restored.measured);
  const findings = await verifyFinished({ quantization, final, reverted, unchanged, loss }, checked, opened);
  const finished = await measure(final, restored, checked, found.planned, opened);
  await explainLosses(
    { restored, final, finished, verification: findings.verification },
    quantizerWith({ inputs, settled: found.settled, checked }),
    checked.samples,
    opened,
  );
  const report = await publishRun(output, request, opened, {
    ...{ ...found, restored, final, finished },
    ...findings,
  });

  // A run that ends here is not gone on with.
  journal.close();

  return report;
}

/** A run up to where accuracy is measured. */
interface StartedRun {
  readonly inputs: QuantizationInputs;
  readonly settled: SettledConfig;
  readonly planned: Plan;
  readonly checked: CheckedQuantization;
  readonly opened: OpenedRun;
  readonly journal: Journal;
  readonly finish: AbortSignal | undefined;
}

/** What restoration gives, or the search for an objective that goes on from there. */
async function bestOf(
  run: StartedRun,
  stated: RunRequest['config'],
): Promise<{
  readonly restored: RestoreOutcome<MadeQuantization>;
  readonly settled: SettledConfig;
  readonly planned: Plan;
  readonly objective: QuantizationReport['objective'];
}> {
  const { inputs, settled, planned, checked, opened } = run;
  const { objective } = planned;
  const deadline = performance.now() + 1000 * (objective?.timeLimit ?? Infinity);
  const restored = await restore(checked, run, objective?.timeLimit ?? null);
  const quantize = quantizerWith({ inputs, settled, checked });
  const context = restoreContext(checked, run);
  const optimized =
    objective === null
      ? null
      : await optimize(restored, objective, { stated, settled, inputs, opened, context, deadline, quantize });
  if (optimized === null) return { restored, settled, planned, objective: null };

  return { ...optimized, objective: optimized.report };
}

/** Calibration has been told of as a stage already where it served the choices. */
function stagesAfter({ choices }: SettledConfig, clock: Clock): Clock['stage'] {
  return (name, total) => {
    if (name !== 'calibrate' || choices.length === 0) clock.stage(name, total);
  };
}

function openJournal(request: RunRequest, planned: Plan, opened: OpenedRun): Promise<Journal> {
  const { paths, loaded, statistics, validation, workers, warn } = opened;
  return openRunJournal(request, {
    ...{ paths, loaded, validation, warn },
    restores: planned.restoration !== null,
    settings: planned.identity,
    calibration: statistics.source,
    threads: workers.threads,
  });
}

/** Quantizes with other settings, with the same operators left in float. */
function quantizerWith(run: {
  readonly inputs: QuantizationInputs;
  readonly settled: SettledConfig;
  readonly checked: CheckedQuantization;
}): (change: QuantizationChange) => Promise<MadeQuantization> {
  return async (change) => {
    const changed = plan(run.settled.config, change);
    return run.checked.fit(await makeQuantization(run.inputs, changed, () => undefined));
  };
}

/** Measures accuracy, and restores it where the config asks for that; warns of a float model that cannot be trusted. */
async function restore(
  checked: CheckedQuantization,
  run: StartedRun,
  secondsLeft: number | null,
): Promise<RestoreOutcome<MadeQuantization>> {
  const { workers, float, validation, warn, once } = run.opened;
  const { restoration } = run.planned;
  const timeLimit = smaller(restoration?.timeLimit ?? null, secondsLeft);
  const restored = await restoreAccuracy(
    checked.made,
    validation,
    restoration && { ...restoration, timeLimit },
    quantizerWith({ ...run, checked }),
    restoreContext(checked, run),
  );

  const baseline = restored.measured?.baseline;
  if (validation === null || baseline === undefined) {
    warn([unmeasured()]);
    return restored;
  }

  run.opened.clock.stage('verify', null);
  warn(baselineProblems(validation, baseline));
  warn(await once(['trust'], () => trustProblems(validation, baseline, float, workers)));

  return restored;
}

/** The smaller of two limits; null: no limit. */
const smaller = (a: number | null, b: number | null) =>
  a === null || b === null ? (a ?? b) : Math.min(a, b);

function restoreContext(
  checked: CheckedQuantization,
  { opened, journal, finish, planned }: Pick<StartedRun, 'opened' | 'journal' | 'finish' | 'planned'>,
): RestoreContext {
  const { workers, clock, loaded, cpu, validation, warn, statistics, shared } = opened;
  const { prepared } = checked.made.quantization;
  return {
    ...{ workers, clock, journal, finish },
    baselineOf: (measureFloat) =>
      validation === null
        ? measureFloat()
        : knownBaseline(
            { loaded, prepared, validation, threads: workers.threads, isa: cpu.isa },
            { cache: statistics.cache, shared, warn },
            measureFloat,
          ),
    calibrationSamples: statistics.samples,
    saturates: targetSaturates(planned.overflow.target, cpu),
  };
}

function measure(
  final: Parameters<typeof measureFinished>[0]['final'],
  { made: { quantization }, reverted, measured }: RestoreOutcome<MadeQuantization>,
  { samples }: CheckedQuantization,
  { overflow: { target } }: Plan,
  { cpu, statistics, validation, workers, clock, alone, once }: OpenedRun,
) {
  const saturates = targetSaturates(target, cpu);
  return measureFinished(
    {
      ...{ quantization, final, reverted, samples, validation, measured, target, saturates },
      calibration: statistics,
    },
    { workers, clock, alone, once },
  );
}

/**
 * Computes one of several shares of what a run measures, into the store that they have in common, as far as it can without results
 * of the others; how far that was is told as a problem.
 */
export function sharePipeline(request: RunRequest, emit: (event: EngineEvent) => void): Promise<void> {
  return withWorkers(request, openWorkers, async (workers) => {
    const opened = await openRun(request, emit, workers);
    const { validation } = opened;
    if (validation === null) noValidation();
    const inputs = quantizationInputs(opened);
    const settled = await settleConfig(request.config, inputs);
    const planned = plan(settled.config);
    const first = await makeQuantization(inputs, planned, stagesAfter(settled, opened.clock));
    const checked = await checkQuantization(first, planned, opened);
    const quantize = quantizerWith({ inputs, settled, checked });
    const context = restoreContext(checked, { opened, journal: NO_JOURNAL, finish: undefined, planned });
    await restoreAccuracy(checked.made, validation, planned.restoration, quantize, context).then(
      () => opened.warn([shareComplete(request.work)]),
      (error: unknown) => {
        if (!(error instanceof QuantsmithError) || !isEndOfShare(error.problem)) throw error;
        opened.warn([error.problem]);
      },
    );
  });
}

/** Per-layer errors and what each layer costs alone, without writing a model. */
export function sensitivityPipeline(
  request: RunRequest,
  emit: (event: EngineEvent) => void,
  listen?: Channel['listen'],
): Promise<SensitivityReport> {
  return withWorkers(request, openWorkers, async (workers) => {
    const opened = await openRun(request, emit, workers, listen === undefined ? {} : { listen });
    const { clock, validation, statistics } = opened;
    const inputs = quantizationInputs(opened);
    const { config } = await settleConfig(request.config, inputs);
    const made = await makeQuantization(inputs, plan(config), clock.stage);
    const { feeds } = await statistics.source.get(0);
    const { quantization } = await leaveRefusedInFloat(made.quantization, feeds);

    return measureSensitivity(quantization, validation, statistics, { workers, clock });
  });
}

/** Every layer beside the float model, without writing a model; quantized as the last run of the config was. */
export function debugPipeline(
  request: DebugRequest,
  emit: (event: EngineEvent) => void,
): Promise<DebugReport> {
  return withWorkers({ ...request, kind: 'run' }, oneWorker, (workers) =>
    debugConfig(request, emit, workers),
  );
}

/** What each overflow fix gives, without writing a model; the settings also go into the report of the same config. */
export function overflowPipeline(
  request: RunRequest,
  emit: (event: EngineEvent) => void,
): Promise<OverflowSummary> {
  return withWorkers(request, openWorkers, async (workers) => {
    const opened = await openRun(request, emit, workers);
    const { clock, planned, cpu, paths, float, validation, statistics } = opened;
    const inputs = quantizationInputs(opened);
    const { config } = await settleConfig(request.config, inputs);
    const summary = await compareFixes(
      (change) => makeQuantization(inputs, plan(config, change), clock.stage),
      { overflow: planned.overflow, float, validation, statistics, host: cpu, workers, clock },
    );

    await addSettings(paths, request.configSha256, summary.settings);

    return summary;
  });
}
