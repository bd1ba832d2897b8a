import type { QuantizationReport } from '@quantsmith/schemas';
import type { ModelProto } from '@quantsmith/model/onnx';
import { targetSaturates, type TargetIsa } from '../overflow/isa.js';
import { calibrationFeeds, observeSaturation, type Saturation } from './observe.js';
import { pairRisk } from '../overflow/pairs.js';
import { predictSaturated } from './predict.js';
import { unaffectedBy } from '../overflow/unaffected.js';
import type { Feeds } from '../runtime/batch.js';
import type { Quantization } from '../quantize/quantization.js';
import type { RuntimeKernel } from '../runtime/optimized.js';
import { dropOf } from '../validation/validation.js';
import type { ReportInput } from '../report/input.js';

type OverflowReport = QuantizationReport['overflow'];

/** A prediction that no one asked for may take a quarter of the run so far, or this many milliseconds. */
const LEAST_BUDGET_MS = 2000;

/**
 * What 16-bit sums do to the final model: its layers, and the metric on a CPU where they saturate. Without a target that
 * saturates, the analysis takes at most about half of the calibration's time, and the metric is predicted where that is
 * quick; `quantsmith overflow` takes the time.
 */
export async function overflowReport(
  input: ReportInput,
  optimized: ModelProto,
  kernels: ReadonlyMap<string, RuntimeKernel>,
): Promise<OverflowReport> {
  const { calibration, quantization, lanes } = input;
  const { dir } = quantization.prepared;
  const target = input.config.quantization.advanced_parameters.backend_params.target_isa as TargetIsa;
  const concerned = await targetSaturates(target);
  const feeds = calibrationFeeds(calibration.source, calibration.samples);
  const samples = concerned ? feeds : withinTime(feeds, input.clock.timings().calibrate / 2);
  const saturation = await observeSaturation(optimized, kernels, samples, { lanes, dir });
  const isa = concerned && target !== 'host' ? target : 'avx2';
  const budgetMs = concerned ? Infinity : Math.max(LEAST_BUDGET_MS, input.clock.timings().total / 4);
  return {
    fix: input.config.quantization.advanced_parameters.overflow_fix,
    layers: overflowLayers(quantization, input.restored.reverted, kernels, saturation),
    predicted: await predictedMetric(input, optimized, isa, budgetMs),
  };
}

/** The layers with 8-bit weights, without those that went back to float. */
export function overflowLayers(
  quantization: Quantization,
  reverted: ReadonlySet<string>,
  kernels: ReadonlyMap<string, RuntimeKernel>,
  saturation: ReadonlyMap<string, Saturation>,
): OverflowReport['layers'] {
  const integer = integerOperators(kernels);
  const { graph } = quantization.prepared;
  return quantization.placement.weights.flatMap((quantizer) => {
    const weights = quantization.weights.get(quantizer.id);
    const dims = graph.initializer(quantizer.tensor)?.dims.map(Number) ?? [];
    return quantizer.targets.flatMap(({ node: name, input }) => {
      const node = graph.node(name);
      if (node === undefined || weights === undefined || reverted.has(name)) return [];
      const unsigned = weights.parameters.storage === 'uint8';
      const why = integer.has(name) ? unaffectedBy(node, dims, unsigned) : 'float';
      const adds = why === null && weights.parameters.storage === 'int8' && input === 1;
      const risk = adds ? pairRisk(node, weights.codes, dims) : null;
      const seen = saturation.get(name);
      return [
        {
          name,
          op: node.opType,
          half_range: quantizer.halfRange,
          pairs_at_risk: risk?.pairsAtRisk ?? 0,
          ...(risk === null ? {} : { outputs: risk.outputs, outputs_at_risk: risk.outputsAtRisk }),
          ...(why === null ? {} : { unaffected: why }),
          saturating_fraction_calibration: seen?.fraction ?? ((risk?.pairsAtRisk ?? 0) === 0 ? 0 : null),
          worst_case_exceeds: risk?.worstCase ?? null,
          saturation_sqnr_db: seen?.sqnrDb ?? null,
        },
      ];
    });
  });
}

/** The operators that integer kernels compute; what the runtime computes in float cannot saturate. */
function integerOperators(kernels: ReadonlyMap<string, RuntimeKernel>): ReadonlySet<string> {
  const integer = [...kernels.values()].filter(({ kind }) => kind === 'integer');
  return new Set(integer.flatMap(({ covers }) => covers));
}

async function predictedMetric(
  { validation, restored: { measured }, quantization, lanes, clock }: ReportInput,
  optimized: ModelProto,
  isa: string,
  budgetMs: number,
): Promise<OverflowReport['predicted']> {
  if (validation === null || measured === null) return null;
  const { baseline, final } = measured;
  const total = validation.source.count;
  const evaluation = await predictSaturated(
    optimized,
    validation,
    { baseline, exact: final },
    {
      lanes,
      dir: quantization.prepared.dir,
      budgetMs,
      onSample: (done) => clock.progress(done, 'as on a CPU without VNNI', total),
    },
  );
  if (evaluation === null) return null;
  return { isa, metric: evaluation.value, drop: dropOf(validation, baseline, evaluation) };
}

/** The first sample, and those that follow until `ms` milliseconds have passed. */
async function* withinTime(samples: AsyncIterable<Feeds>, ms: number): AsyncGenerator<Feeds> {
  const begun = performance.now();
  for await (const feeds of samples) {
    yield feeds;
    if (performance.now() - begun > ms) return;
  }
}
