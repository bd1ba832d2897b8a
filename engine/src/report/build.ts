import { meetsTarget, REPORT_VERSION, TOOL, type QuantizationReport, tableOf } from '@quantsmith/schemas';
import type { Finished } from '../measure/finished.js';
import type { Quantization } from '../quantize/quantization.js';
import type { RestoreOutcome } from '../restore/restore.js';
import type { RuntimeKernel } from '../runtime/optimized.js';
import { overflowLayers } from '../saturation/layers.js';
import { sampleErrors } from '../validation/sampleErrors.js';
import { allowedDrop, dropOf, intervalOf } from '../validation/validation.js';
import type { ReportInput } from './input.js';
import { layerReports } from './layers.js';

/** The report of a finished run; it only describes. */
export function buildReport(input: ReportInput): QuantizationReport {
  const { config, model, output, data, runtime, restored, finished } = input;
  const { floatMedian, quantizedMedian, floatSpread, quantizedSpread, ratio, busy, runs } = input.latency;
  return {
    schema_version: REPORT_VERSION,
    created: input.created.toISOString(),
    tool: TOOL,
    config: { path: config.path, sha256: config.sha256, resolved_sha256: config.resolvedSha256 },
    model: { path: model.path, sha256: model.sha256 },
    output: { path: output.path, sha256: output.sha256 },
    data,
    runtime,
    metric: metricReport(input),
    answers: input.answers,
    size: {
      float_bytes: model.bytes,
      quantized_bytes: output.bytes,
      ratio: model.bytes / output.bytes,
    },
    latency_ms: {
      float_median: floatMedian,
      quantized_median: quantizedMedian,
      speedup: floatMedian / quantizedMedian,
      runs,
      float_p10: floatSpread[0],
      float_p90: floatSpread[1],
      quantized_p10: quantizedSpread[0],
      quantized_p90: quantizedSpread[1],
      ratio_ci95: ratio === null ? null : [...ratio],
      busy,
    },
    overflow: overflowReport(input),
    restoration: restorationReport(restored, finished.costs),
    objective: input.objective,
    choices: input.choices.map((choice) => ({ ...choice, over: [...choice.over] })),
    pinned: { ...input.pinned },
    layers: layerReports(input),
    kernels: kernelCounts([finished.kernels, ...finished.bodyKernels.values()]),
    outputs: input.verification.outputs.map(
      ({ name, sqnrDb, aboutMeanDb, cosine, agreement, weakCorrelation }) => ({
        name,
        sqnr_db: finite(sqnrDb),
        sqnr_about_mean_db: finite(aboutMeanDb),
        cosine,
        agreement,
        weak_correlation: weakCorrelation,
      }),
    ),
    verified: verifiedReport(input),
    timings_ms: { ...input.timings },
    peak_rss_bytes: input.peakRssBytes,
    warnings: input.warnings.map(({ code, severity, message, configPath }) => ({
      code,
      severity,
      message,
      config_path: [...(configPath ?? [])],
    })),
  };
}

function overflowReport(input: ReportInput): QuantizationReport['overflow'] {
  const { quantization, restored, finished } = input;
  const { observed } = finished.saturation;
  return {
    fix: input.overflowFix,
    layers: overflowLayers(quantization, restored.reverted, finished.kernels, observed, finished.bodyKernels),
    predicted: predictedReport(input),
  };
}

function predictedReport({
  validation,
  restored: { measured },
  finished,
}: ReportInput): QuantizationReport['overflow']['predicted'] {
  const { predicted } = finished.saturation;
  if (predicted === null || validation === null || measured === null) return null;
  const { isa, evaluation } = predicted;
  return { isa, metric: evaluation.value, drop: dropOf(validation, measured.baseline, evaluation) };
}

function metricReport({ validation, restored }: ReportInput): QuantizationReport['metric'] {
  const { measured } = restored;
  if (validation === null || measured === null) return null;
  const { baseline, initial, final } = measured;
  const drop = dropOf(validation, baseline, final);
  const allowed = allowedDrop(validation, baseline);

  return {
    name: validation.metric.name,
    higher_is_better: validation.metric.higherIsBetter,
    samples: validation.source.count,
    baseline: baseline.value,
    quantized_initial: initial.value,
    quantized: final.value,
    drop,
    max_drop: allowed,
    target: validation.target,
    drop_type: validation.dropType,
    satisfied: allowed === null ? null : meetsTarget(drop, allowed),
    ci95: intervalOf(validation, baseline, final),
    ...sampleErrors(validation.metric, final.states),
  };
}

function restorationReport(
  { restoration, reverted }: RestoreOutcome,
  costs: Finished['costs'],
): QuantizationReport['restoration'] {
  if (restoration === null) return null;
  return {
    iterations: restoration.steps.length,
    ranking_samples: restoration.rankingSamples,
    stop_reason: restoration.stopReason,
    steps: restoration.steps.map((step) => ({
      ...step,
      reverted: [...step.reverted],
      drop: finite(step.drop),
    })),
    remedies: restoration.remedies.map((remedy) => ({ ...remedy, drop: finite(remedy.drop) })),
    candidates: restoration.candidates.map(({ operators, outputError, dropAlone }) => ({
      operators: [...operators],
      output_error: outputError,
      drop_alone: finite(dropAlone),
    })),
    reverted: [...reverted],
    costs,
  };
}

function verifiedReport({
  verification: { passed, samples, inSample, optimizedDb, unoptimizedDb, unfit },
  quantization,
}: ReportInput): QuantizationReport['verified'] {
  return {
    passed,
    operators_compared: unfit !== null && areBodiesCompared(quantization),
    samples,
    in_sample: inSample,
    optimized_db: finite(optimizedDb),
    unoptimized_db: finite(unoptimizedDb),
    unfit: (unfit ?? []).map(({ node, op, codes, different, largest }) => ({
      name: node,
      op,
      codes,
      different,
      largest,
    })),
  };
}

/** Whether the operators of all quantized bodies were compared, those of bodies in bodies too. */
const areBodiesCompared = ({ bodies = [] }: Quantization): boolean =>
  bodies.every(({ quantization, isCompared }) => isCompared && areBodiesCompared(quantization));

const finite = (value: number | null) => (Number.isFinite(value) ? value : null);

function kernelCounts(graphs: readonly ReadonlyMap<string, RuntimeKernel>[]): QuantizationReport['kernels'] {
  const unique = [...new Set(graphs.flatMap((kernels) => [...kernels.values()]))];
  const byOp = tableOf<number>();
  for (const { op } of unique) byOp[op] = (byOp[op] ?? 0) + 1;
  const count = (kind: RuntimeKernel['kind']) => unique.filter((kernel) => kernel.kind === kind).length;
  const sorted = Object.fromEntries(Object.entries(byOp).sort(([a], [b]) => (a < b ? -1 : 1)));
  return { integer: count('integer'), float: count('float'), by_op: sorted };
}
