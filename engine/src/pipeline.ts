import { resolveConfig, type QuantizationReport, type ResolvedConfig } from '@quantsmith/schemas';
import { ACCURATE_THRESHOLD, accurateBiasCorrection, accurateSamples } from './corrections/accurateBias.js';
import { biasCandidates, type CandidateOptions } from './corrections/candidates.js';
import {
  FAST_THRESHOLD,
  fastBiasCorrection,
  fastBiasMeans,
  type CorrectionRecord,
} from './corrections/fastBias.js';
import { applySmoothing, magnitudePlan, smoothGroups, smoothScales } from './corrections/smoothQuant.js';
import { firstIndices, openData, readAhead, type Sample, type SampleSource } from './data/source.js';
import { prepareModel, type PreparedModel } from './graph/prepare.js';
import { readModel } from './onnx/read.js';
import { encodeModel, writeModel, writeText } from './onnx/write.js';
import { runPaths } from './paths.js';
import { ignoredByConfig, placeForConfig, quantizerConfig } from './placement/fromConfig.js';
import { isTail } from './placement/runtimeLayout.js';
import { halveAtRisk } from './overflow/auto.js';
import type { Placement } from './placement/types.js';
import type { Problem } from './problem.js';
import type { EngineEvent, RunRequest, TensorSignature } from './protocol.js';
import {
  activationParameters,
  buildModel,
  weightCodes,
  writtenPlacement,
  type Quantization,
} from './quantization.js';
import { buildReport } from './report/build.js';
import { startClock, type Clock } from './report/progress.js';
import { restoreAccuracy } from './restore/restore.js';
import { createSession } from './runtime/session.js';
import { defaultThreads } from './runtime/threads.js';
import { collectStatistics, unifyRanges, type Collected } from './statistics/collect.js';
import { activationEstimator } from './statistics/defaults.js';
import { planStatistics } from './statistics/plan.js';
import { unsupportedSettings } from './unsupported.js';
import { openValidation } from './validation.js';

/**
 * One run from config to files, stage by stage; the only place that knows them all. Problems that do not stop the run
 * become events and stand in the report's warnings; the others are thrown as `QuantsmithError`, and nothing is written.
 */
export async function runPipeline(
  request: RunRequest,
  emit: (event: EngineEvent) => void,
): Promise<{ report: QuantizationReport; reportPath: string }> {
  const clock = startClock(emit);
  const config = resolveConfig(request.config);
  const paths = runPaths(request);
  const threads = config.quantization.advanced_parameters.backend_params.threads ?? defaultThreads();
  const warnings: Problem[] = [];
  const warn = (problems: readonly Problem[]) => {
    for (const problem of problems) emit({ type: 'problem', problem });
    warnings.push(...problems);
  };

  warn(unsupportedSettings(config));
  clock.stage('load', null);
  const loaded = await readModel(paths.model);
  clock.stage('prepare', null);
  const float = await prepareModel(loaded);
  warn(float.problems);
  const context = {
    inputs: await inputSignatures(float),
    baseDir: paths.baseDir,
    allowModules: request.allowModules,
  };
  const calibration = await openData(config.data.calibration, {
    ...context,
    configPath: ['data', 'calibration'],
  });
  const validation = await openValidation(config, context);
  warn(validation?.problems ?? []);
  const prepared = await smooth(float, calibration, config, threads);
  const placed = placeForConfig(prepared, config);
  warn(placed.problems);

  const samples = Math.min(calibration.count, config.quantization.subset_size);
  clock.stage('calibrate', samples);
  const collected = await calibrate(prepared, placed.placement, calibration, config, {
    samples,
    threads,
    clock,
  });
  clock.stage('quantize', null);
  const uncorrected = quantize(prepared, placed.placement, collected, config);
  clock.stage('correct', null);
  const { quantization, records } = await correct(uncorrected, collected, calibration, config, {
    threads,
    clock,
  });
  const restored = await restoreAccuracy(quantization, validation, config, { threads, clock });

  clock.stage('write', null);
  const final = buildModel(quantization, restored.reverted);
  const report = await buildReport({
    request,
    config,
    paths,
    loaded,
    quantization,
    corrections: records,
    final,
    calibration: { source: calibration, samples },
    validation,
    restored,
    threads,
    clock,
    warnings,
    writeOutput: () =>
      writeModel(final, paths.output, {
        sourceDir: prepared.dir,
        externalData: config.quantization.advanced_parameters.backend_params.external_data ?? 'auto',
        onTemporary: (path, exists) => emit({ type: 'temporary', path, exists }),
      }),
  });
  await writeText(paths.report, `${JSON.stringify(report, null, 2)}\n`);
  return { report, reportPath: paths.report };
}

/** The model's inputs as the runtime declares them. */
async function inputSignatures(prepared: PreparedModel): Promise<TensorSignature[]> {
  const session = await createSession(encodeModel(prepared.model), {
    threads: 1,
    optimization: 'disabled',
    dir: prepared.dir,
  });
  await session.release();
  return [...session.inputs];
}

/** SmoothQuant: for transformers, outliers move from activations into weights before anything is quantized. */
async function smooth(
  float: PreparedModel,
  source: SampleSource,
  config: ResolvedConfig,
  threads: number,
): Promise<PreparedModel> {
  const { quantization } = config;
  const alpha = quantization.advanced_parameters.smooth_quant_alphas.matmul;
  if (quantization.model_type !== 'transformer' || alpha < 0) return float;
  const groups = smoothGroups(float.graph, ignoredByConfig(float, config));
  if (groups.length === 0) return float;
  const count = Math.min(source.count, quantization.subset_size);
  const samples = readAhead(source, firstIndices(count));
  const { ranges } = await collectStatistics(float, magnitudePlan(groups), [], samples, {
    inGraph: quantization.advanced_parameters.inplace_statistics,
    threads,
  });
  const smoothed = groups.flatMap((group) => {
    const largest = ranges.get(group.tensor)?.max;
    if (largest === undefined) return [];
    return [{ group, scales: smoothScales(group, Float64Array.from(largest), alpha, float.dir) }];
  });
  return applySmoothing(float, smoothed);
}

interface CalibrationOptions {
  readonly samples: number;
  readonly threads: number;
  readonly clock: Clock;
}

/** Ranges of the activations, and what the bias correction needs, in one pass over the samples. */
async function calibrate(
  prepared: PreparedModel,
  placement: Placement,
  source: SampleSource,
  config: ResolvedConfig,
  { samples, threads, clock }: CalibrationOptions,
): Promise<Collected> {
  const { graph, dir } = prepared;
  const advanced = config.quantization.advanced_parameters;
  const activationConfig = quantizerConfig(advanced.activations_quantization_params);
  const runtime = advanced.backend_params.runtime as Quantization['runtime'];
  const quantizers = writtenPlacement(graph, placement, runtime, activationConfig).activations;
  const plan = planStatistics(graph, dir, quantizers, (quantizer) =>
    activationEstimator(
      advanced.activations_range_estimator_params,
      // Averages would cut the largest outputs, which decide the answer: the tail keeps its whole range.
      quantizer.axis !== null || (runtime === 'onnxruntime' && isTail(graph, quantizer.tensor)),
    ),
  );
  const corrects = !advanced.disable_bias_correction && config.quantization.fast_bias_correction;
  const means = corrects
    ? fastBiasMeans(graph, biasCandidates(graph, placement, correctionScope(config)))
    : [];
  const collected = await collectStatistics(prepared, plan, means, readAhead(source, firstIndices(samples)), {
    inGraph: advanced.inplace_statistics,
    threads,
    onSample: (done) => clock.progress(done),
  });
  return { ...collected, ranges: unifyRanges(quantizers, collected.ranges) };
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
  const full = weightCodes(prepared, placed, config);
  const auto = advanced.overflow_fix === 'auto';
  const placement = auto ? halveAtRisk(prepared.graph, placed, full) : placed;
  return {
    prepared,
    placement,
    runtime,
    activationConfig,
    activations: activationParameters(activations, collected.ranges),
    weights: auto ? weightCodes(prepared, placement, config) : full,
    biases: [],
  };
}

/** Corrects biases, fast or accurately, or not at all. */
async function correct(
  quantization: Quantization,
  collected: Collected,
  source: SampleSource,
  config: ResolvedConfig,
  { threads, clock }: { threads: number; clock: Clock },
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
    threads,
    onLayer: (done, total) => clock.progress(done, 'bias correction', total),
  });
  return { quantization: { ...quantization, biases }, records };
}

/** NNCF's fast correction leaves grouped convolutions out; ONNX Runtime's layout gains from them (docs/compatibility.md). */
function correctionScope(config: ResolvedConfig): CandidateOptions {
  const { bias_correction_params: params, backend_params: backend } = config.quantization.advanced_parameters;
  return { allNodes: params.apply_for_all_nodes, grouped: backend.runtime === 'onnxruntime' };
}
