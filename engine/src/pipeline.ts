import { createHash } from 'node:crypto';
import { makeRoomForBiases } from './corrections/roomForBias.js';
import { inFloat, leaveRefusedInFloat } from './quantize/refused.js';
import {
  type EngineEvent,
  type OverflowSummary,
  type Problem,
  type QuantizationChange,
  type QuantizationConfig,
  type QuantizationReport,
  type RunRequest,
  configuredInputs,
  fail,
  portablePath,
  runPaths,
  withChange,
  resolvedConfigText,
} from '@quantsmith/schemas';
import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import {
  alignModel,
  calibrate,
  defaultCache,
  smoothModel,
  type Calibration,
} from './calibration/calibration.js';
import { chooseSettings, type Choice } from './choose/choose.js';
import { accurateBiasCorrection, accurateSamples } from './corrections/accurateBias.js';
import { fastBiasCorrection, type CorrectionRecord } from './corrections/fastBias.js';
import { firstIndices, openData, readAhead } from './data/source.js';
import { alikeProblems } from './data/alike.js';
import type { Sample, SampleSource } from './data/types.js';
import { prepareModel, type PreparedModel } from './prepare/prepare.js';
import { inputSignatures } from './prepare/types.js';
import { changedFiles, type LoadedModel, modelSha256, readModel } from '@quantsmith/model/onnx';
import { autoProblems, fixOverflow } from './saturation/auto.js';
import { addSettings, compareFixes } from './saturation/settings.js';
import { keepRun } from './output/history.js';
import { claimOutput, type Output } from './output/output.js';
import { plan, type Plan } from './plan/plan.js';
import { placeModel } from './placement/placeModel.js';
import type { Placement } from './placement/types.js';
import {
  activationParameters,
  buildModel,
  weightCodes,
  writtenPlacement,
  type Quantization,
} from './quantize/quantization.js';
import { latencyProblems } from './measure/findings.js';
import { measureFinished } from './measure/finished.js';
import { targetSaturates } from './overflow/isa.js';
import { cpuFeatures, type CpuFeatures } from './runtime/cpu.js';
import { runtimeVersion } from './runtime/session.js';
import { buildReport } from './report/build.js';
import { startClock, type Clock } from './progress/clock.js';
import { restoreAccuracy } from './restore/restore.js';
import { openRunJournal } from './restore/runJournal.js';
import { measureSensitivity } from './restore/sensitivity.js';
import type { SensitivityReport } from '@quantsmith/schemas';
import { oneWorker, openWorkers, type Workers } from './runtime/workers.js';
import { defaultThreads } from './runtime/threads.js';
import type { Collected } from './statistics/collect.js';
import { createPool } from './statistics/pool.js';
import { unfitProblems, verificationProblems } from './verify/findings.js';
import { builtWhole, checkSamples, unfitOperators, verifyModel, withoutUnfit } from './verify/verify.js';
import { classesOf, plausibilityProblems, unmeasured } from './validation/plausibility.js';
import { baselineProblems, openValidation, type Validation } from './validation/validation.js';

/**
 * One run from config to files, stage by stage; the only place that knows them all. Problems that do not stop the run
 * become events and stand in the report's warnings; the others are thrown as `QuantsmithError`, and nothing is written.
 */
export function runPipeline(
  request: RunRequest,
  emit: (event: EngineEvent) => void,
): Promise<{ report: QuantizationReport; reportPath: string }> {
  const measures = plan(request.config).validation !== null;
  return withWorkers(request, measures ? openWorkers : oneWorker, async (workers) =>
    quantizeAndReport(request, await openRun(request, emit, workers)),
  );
}

async function quantizeAndReport(
  request: RunRequest,
  opened: OpenedRun,
): Promise<{ report: QuantizationReport; reportPath: string }> {
  const output = await claim(request, opened);
  try {
    return await quantizeInto(output, request, opened);
  } finally {
    await output.release();
  }
}

async function quantizeInto(
  output: Output,
  request: RunRequest,
  opened: OpenedRun,
): Promise<{ report: QuantizationReport; reportPath: string }> {
  const { clock, cpu, paths, workers, warnings, warn, loaded, float, validation, statistics } = opened;
  const { threads } = workers;
  const inputs = quantizationInputs(opened);
  const { config, choices, pinned } = await settleConfig(request.config, inputs);
  const planned = plan(config);
  // Calibration has been told of as a stage already where it served the choices.
  const stage: Clock['stage'] = (name, total) => {
    if (name !== 'calibrate' || choices.length === 0) clock.stage(name, total);
  };

  const first = await makeQuantization(inputs, planned, stage);
  const runnable = await leaveRefusedInFloat(first.quantization, (await statistics.source.get(0)).feeds);
  const whole = { ...first, quantization: runnable.quantization };
  warn([...first.problems, ...runnable.problems, ...autoProblems(planned.overflow, cpu)]);

  clock.stage('verify', null);
  const samples = checkSamples(statistics, validation);
  warn(await alikeProblems(statistics.source, 'calibration', statistics.samples));
  if (validation !== null && samples.source === validation.source)
    warn(await alikeProblems(validation.source, 'validation'));
  // Where sums saturate, overflow_fix has the word: what a config states of it is not changed.
  const hostSaturates = targetSaturates('host', cpu);
  const unfitAtFirst = await unfitOperators(
    whole.quantization,
    builtWhole(whole.quantization),
    samples,
    threads,
  );

  const kept = hostSaturates ? [] : unfitAtFirst;
  warn(unfitProblems(kept));
  const fit = (made: MadeQuantization) => ({ ...made, quantization: withoutUnfit(made.quantization, kept) });
  const made = fit(whole);
  const journal = await openRunJournal(request, {
    restores: planned.restoration !== null,
    settings: planned.identity,
    paths,
    loaded,
    calibration: statistics.source,
    validation,
    threads,
    warn,
  });
  const remake = async (change: QuantizationChange) => {
    const again = await makeQuantization(inputs, plan(config, change), () => undefined);
    return fit({ ...again, quantization: inFloat(again.quantization, runnable.float) });
  };
  const restored = await restoreAccuracy(made, validation, planned.restoration, remake, {
    workers,
    clock,
    journal,
  });

  const { measured } = restored;
  if (validation !== null && measured !== null) {
    warn(baselineProblems(validation, measured.baseline));
    warn(plausibilityProblems(validation, measured.baseline, classesOf(float.model)));
  } else warn([unmeasured()]);

  const { quantization, records, cached } = restored.made;
  const { reverted } = restored;
  const final = buildModel(quantization, reverted);
  clock.stage('verify', null);
  const isUnchanged = restored.made === made && reverted.size === 0 && kept.length === 0;
  const unfit = isUnchanged ? unfitAtFirst : await unfitOperators(quantization, final, samples, threads);
  const verification = await verifyModel(quantization, final, samples, unfit, {
    threads,
    onSample: (done, total) => clock.progress(done, 'outputs', total),
  });

  warn(verificationProblems(verification, hostSaturates));

  clock.stage('measure', null);
  const { fix, target } = planned.overflow;
  const saturates = targetSaturates(target, cpu);
  const finished = await measureFinished(
    {
      quantization,
      final,
      reverted,
      samples,
      calibration: statistics,
      validation,
      measured,
      target,
      saturates,
    },
    { workers, clock },
  );

  warn(latencyProblems(finished.latency));
  const data = await dataReport(statistics, cached, validation);
  const modelHash = await modelSha256(loaded);

  warn(await modelChanges(loaded));

  clock.stage('write', null);
  const written = await output.stageModel(final, {
    sourceDir: float.dir,
    externalData: planned.output.externalData,
  });
  const report = buildReport({
    created: new Date(),
    config: {
      path: portablePath(dirname(paths.report), resolve(request.configPath)),
      sha256: request.configSha256,
      resolvedSha256: createHash('sha256').update(resolvedConfigText(request.config)).digest('hex'),
    },
    model: { path: portablePath(paths.baseDir, loaded.path), sha256: modelHash, bytes: loaded.fileBytes },
    output: {
      path: portablePath(paths.baseDir, paths.output),
      sha256: written.sha256,
      bytes: written.bytes,
    },
    data,
    runtime: {
      name: 'onnxruntime',
      version: runtimeVersion(),
      cpu: { model: cpu.model, isa: [...cpu.isa] },
      threads,
    },
    quantization,
    corrections: records,
    overflowFix: fix,
    choices,
    pinned,
    validation,
    restored,
    finished,
    verification,
    timings: clock.timings(),
    peakRssBytes: process.resourceUsage().maxRSS * 1024,
    warnings,
  });

  const reportText = `${JSON.stringify(report, null, 2)}\n`;
  await output.publish(reportText, written);
  journal.close();
  if (request.config.history !== false) {
    const kept = await keepRun({
      paths,
      configPath: request.configPath,
      report,
      configText: opened.configText,
    });

    warn(kept === null ? [] : [kept]);
  }

  return { report, reportPath: paths.report };
}

async function dataReport(
  { source, samples }: Calibration,
  cached: boolean,
  validation: Validation | null,
): Promise<QuantizationReport['data']> {
  const calibration = { samples, sha256: await source.fingerprint(), cached };
  if (validation === null) return { calibration, validation: null };
  const { count } = validation.source;
  return { calibration, validation: { samples: count, sha256: await validation.source.fingerprint() } };
}

/** Per-layer errors and what each layer costs alone, without writing a model. */
export function sensitivityPipeline(
  request: RunRequest,
  emit: (event: EngineEvent) => void,
): Promise<SensitivityReport> {
  return withWorkers(request, openWorkers, async (workers) => {
    const opened = await openRun(request, emit, workers);
    const { clock, validation, statistics } = opened;
    const inputs = quantizationInputs(opened);
    const { config } = await settleConfig(request.config, inputs);
    const made = await makeQuantization(inputs, plan(config), clock.stage);
    const { feeds } = await statistics.source.get(0);
    const { quantization } = await leaveRefusedInFloat(made.quantization, feeds);

    return measureSensitivity(quantization, validation, statistics, { workers, clock });
  });
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

/**
 * Opens workers with the threads that the config asks for, and closes them whatever happens. Calibration alone has one session:
 * several would be little faster on an idle machine, and take more memory.
 */
async function withWorkers<T>(
  request: RunRequest,
  open: (threads: number) => Workers,
  body: (workers: Workers) => Promise<T>,
): Promise<T> {
  const workers = open(plan(request.config).threads ?? defaultThreads());
  try {
    return await body(workers);
  } finally {
    await workers.close();
  }
}

type OpenedRun = Awaited<ReturnType<typeof openRun>>;

/** Everything that is there before anything is quantized: model, data and metric, checked. */
async function openRun(request: RunRequest, emit: (event: EngineEvent) => void, workers: Workers) {
  const clock = startClock(emit);
  const planned = plan(request.config);
  const cpu = await cpuFeatures();
  const paths = runPaths(request);
  const warnings: Problem[] = [];
  const warn = (problems: readonly Problem[]) => {
    for (const problem of problems) emit({ type: 'problem', problem });
    warnings.push(...problems);
  };

  // As it is when the run begins: the history keeps it.
  const configText = await readFile(request.configPath, 'utf8').catch(() => JSON.stringify(request.config));
  clock.stage('load', null);
  const loaded = await readModel(paths.model);
  workers.warm(loaded.model);
  clock.stage('prepare', null);
  const float = await prepareModel(loaded);
  warn(float.problems);
  const inputs = inputSignatures(float.model);
  const context = { inputs, baseDir: paths.baseDir, allowModules: request.allowModules };
  const source = await openData(planned.samples.section, {
    ...context,
    configPath: ['data', 'calibration'],
    limit: planned.samples.limit,
  });

  const validation = await openValidation(planned.validation, context);
  warn(validation?.problems ?? []);
  const statistics: Calibration = {
    loaded,
    source,
    samples: Math.min(source.count, planned.samples.limit),
    workers,
    cache: request.cache === false ? null : defaultCache(),
    pool: createPool(),
    onSample: (done) => clock.progress(done),
    warn,
  };

  return {
    clock,
    planned,
    configText,
    cpu,
    paths,
    workers,
    warnings,
    warn,
    loaded,
    float,
    validation,
    statistics,
  };
}

/**
 * What is to be said of a model that changed while it was being quantized: the run goes on with what it has read. External
 * data are read when they are needed, so that old and new may be mixed: throws `model-changed`.
 */
async function modelChanges(loaded: LoadedModel): Promise<Problem[]> {
  const [changed] = await changedFiles(loaded);
  if (changed === undefined) return [];
  const during = `${changed} has changed since the run began`;
  if (changed !== loaded.path) fail('model-changed', `${during}: run again.`, { file: changed });

  return [
    {
      code: 'model-changed',
      severity: 'warning',
      message: `${during}: the output and the hash in the report are those of the model as it was then.`,
      file: changed,
      configPath: ['model'],
    },
  ];
}

/** Ends the run before it computes anything when its result has no place to go. Throws `output-unusable`, `output-busy`. */
function claim(request: RunRequest, { paths, loaded }: OpenedRun): Promise<Output> {
  return claimOutput(paths, {
    inputs: [...configuredInputs(request.config, resolve(request.configPath)), ...loaded.externalFiles],
    force: request.force === true,
    ...(request.output === undefined ? { configPath: ['output'] } : {}),
  });
}

interface QuantizationInputs {
  readonly float: PreparedModel;
  readonly statistics: Calibration;
  readonly workers: Workers;
  readonly clock: Clock;
  readonly cpu: CpuFeatures;
  /** Rewritten float models by what has rewritten them. */
  readonly rewritten: Map<string, Promise<PreparedModel>>;
}

function quantizationInputs({ float, statistics, workers, clock, cpu }: OpenedRun): QuantizationInputs {
  return { float, statistics, workers, clock, cpu, rewritten: new Map() };
}

/** The config with what it leaves open chosen by measurement. */
async function settleConfig(
  config: QuantizationConfig,
  inputs: QuantizationInputs,
): Promise<{ config: QuantizationConfig; choices: readonly Choice[]; pinned: QuantizationChange }> {
  const { float, statistics, workers, clock } = inputs;
  const withSamples = (samples: number) => ({
    ...inputs,
    statistics: { ...statistics, samples, onSample: () => undefined },
  });
  const { change, choices } = await chooseSettings({
    config,
    float,
    calibration: statistics,
    workers,
    stage: clock.stage,
    rewrite: (planned) => rewrite(inputs, planned),
    make: (planned, samples) => makeQuantization(withSamples(samples), planned, () => undefined),
  });

  const pinned: QuantizationChange = choices.length === 0 ? {} : { defaults: 'nncf', ...change };

  return { config: withChange(config, change), choices, pinned };
}

/** The float model as it is quantized: smoothed and aligned where the plan asks for it. */
function rewrite(
  { float, statistics, rewritten }: QuantizationInputs,
  { smoothing, alignment }: Plan,
): Promise<PreparedModel> {
  const key = JSON.stringify([smoothing, alignment, statistics.samples]);
  const found =
    rewritten.get(key) ??
    smoothModel(float, statistics, smoothing).then((smoothed) => alignModel(smoothed, statistics, alignment));

  rewritten.set(key, found);
  return found;
}

/** A quantization with what the report tells of how it was made. */
interface MadeQuantization {
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
  const { statistics, workers, clock, cpu } = inputs;
  stage('calibrate', statistics.samples);
  const prepared = await rewrite(inputs, planned);
  const { placement, problems } = placeModel(prepared, planned.placement);
  const collected = await calibrate(prepared, placement, statistics, planned.calibration);

  stage('quantize', null);
  const { quantization: full, problems: biasProblems } = makeRoomForBiases(
    quantize(prepared, placement, collected, planned),
  );
  const correctBiases = (fixed: Quantization) => {
    stage('correct', null);
    return correct(fixed, collected, statistics.source, planned.correction, { workers, clock });
  };

  const corrected = await fixOverflow(full, correctBiases, statistics, planned, cpu);

  return { ...corrected, cached: collected.cached, problems: [...problems, ...biasProblems] };
}

function quantize(
  prepared: PreparedModel,
  placement: Placement,
  collected: Collected,
  { calibration: { runtime, quantizers }, weights }: Plan,
): Quantization {
  const { activations } = writtenPlacement(prepared.graph, placement, runtime, quantizers);
  return {
    prepared,
    placement,
    runtime,
    activationConfig: quantizers,
    activations: activationParameters(activations, collected.ranges),
    weights: weightCodes(prepared, placement, weights),
    biases: [],
  };
}

/** Corrects biases, fast or accurately, or not at all. */
async function correct(
  quantization: Quantization,
  collected: Collected,
  source: SampleSource,
  correction: Plan['correction'],
  { workers, clock }: { workers: Workers; clock: Clock },
): Promise<{ quantization: Quantization; records: readonly CorrectionRecord[] }> {
  if (correction === null) return { quantization, records: [] };
  if (correction.kind === 'fast') {
    const { threshold, scope } = correction;
    const options = { threshold, ...scope };
    const { biases, records } = fastBiasCorrection(quantization, collected.channelMeans, options);
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
