import type { QuantizationReport } from '@quantsmith/schemas';
import type { ActivationQuantizer } from '../placement/types.js';
import { quantizedOperators } from '../placement/revert.js';
import { writtenPlacement, type Quantization } from '../quantize/quantization.js';
import type { RuntimeKernel } from '../runtime/optimized.js';
import type { ReportInput } from './input.js';

type LayerReport = QuantizationReport['layers'][number];
type Inputs = Pick<ReportInput, 'quantization' | 'restored' | 'corrections' | 'finished'>;

/** One entry for each operator that is quantized, was before restoration, or has weights and stayed float. */
export function layerReports({ quantization, restored, corrections, finished }: Inputs): LayerReport[] {
  const { graph } = quantization.prepared;
  const quantized = new Set(quantizedOperators(graph, quantization.placement));
  const sqnr = new Map(finished.layers.map(({ name, sqnrDb }) => [name, sqnrDb]));
  const kernelOf = kernelByNode(finished.kernels);
  const correctionOf = new Map(corrections.map((record) => [record.node, record]));
  const written = writtenPlacement(
    graph,
    quantization.placement,
    quantization.runtime,
    quantization.activationConfig,
    restored.reverted,
  );

  return graph.nodes
    .filter((node) => sqnr.has(node.name))
    .map((node) => {
      const isQuantized = quantized.has(node.name) && !restored.reverted.has(node.name);
      const decibels = sqnr.get(node.name) ?? null;
      const correction = correctionOf.get(node.name);

      return {
        name: node.name,
        op: node.opType,
        quantized: isQuantized,
        weight: isQuantized ? weightReport(quantization, node.name) : null,
        inputs: isQuantized ? activationReports(quantization, written.activations, node.name) : [],
        sqnr_db: decibels !== null && Number.isFinite(decibels) ? decibels : null,
        bias_correction: {
          applied: isQuantized && correction?.applied === true,
          max_shift: isQuantized && correction?.applied === true ? correction.maxShift : 0,
        },
        restored: restored.reverted.has(node.name),
        kernel: kernelOf.get(node.name) ?? null,
      };
    });
}

function kernelByNode(kernels: ReadonlyMap<string, RuntimeKernel>): ReadonlyMap<string, string> {
  return new Map(
    [...kernels.values()]
      .filter((kernel) => kernel.kind === 'integer')
      .flatMap((kernel) => kernel.covers.map((name) => [name, kernel.op] as const)),
  );
}

function weightReport(quantization: Quantization, node: string): LayerReport['weight'] {
  const quantizer = quantization.placement.weights.find((candidate) =>
    candidate.targets.some((port) => port.node === node),
  );

  const weights = quantizer === undefined ? undefined : quantization.weights.get(quantizer.id);
  if (quantizer === undefined || weights === undefined) return null;
  const { scale, signed, numBits } = weights.parameters;

  return {
    bits: numBits,
    signed,
    per_channel: quantizer.axis !== null,
    scale_min: scale.reduce((a, b) => Math.min(a, b)),
    scale_max: scale.reduce((a, b) => Math.max(a, b)),
    half_range: quantizer.halfRange,
  };
}

function activationReports(
  quantization: Quantization,
  quantizers: readonly ActivationQuantizer[],
  node: string,
): LayerReport['inputs'] {
  return quantizers.flatMap((quantizer) => {
    const parameters = quantization.activations.get(quantizer.id);
    if (parameters === undefined || !quantizer.targets.some((port) => port.node === node)) return [];
    return [
      {
        tensor: quantizer.tensor,
        scale: parameters.scale[0]!,
        zero_point: parameters.zeroPoint[0]!,
        low: parameters.low[0]!,
        high: parameters.high[0]!,
      },
    ];
  });
}
