import { meetsTarget } from '../metrics/drop.js';
import { type QuantizationReport, TOOL } from '@quantsmith/schemas';
import { createHash } from 'node:crypto';
import { hashFile } from '@quantsmith/model/files';
import { encodeModel, modelSha256 } from '@quantsmith/model/onnx';
import type { RestoreOutcome } from '../restore/restore.js';
import { cpuFeatures } from '../runtime/cpu.js';
import { kernelsOf, optimizedModel, type RuntimeKernel } from '../runtime/optimized.js';
import { createSession, runtimeVersion } from '../runtime/session.js';
import { dropOf, intervalOf } from '../validation/validation.js';
import { measureLatency } from '../measure/latency.js';
import { layerReports } from './layers.js';
import { overflowReport } from '../saturation/report.js';
import { reversalCosts } from '../measure/reversals.js';
import type { ReportInput } from './input.js';

/** Measures what only the finished model can tell (latency, kernels, noise), writes it, and describes the whole run. */
export async function buildReport(input: ReportInput): Promise<QuantizationReport> {
  const { quantization } = input;
  const { threads } = input.lanes;
  const { dir } = quantization.prepared;
  const bytes = encodeModel(input.final);
  const first = await input.calibration.source.get(0);
  const latency = await compareLatency(input, bytes, first.feeds);
  const costs = await reversalCosts(quantization, input.restored.reverted, first.feeds, { threads });
  const optimized = await optimizedModel(bytes, { dir });
  const kernels = kernelsOf(bytes, optimized);
  const layers = await layerReports(input, kernels, [first.feeds]);
  const overflow = await overflowReport(input, optimized, kernels);
  const calibrationSha256 = await input.calibration.source.fingerprint();
  const validationSha256 = (await input.validation?.source.fingerprint()) ?? null;
  const modelHash = await modelSha256(input.loaded);
  const cpu = await cpuFeatures();
  input.clock.stage('write', null);
  const written = await input.writeOutput();
  return {
    schema_version: 1,
    created: new Date().toISOString(),
    tool: TOOL,
    config: { path: input.request.configPath, sha256: input.request.configSha256 },
    model: { path: input.loaded.path, sha256: modelHash },
    output: { path: input.paths.output, sha256: await fileSha256(input.paths.output) },
    data: {
      calibration: {
        samples: input.calibration.samples,
        sha256: calibrationSha256,
        cached: input.calibration.cached,
      },
      validation:
        input.validation === null || validationSha256 === null
          ? null
          : { samples: input.validation.source.count, sha256: validationSha256 },
    },
    runtime: {
      name: 'onnxruntime',
      version: runtimeVersion(),
      cpu: { model: cpu.model, isa: [...cpu.isa] },
      threads,
    },
    metric: metricReport(input),
    size: {
      float_bytes: input.loaded.fileBytes,
      quantized_bytes: written,
      ratio: input.loaded.fileBytes / written,
    },
    latency_ms: latency,
    overflow,
    restoration: restorationReport(input.restored, costs),
    layers,
    kernels: kernelCounts(kernels),
    timings_ms: input.clock.timings(),
    peak_rss_bytes: process.resourceUsage().maxRSS * 1024,
    warnings: input.warnings.map(({ code, message, configPath }) => ({
      code,
      message,
      config_path: [...(configPath ?? [])],
    })),
  };
}

async function compareLatency(
  input: ReportInput,
  bytes: Uint8Array,
  feeds: Parameters<typeof measureLatency>[2],
): Promise<QuantizationReport['latency_ms']> {
  const { model, dir } = input.quantization.prepared;
  const options = { threads: input.lanes.threads, dir };
  const float = await createSession(encodeModel(model), options);
  const quantized = await createSession(bytes, options);
  try {
    const { floatMedian, quantizedMedian, runs } = await measureLatency(float, quantized, feeds);
    return {
      float_median: floatMedian,
      quantized_median: quantizedMedian,
      speedup: floatMedian / quantizedMedian,
      runs,
    };
  } finally {
    await float.release();
    await quantized.release();
  }
}

function metricReport({ validation, restored }: ReportInput): QuantizationReport['metric'] {
  const { measured } = restored;
  if (validation === null || measured === null) return null;
  const { baseline, initial, final } = measured;
  const drop = dropOf(validation, baseline, final);
  return {
    name: validation.metric.name,
    higher_is_better: validation.metric.higherIsBetter,
    samples: validation.source.count,
    baseline: baseline.value,
    quantized_initial: initial.value,
    quantized: final.value,
    drop,
    max_drop: validation.maxDrop,
    drop_type: validation.dropType,
    satisfied: validation.maxDrop === null ? null : meetsTarget(drop, validation.maxDrop),
    ci95: intervalOf(validation, baseline, final),
  };
}

function restorationReport(
  { restoration, reverted }: RestoreOutcome,
  costs: Awaited<ReturnType<typeof reversalCosts>>,
): QuantizationReport['restoration'] {
  if (restoration === null) return null;
  return {
    iterations: restoration.steps.length,
    ranking_samples: restoration.rankingSamples,
    stop_reason: restoration.stopReason,
    steps: restoration.steps.map((step) => ({ ...step, reverted: [...step.reverted] })),
    remedies: restoration.remedies.map(({ drop, ...remedy }) => ({
      ...remedy,
      drop: Number.isFinite(drop) ? drop : null,
    })),
    candidates: restoration.candidates.map(({ operators, outputError, dropAlone }) => ({
      operators: [...operators],
      output_error: outputError,
      drop_alone: Number.isFinite(dropAlone) ? dropAlone : null,
    })),
    reverted: [...reverted],
    costs,
  };
}

function kernelCounts(kernels: ReadonlyMap<string, RuntimeKernel>): QuantizationReport['kernels'] {
  const unique = [...new Set(kernels.values())];
  const byOp: Record<string, number> = {};
  for (const { op } of unique) byOp[op] = (byOp[op] ?? 0) + 1;
  const count = (kind: RuntimeKernel['kind']) => unique.filter((kernel) => kernel.kind === kind).length;
  const sorted = Object.fromEntries(Object.entries(byOp).sort(([a], [b]) => (a < b ? -1 : 1)));
  return { integer: count('integer'), float: count('float'), by_op: sorted };
}

async function fileSha256(path: string): Promise<string> {
  const hash = createHash('sha256');
  await hashFile(hash, path);
  return hash.digest('hex');
}
