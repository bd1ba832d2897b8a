import {
  type EngineEvent,
  type OverflowSummary,
  type Problem,
  type QuantizationConfig,
  type QuantizationReport,
  type ResolvedConfig,
  type RunPaths,
  type RunRequest,
  fail,
  resolveConfig,
  runPaths,
} from '@quantsmith/schemas';
import { resolve } from 'node:path';
import {
  alignModel,
  calibrate,
  defaultCache,
  smoothModel,
  type Calibration,
} from './calibration/calibration.js';
import { ACCURATE_THRESHOLD, accurateBiasCorrection, accurateSamples } from './corrections/accurateBias.js';
import { correctionScope } from './corrections/candidates.js';
import { FAST_THRESHOLD, fastBiasCorrection, type CorrectionRecord } from './corrections/fastBias.js';
import { firstIndices, openData, readAhead } from './data/source.js';
import type { DataSection, Sample, SampleSource } from './data/types.js';
import { prepareModel, type PreparedModel } from './prepare/prepare.js';
import { inputSignatures } from './prepare/types.js';
import { fileSha256 } from '@quantsmith/model/files';
import { type LoadedModel, modelSha256, readModel, writeModel, writeText } from '@quantsmith/model/onnx';
import { autoProblems, fixOverflow } from './saturation/auto.js';
import { addSettings, compareFixes } from './saturation/settings.js';
import { outputObstacle } from './output/obstacle.js';
import { placeForConfig, quantizerConfig } from './placement/fromConfig.js';
import type { Placement } from './placement/types.js';
import {
  activationParameters,
  buildModel,
  weightCodes,
  writtenPlacement,
  type Quantization,
} from './quantize/quantization.js';
import { measureFinished } from './measure/finished.js';
import { targetSaturates, type TargetIsa } from './overflow/isa.js';
import { cpuFeatures, type CpuFeatures } from './runtime/cpu.js';
import { runtimeVersion } from './runtime/session.js';
import { buildReport } from './report/build.js';
import { startClock, type Clock } from './progress/clock.js';
import { restoreAccuracy } from './restore/restore.js';
import { openRunJournal } from './restore/runJournal.js';
import { measureSensitivity } from './restore/sensitivity.js';
import type { SensitivityReport } from '@quantsmith/schemas';
import { withSettings } from './restore/tune.js';
import { oneLane, openLanes, type Lanes } from './runtime/lanes.js';
import { defaultThreads } from './runtime/threads.js';
import type { Collected } from './statistics/collect.js';
import { openValidation, type Validation } from './validation/validation.js';

/**
 * One run from config to files, stage by stage; the only place that knows them all. Problems that do not stop the run
 * become events and stand in the report's warnings; the others are thrown as `QuantsmithError`, and nothing is written.
 */
export function runPipeline(
  request: RunRequest,
  emit: (event: EngineEvent) => void,
): Promise<{ report: QuantizationReport; reportPath: string }> {
  const { data, accuracy_control: control } = request.config;
  const measures = data.validation !== undefined || (control ?? null) !== null;
  return withLanes(request, measures ? openLanes : oneLane, async (lanes) =>
    quantizeAndReport(request, emit, await openRun(request, emit, lanes)),
  );
}

async function quantizeAndReport(
  request: RunRequest,
  emit: (event: EngineEvent) => void,
  opened: OpenedRun,
): Promise<{ report: QuantizationReport; reportPath: string }> {
  const { clock, config, cpu, paths, lanes, warnings, warn, loaded, float, validation, statistics } = opened;
  const { threads } = lanes;
  checkOutput(request, config, paths, loaded);
  const inputs = { float, statistics, lanes, clock, cpu };
  const made = await makeQuantization(inputs, config, clock.stage);
  warn([...made.problems, ...autoProblems(config, cpu)]);
  const journal = await openRunJournal(request, config, {
    paths,
    loaded,
    calibration: statistics.source,
    validation,
    threads,
    warn,
  });
  const remake = (change: QuantizationConfig['quantization'] & object) =>
    makeQuantization(inputs, resolveConfig(withSettings(request.config, change)), () => undefined);
  const restored = await restoreAccuracy(made, validation, config, remake, { lanes, clock, journal });

  clock.stage('measure', null);
  const { quantization, records, cached } = restored.made;
  const { reverted, measured } = restored;
  const final = buildModel(quantization, reverted);
  const advanced = config.quantization.advanced_parameters;
  const target = advanced.backend_params.target_isa as TargetIsa;
  const saturates = targetSaturates(target, cpu);
  const finished = await measureFinished(
    { quantization, final, reverted, calibration: statistics, validation, measured, target, saturates },
    { lanes, clock },
  );
  const data = await dataReport(statistics, cached, validation);
  const modelHash = await modelSha256(loaded);

  clock.stage('write', null);
  const written = await writeModel(final, paths.output, {
    sourceDir: float.dir,
    externalData: advanced.backend_params.external_data ?? 'auto',
    onTemporary: (path, exists) => emit({ type: 'temporary', path, exists }),
  });
  const report = buildReport({
    created: new Date(),
    config: { path: request.configPath, sha256: request.configSha256 },
    model: { path: loaded.path, sha256: modelHash, bytes: loaded.fileBytes },
    output: { path: paths.output, sha256: await fileSha256(paths.output), bytes: written },
    data,
    runtime: {
      name: 'onnxruntime',
      version: runtimeVersion(),
      cpu: { model: cpu.model, isa: [...cpu.isa] },
      threads,
    },
    quantization,
    corrections: records,
    overflowFix: advanced.overflow_fix,
    validation,
    restored,
    finished,
    timings: clock.timings(),
    peakRssBytes: process.resourceUsage().maxRSS * 1024,
    warnings,
  });
  await writeText(paths.report, `${JSON.stringify(report, null, 2)}\n`);
  journal.close();
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
  return withLanes(request, openLanes, async (lanes) => {
    const { clock, config, cpu, float, validation, statistics } = await openRun(request, emit, lanes);
    const made = await makeQuantization({ float, statistics, lanes, clock, cpu }, config, clock.stage);
    return measureSensitivity(made.quantization, validation, statistics, { lanes, clock });
  });
}

/** What each overflow fix gives, without writing a model; the settings also go into the report of the same config. */
export function overflowPipeline(
  request: RunRequest,
  emit: (event: EngineEvent) => void,
): Promise<OverflowSummary> {
  return withLanes(request, openLanes, async (lanes) => {
    const opened = await openRun(request, emit, lanes);
    const { clock, config, cpu, paths, float, validation, statistics } = opened;
    const summary = await compareFixes(
      (change) =>
        makeQuantization(
          { float, statistics, lanes, clock, cpu },
          resolveConfig(withSettings(request.config, change)),
          clock.stage,
        ),
      { config, float, validation, statistics, host: cpu, lanes, clock },
    );
    await addSettings(paths.report, request.configSha256, summary.settings);
    return summary;
  });
}

/**
 * Opens lanes with the threads that the config asks for, and closes them whatever happens. Calibration alone has one session:
 * several would be little faster on an idle machine, and take more memory.
 */
async function withLanes<T>(
  request: RunRequest,
  open: (threads: number) => Lanes,
  body: (lanes: Lanes) => Promise<T>,
): Promise<T> {
  const backend = resolveConfig(request.config).quantization.advanced_parameters.backend_params;
  const lanes = open(backend.threads ?? defaultThreads());
  try {
    return await body(lanes);
  } finally {
    await lanes.close();
  }
}

type OpenedRun = Awaited<ReturnType<typeof openRun>>;

/** Everything that is there before anything is quantized: model, data and metric, checked. */
async function openRun(request: RunRequest, emit: (event: EngineEvent) => void, lanes: Lanes) {
  const clock = startClock(emit);
  const config = resolveConfig(request.config);
  const cpu = await cpuFeatures();
  const paths = runPaths(request);
  const warnings: Problem[] = [];
  const warn = (problems: readonly Problem[]) => {
    for (const problem of problems) emit({ type: 'problem', problem });
    warnings.push(...problems);
  };
  clock.stage('load', null);
  const loaded = await readModel(paths.model);
  lanes.warm(loaded.model);
  clock.stage('prepare', null);
  const float = await prepareModel(loaded);
  warn(float.problems);
  const inputs = inputSignatures(float.model);
  const context = { inputs, baseDir: paths.baseDir, allowModules: request.allowModules };
  const source = await openData(config.data.calibration, {
    ...context,
    configPath: ['data', 'calibration'],
  });
  const validation = await openValidation(config, context);
  warn(validation?.problems ?? []);
  const statistics: Calibration = {
    loaded,
    source,
    samples: Math.min(source.count, config.quantization.subset_size),
    lanes,
    cache: request.cache === false ? null : defaultCache(),
    onSample: (done) => clock.progress(done),
    warn,
  };
  return { clock, config, cpu, paths, lanes, warnings, warn, loaded, float, validation, statistics };
}

/** Ends the run before it computes anything when its result has no place to go. Throws `output-unusable`. */
function checkOutput(
  request: RunRequest,
  { data, accuracy_control: control }: ResolvedConfig,
  paths: RunPaths,
  loaded: LoadedModel,
): void {
  const sections = [data.calibration, data.validation ?? {}].flatMap((section) =>
    (['images', 'arrays', 'loader', 'labels'] as const).map((key) => (section as DataSection)[key]),
  );
  const named = [...sections, control?.metric].filter((path) => typeof path === 'string');
  const read = [paths.model, ...loaded.externalFiles, request.configPath];
  const obstacle = outputObstacle(paths.output, [
    ...read,
    ...named.map((path) => resolve(paths.baseDir, path)),
  ]);
  if (obstacle === null) return;
  const where = request.output === undefined ? { configPath: ['output'] } : {};
  fail('output-unusable', `The output ${paths.output} ${obstacle}.`, { file: paths.output, ...where });
}

interface QuantizationInputs {
  readonly float: PreparedModel;
  readonly statistics: Calibration;
  readonly lanes: Lanes;
  readonly clock: Clock;
  readonly cpu: CpuFeatures;
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
  { float, statistics, lanes, clock, cpu }: QuantizationInputs,
  config: ResolvedConfig,
  stage: Clock['stage'],
): Promise<MadeQuantization> {
  stage('calibrate', statistics.samples);
  const smoothed = await smoothModel(float, statistics, config);
  const prepared = await alignModel(smoothed, statistics, config);
  const { placement, problems } = placeForConfig(prepared, config);
  const collected = await calibrate(prepared, placement, statistics, config);
  stage('quantize', null);
  const full = quantize(prepared, placement, collected, config);
  const correctBiases = (fixed: Quantization) => {
    stage('correct', null);
    return correct(fixed, collected, statistics.source, config, { lanes, clock });
  };
  const corrected = await fixOverflow(full, correctBiases, statistics, config, cpu);
  return { ...corrected, cached: collected.cached, problems };
}

function quantize(
  prepared: PreparedModel,
  placed: Placement,
  collected: Collected,
  config: ResolvedConfig,
): Quantization {
  const advanced = config.quantization.advanced_parameters;
  const activationConfig = quantizerConfig(advanced.activations_quantization_params);
  const runtime = advanced.backend_params.runtime as Quantization['runtime'];
  const { activations } = writtenPlacement(prepared.graph, placed, runtime, activationConfig);
  return {
    prepared,
    placement: placed,
    runtime,
    activationConfig,
    activations: activationParameters(activations, collected.ranges),
    weights: weightCodes(prepared, placed, config),
    biases: [],
  };
}

/** Corrects biases, fast or accurately, or not at all. */
async function correct(
  quantization: Quantization,
  collected: Collected,
  source: SampleSource,
  config: ResolvedConfig,
  { lanes, clock }: { lanes: Lanes; clock: Clock },
): Promise<{ quantization: Quantization; records: readonly CorrectionRecord[] }> {
  const advanced = config.quantization.advanced_parameters;
  if (advanced.disable_bias_correction) return { quantization, records: [] };
  const { apply_for_all_nodes: allNodes, threshold } = advanced.bias_correction_params;
  if (config.quantization.fast_bias_correction) {
    const scope = { threshold: threshold ?? FAST_THRESHOLD, ...correctionScope(config) };
    const { biases, records } = fastBiasCorrection(quantization, collected.channelMeans, scope);
    return { quantization: { ...quantization, biases }, records };
  }
  const samples: Sample[] = [];
  const count = accurateSamples(collected.samples);
  for await (const sample of readAhead(source, firstIndices(count))) samples.push(sample);
  const { biases, records } = await accurateBiasCorrection(quantization, samples, {
    threshold: threshold ?? ACCURATE_THRESHOLD,
    allNodes,
    lanes,
    onLayer: (done, total) => clock.progress(done, 'bias correction', total),
  });
  return { quantization: { ...quantization, biases }, records };
}
